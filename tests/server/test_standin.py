"""The stand-in for the market-data server: runs over it are right whatever it does, or end with a clear error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from sptrader_stream.cli import DONE, USER_MISTAKE
from sptrader_stream.server.standin.faults import FAULTS
from tests.cli.support import Output, run
from tests.sources.http.servers import hourly, standin, workspace_of_hours

CANDLES = hourly(2_000)
WORDS = ("--timeframe", "1h", "--from", "2023-01-10", "--to", "2023-03-10", "--json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("workspace")
    workspace_of_hours(found, CANDLES)
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_over_a_server_with_a_fault_is_the_run_over_the_file(
    capsys: Output, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("SPTRADER_MARKET_DATA_CACHE", str(tmp_path))
    there = ("--workspace", str(folder))
    file = str(folder / "data" / "EURUSD-1h.csv")
    right = json.loads(run(capsys, "run", "ema_crossover", "--data", file, *WORDS, *there)[1])
    with standin(folder, "--fault", f"{fault}=0.4", "--seed", "5") as url:
        monkeypatch.setenv("WS_MARKET_DATA_URL", url)
        code, out, err = run(capsys, "run", "ema_crossover", "--data", "http", "--symbol", "EURUSD", *WORDS, *there)
    assert code == DONE, err
    assert json.loads(out)["fingerprint"] == right["fingerprint"]


def test_without_faults_it_answers_as_the_interface_says(folder: Path) -> None:
    with standin(folder) as url, httpx.Client(base_url=url) as client:
        metadata = client.get("/api/metadata/EURUSD").json()
        assert (metadata["earliest"], metadata["latest"]) == (CANDLES[0][0], CANDLES[-1][0] + 3_599)
        query: dict[str, str | int] = {
            "symbol": "EURUSD",
            "timeframe": "1h",
            "from": CANDLES[3][0],
            "to": CANDLES[5][0],
        }
        answer = client.get("/api/candles", params=query)
        assert [each["time"] for each in answer.json()] == [each[0] for each in CANDLES[3:6]]
        known = client.get("/api/candles", params=query, headers={"If-None-Match": answer.headers["etag"]})
        assert known.status_code == 304
        assert client.get("/api/metadata/XXXYYY").status_code == 404
        assert client.get("/api/backtests").status_code == 404


@pytest.mark.parametrize(
    ("word", "message"),
    [("cutt", "no such fault (did you mean cut?)"), ("cut=2", "expected a share from 0 to 1"), ("cut=x", "a share")],
)
def test_a_fault_that_is_none_is_refused(capsys: Output, folder: Path, word: str, message: str) -> None:
    code, _, err = run(capsys, "data", "serve", "--fault", word, "--workspace", str(folder))
    assert code == USER_MISTAKE
    assert err.startswith(f"error: --fault {word}: ")
    assert message in err


def test_the_help_tells_what_each_fault_does(capsys: Output) -> None:
    code, out, _ = run(capsys, "data", "serve", "--help")
    assert code == DONE
    listed = dict(line.strip().split(maxsplit=1) for line in out.partition("Faults:\n")[2].splitlines())
    assert listed == FAULTS


def test_the_help_waits_for_nothing_that_only_a_server_needs() -> None:
    program = (
        "import sys; from sptrader_stream.cli import execute; execute(['data', 'serve', '--help']); "
        "print({'trio', 'litestar', 'httpx', 'numpy', 'h11'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "set()\n"


def test_the_policy_is_shown_by_mode(capsys: Output, folder: Path) -> None:
    code, out, _ = run(capsys, "data", "policy", "--workspace", str(folder))
    assert code == DONE
    table = {line.split()[0]: line.split()[1:4] for line in out.splitlines() if line and not line.startswith("Set")}
    assert table["gap"] == ["warn", "block", "block"]
    assert table["duplicate"] == ["block", "block", "block"]
    assert table["synthetic"] == ["allow", "block", "block"]
    assert table["user-supplied"] == ["allow", "warn", "block"]
