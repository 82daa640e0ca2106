"""Runs over a market-data server: those over the same candles in files, and a clear end where the server fails."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sptrader_stream.cli import DONE, USER_MISTAKE
from tests.cli.support import Output, run
from tests.server.process import running_server
from tests.sources.http.servers import hourly, workspace_of_hours

CANDLES = hourly(2_000)
RANGE = ("--timeframe", "1h", "--from", "2023-01-10", "--to", "2023-03-10")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("workspace")
    workspace_of_hours(found, CANDLES)
    return found


@pytest.fixture
def market_data(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Our own server, which answers as the market-data server does."""
    monkeypatch.setenv("SPTRADER_MARKET_DATA_CACHE", str(tmp_path))
    with running_server(folder) as server:
        monkeypatch.setenv("WS_MARKET_DATA_URL", server.url)
        yield server.url


def fingerprint(out: str) -> str:
    found: str = json.loads(out)["fingerprint"]
    return found


@pytest.mark.usefixtures("market_data")
def test_candles_by_http_and_by_file_are_the_same_run(capsys: Output, folder: Path) -> None:
    there = ("--workspace", str(folder), "--json")
    file = str(folder / "data" / "EURUSD-1h.csv")
    by_file = run(capsys, "run", "ema_crossover", "--data", file, *RANGE, *there)
    by_http = run(capsys, "run", "ema_crossover", "--data", "http", "--symbol", "EURUSD", *RANGE, *there)
    assert (by_file[0], by_http[0]) == (DONE, DONE), (by_file[2], by_http[2])
    assert json.loads(by_file[1])["total_trades"] > 0
    assert fingerprint(by_http[1]) == fingerprint(by_file[1])


@pytest.mark.usefixtures("market_data")
def test_a_run_over_http_is_explained_by_asking_again(capsys: Output, folder: Path) -> None:
    there = ("--workspace", str(folder))
    assert run(capsys, "run", "ema_crossover", "--data", "http", "--symbol", "EURUSD", *RANGE, *there)[0] == DONE
    code, out, _ = run(capsys, "why", "last", "--at", "2023-02-01", *there)
    assert code == DONE
    assert "EURUSD, 1h candle from" in out
    assert run(capsys, "report", "last", *there)[0] == DONE


def test_a_server_that_is_not_there_is_told(capsys: Output, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WS_MARKET_DATA_URL", raising=False)
    words = ("run", "ema_crossover", "--data", "http", "--symbol", "EURUSD", "--workspace", str(folder))
    code, _, err = run(capsys, *words)
    assert code == USER_MISTAKE
    assert err.startswith("error: which market-data server? Set WS_MARKET_DATA_URL")


@pytest.mark.usefixtures("market_data")
def test_without_data_candles_come_from_the_server_that_is_named(capsys: Output, folder: Path) -> None:
    there = ("--workspace", str(folder), "--json")
    file = str(folder / "data" / "EURUSD-1h.csv")
    by_file = run(capsys, "run", "ema_crossover", "--data", file, *RANGE, *there)
    code, out, err = run(capsys, "run", "ema_crossover", "--symbol", "EURUSD", *RANGE, *there)
    assert code == DONE, err
    assert fingerprint(out) == fingerprint(by_file[1])


@pytest.mark.usefixtures("market_data")
def test_a_server_asks_the_market_data_server_where_no_file_knows_the_symbol(tmp_path: Path) -> None:
    request = {
        "strategy_name": "ema_crossover", "timeframe": "1h", "start_date": "2023-01-10", "end_date": "2023-03-10",
    }  # fmt: skip
    with running_server(tmp_path) as server, httpx.Client(base_url=server.url, timeout=20) as client:

        def outcome(**fields: object) -> dict[str, Any]:
            started = client.post("/api/backtest/run", json=request | fields)
            if started.status_code != 202:
                return dict(started.json())
            run_id = started.json()["backtest_id"]
            deadline = time.monotonic() + 20
            while (status := client.get(f"/api/backtest/{run_id}/status").json())["status"] != "completed":
                assert time.monotonic() < deadline, status
            return dict(status)

        named = outcome(symbol="EURUSD", data="http")
        found = outcome(symbol="EURUSD")
        assert named["synthetic"] is found["synthetic"] is False
        assert named["fingerprint"] == found["fingerprint"]
        # Nobody knows it, and the default stands in; unless the server is named.
        assert outcome(symbol="GBPUSD")["synthetic"] is True
        assert outcome(symbol="GBPUSD", data="http")["code"] == "unknown_symbol"
        paper = outcome(symbol="GBPUSD", execution_mode="paper")
        assert "the candles of GBPUSD are synthetic, and paper takes only such as" in paper["detail"]
