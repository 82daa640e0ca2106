"""Runs over REST: started as the seed's examples do, watched, steered, read and removed."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import time
from typing import Any

import httpx
import pytest

from tests.server.process import ServerProcess

SEED = {
    "strategy_name": "ma_crossover_strategy",
    "symbol": "EURUSD",
    "timeframe": "1h",
    "start_date": "2024-02-01T00:00:00Z",
    "end_date": "2024-02-07T23:59:59Z",
    "initial_capital": 10000.0,
}
YEAR = SEED | {"start_date": "2024-01-01", "end_date": "2024-12-31"}


def start(client: httpx.Client, **changes: Any) -> str:
    answer = client.post("/api/backtest/run", json=YEAR | changes)
    assert answer.status_code == 202, answer.text
    run = answer.json()["backtest_id"]
    assert isinstance(run, str)
    return run


def wait(client: httpx.Client, run: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        status: dict[str, Any] = client.get(f"/api/backtest/{run}/status").raise_for_status().json()
        if status["status"] in (states or ("completed", "failed", "cancelled")):
            return status
    raise AssertionError(status)


@pytest.mark.parametrize("strategy", ["ma_crossover_strategy", "test_death_cross_strategy"])
def test_the_seeds_request_works_without_any_file_and_says_that_candles_are_made_up(
    client: httpx.Client, strategy: str
) -> None:
    answer = client.post("/api/backtest/run", json=SEED | {"strategy_name": strategy})
    assert answer.status_code == 202
    accepted = answer.json()
    run = accepted["backtest_id"]
    assert accepted["links"]["results"] == f"/api/backtest/{run}/results"
    status = wait(client, run)
    assert (status["status"], status["synthetic"], status["sources"]) == ("completed", True, ["synthetic"])
    assert (status["start_capital"], status["timeframe"], status["candles"]) == ("10000.00", "1h", 120)
    result = client.get(f"/api/backtest/{run}/results").json()
    assert (result["synthetic"], result["end_capital"]) == (True, status["current_capital"])
    assert result["signals_generated"] >= 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_seeds_curl_commands_work_as_they_stand(server: ServerProcess) -> None:
    url = f"{server.url.replace('127.0.0.1', 'localhost')}/api/backtest"
    sent = ["-X", "POST", f"{url}/run", "-H", "Content-Type: application/json", "-d", json.dumps(SEED)]
    run = json.loads(subprocess.check_output(["curl", "-s", *sent]))["backtest_id"]
    with httpx.Client(base_url=server.url) as client:
        wait(client, run)
    assert json.loads(subprocess.check_output(["curl", "-s", f"{url}/{run}/results"]))["run_id"] == run


def test_a_symbol_that_a_file_knows_comes_from_that_file(client: httpx.Client) -> None:
    run = start(client, symbol="GBPUSD", start_date=None, end_date=None)
    status = wait(client, run)
    assert (status["status"], status["synthetic"]) == ("completed", False)
    assert status["sources"][0].endswith("GBPUSD-1h.csv")


def test_trades_are_those_of_the_result_in_pages_and_as_a_table(client: httpx.Client) -> None:
    run = start(client)
    wait(client, run)
    trades = client.get(f"/api/backtest/{run}/results").json()["completed_trades"]
    assert len(trades) > 5
    pages = []
    for offset in range(0, len(trades), 4):
        page = client.get(f"/api/backtest/{run}/trades", params={"offset": offset, "limit": 4}).json()
        assert (page["total"], page["offset"]) == (len(trades), offset)
        pages += page["trades"]
    assert pages == trades
    table = list(csv.DictReader(io.StringIO(client.get(f"/api/backtest/{run}/trades?format=csv").text)))
    assert [(row["id"], row["pnl"], row["exit_price"]) for row in table] == [
        (str(each["id"]), each["pnl"], each["exit_price"]) for each in trades
    ]


def test_events_equity_and_candles_go_with_the_result(client: httpx.Client) -> None:
    run = start(client)
    status = wait(client, run)
    events = client.get(f"/api/backtest/{run}/events", params={"limit": 1_000}).json()["events"]
    assert [each["seq"] for each in events] == list(range(status["next_seq"]))
    assert events[-1]["fingerprint"] == status["fingerprint"]
    later = client.get(f"/api/backtest/{run}/events", params={"from_seq": 5, "limit": 3}).json()["events"]
    assert later == events[5:8]
    equity = client.get(f"/api/backtest/{run}/equity").json()
    assert equity["equity"][-1] == status["current_capital"]
    candles = client.get(f"/api/backtest/{run}/candles", params={"most": 200}).json()
    assert 50 < len(candles["time"]) <= 200
    assert candles["timeframe"] != candles["data_timeframe"] == "1h"
    report = client.get(f"/api/backtest/{run}/report")
    assert report.headers["content-type"].startswith("text/html")
    why = client.get(f"/api/backtest/{run}/why", params={"near": 2}).json()
    assert len(why["near"][0]["nearest"]) == 2


def test_a_run_is_paced_paused_stepped_resumed_and_cancelled(client: httpx.Client) -> None:
    run = start(client, pace=20)
    base = f"/api/backtest/{run}"
    assert wait(client, run, "running")["pace"] == "20"
    assert client.post(f"{base}/pause").json()["status"] == "paused"
    before = client.get(f"{base}/status").json()["candles"]
    client.post(f"{base}/step", json={"n": 25}).raise_for_status()
    assert wait(client, run, "paused")["candles"] in (before, before + 25)
    deadline = time.monotonic() + 10
    while client.get(f"{base}/status").json()["candles"] != before + 25:
        assert time.monotonic() < deadline
    client.post(f"{base}/step", json={"until": "trade"}).raise_for_status()
    while not client.get(f"{base}/status").json()["trades_count"]:
        assert time.monotonic() < deadline
    assert client.post(f"{base}/pace", json={"pace": "realtime x60"}).json()["pace"] == "realtime x60"
    assert client.post(f"{base}/resume").json()["status"] == "running"
    assert client.get(f"{base}/results").status_code == 409
    assert client.delete(base).status_code == 409
    assert client.post(f"{base}/cancel").json()["status"] == "cancelled"
    assert client.post(f"{base}/pause").status_code == 409
    partial = client.get(f"{base}/results").json()
    assert (partial["status"], partial["total_trades"] >= 1) == ("cancelled", True)
    assert client.delete(base).status_code == 204
    assert client.get(f"{base}/status").status_code == 404


def test_runs_are_listed_by_what_is_asked_for(client: httpx.Client) -> None:
    run = start(client, strategy_name="rsi_pullback", symbol="XAUUSD", timeframe=None)
    wait(client, run)
    found = client.get("/api/backtests", params={"symbol": "XAUUSD", "status": "completed"}).json()
    assert (found["total"], found["runs"][0]["backtest_id"]) == (1, run)
    assert len(client.get("/api/backtests", params={"limit": 1}).json()["runs"]) == 1


@pytest.mark.parametrize(
    ("changes", "status", "path"),
    [
        ({"strategy_name": "ma_crosover"}, 404, "strategy_name"),
        ({"strategy_name": "../config/server"}, 404, "strategy_name"),
        ({"symbol": "EURUDS"}, 404, "symbol"),
        ({"symbol": ["EURUSD", "EURUSD"]}, 422, "symbol"),
        ({"start_date": "yesterday"}, 422, "start_date"),
        ({"end_date": "2020-01-01"}, 422, "end_date"),
        ({"timeframe": "7x"}, 422, "timeframe"),
        ({"initial_capital": 0}, 422, "initial_capital"),
        ({"initial_capital": "0.123456789"}, 422, "initial_capital"),
        ({"initial_capital": "a lot"}, 422, "initial_capital"),
        ({"parameters": {"fast": "slow"}}, 422, "fast"),
        ({"data": "../config/server.yaml"}, 422, "data"),
        ({"pace": "slowly"}, 422, "pace"),
        ({"execution_mode": "live"}, 422, "execution_mode"),
        ({"execution_mode": "paper", "data": "synthetic"}, 422, "data"),
        ({"capital": 5}, 422, "capital"),
    ],
)
def test_a_wrong_field_is_named(client: httpx.Client, changes: dict[str, Any], status: int, path: str) -> None:
    answer = client.post("/api/backtest/run", json=YEAR | changes)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert any(path in each["path"] or path in each["message"] for each in problem["errors"]), problem


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/api/backtest/run", b"{", 400),
        ("POST", "/api/backtest/run", b'"' + b"x" * 200_000 + b'"', 413),
        ("GET", "/api/backtest/nobody/status", b"", 404),
        ("GET", "/nowhere", b"", 404),
        ("PATCH", "/api/backtests", b"", 405),
        ("GET", "/api/backtests?limit=-1", b"", 422),
        ("GET", "/static/../pyproject.toml", b"", 404),
        ("GET", "/static/%2e%2e/errors.py", b"", 404),
    ],
)
def test_every_error_has_the_same_shape(
    client: httpx.Client, method: str, path: str, content: bytes, status: int
) -> None:
    answer = client.request(method, path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_pages_of_others_may_not_change_anything(client: httpx.Client) -> None:
    for origin, status in (("https://evil.example", 403), ("https://app.example", 202)):
        answer = client.post("/api/backtest/run", json=SEED, headers={"Origin": origin})
        assert answer.status_code == status


def test_the_server_says_that_it_is_well(client: httpx.Client) -> None:
    for path in ("/health", "/health/live", "/health/ready"):
        assert client.get(path).status_code == 200


def test_the_page_and_its_parts_come_from_this_server_alone(client: httpx.Client) -> None:
    page = client.get("/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    for path in ("/static/plotly.min.js", "/static/js/main.js", "/static/css/page.css", "/docs", "/docs/openapi.json"):
        assert client.get(path).status_code == 200, path
