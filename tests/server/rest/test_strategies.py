"""The editor: strategies are listed, read, validated, saved and removed, and nobody's change is lost."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.server.process import ServerProcess

TEXT = "name: mine\nentry: {when: [{expr: close > sma(20)}], action: buy, size: 0.02}\n"
WRONG = "name: mine\nentry: {when: [{expr: close > sma(20)}], action: buy, size: much}\n"
PATH = "/api/strategies/mine"


@pytest.fixture(autouse=True)
def removed_afterwards(server: ServerProcess) -> Iterator[None]:
    yield
    (server.workspace / "strategies" / "mine.yaml").unlink(missing_ok=True)


def test_strategies_are_listed(client: httpx.Client) -> None:
    names = [each["name"] for each in client.get("/api/strategies").json()["strategies"]]
    assert {"ma_crossover_strategy", "test_death_cross_strategy"} <= set(names)


def test_a_strategy_is_made_read_changed_and_removed(client: httpx.Client, server: ServerProcess) -> None:
    made = client.put(PATH, json={"text": TEXT})
    assert made.status_code == 201, made.text
    first = made.headers["etag"]
    assert (server.workspace / "strategies" / "mine.yaml").read_text() == TEXT
    assert client.get(PATH).json()["text"] == TEXT
    assert client.put(PATH, json={"text": TEXT + "# more\n"}).status_code == 428
    changed = client.put(PATH, json={"text": TEXT + "# more\n"}, headers={"If-Match": first})
    assert changed.status_code == 200
    lost = client.put(PATH, json={"text": TEXT}, headers={"If-Match": first})
    assert (lost.status_code, lost.json()["code"]) == (412, "stale_version")
    assert client.delete(PATH, headers={"If-Match": first}).status_code == 412
    assert client.delete(PATH, headers={"If-Match": changed.headers["etag"]}).status_code == 204
    assert client.get(PATH).status_code == 404


def test_findings_have_line_and_path(client: httpx.Client) -> None:
    found = client.post("/api/strategies/validate", json={"text": WRONG}).json()
    assert found["valid"] is False
    assert [(each["line"], each["path"]) for each in found["findings"]] == [(2, "entry.size")]
    assert client.post("/api/strategies/validate", json={"text": TEXT}).json()["valid"] is True
    refused = client.put(PATH, json={"text": WRONG})
    assert (refused.status_code, refused.json()["errors"][0]["line"]) == (422, 2)


@pytest.mark.parametrize("name", ["..%2Fserver", "%2e%2e", ".hidden", "a%2Fb", "x" * 300, "signals%2Finside_bar"])
def test_no_name_leads_out_of_the_folder(client: httpx.Client, server: ServerProcess, name: str) -> None:
    before = sorted(server.workspace.rglob("*.yaml"))
    assert client.put(f"/api/strategies/{name}", json={"text": TEXT}).status_code in (404, 405, 422)
    assert sorted(server.workspace.rglob("*.yaml")) == before
