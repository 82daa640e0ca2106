"""A server that stores the results of its runs in the database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from sptrader_stream.database.connection import Connection
from sptrader_stream.workspace import create_workspace
from tests.server.process import running_server

REQUEST = {
    "strategy_name": "ma_crossover_strategy", "symbol": "EURUSD", "timeframe": "1h", "data": "synthetic",
    "start_date": "2024-01-01", "end_date": "2024-03-31",
}  # fmt: skip


def test_every_run_is_stored_with_what_its_folder_says(
    tmp_path: Path, url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with running_server(tmp_path, store_results="database") as server, httpx.Client(base_url=server.url) as client:
        runs = [client.post("/api/backtest/run", json=REQUEST).json()["backtest_id"] for _ in range(3)]
        deadline = time.monotonic() + 30
        while len(stored := connection.execute("SELECT run_id, fingerprint FROM sptrader.runs").fetchall()) < len(runs):
            assert time.monotonic() < deadline, server.log()
        results = {run: client.get(f"/api/backtest/{run}/results").json()["fingerprint"] for run in runs}
    assert {str(run): fingerprint for run, fingerprint in stored} == results


def test_a_database_that_goes_away_harms_no_run(
    tmp_path: Path, url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with running_server(tmp_path, store_results="database") as server, httpx.Client(base_url=server.url) as client:
        connection.execute("UPDATE pg_database SET datallowconn = false WHERE datname = current_database()")
        run = client.post("/api/backtest/run", json=REQUEST).json()["backtest_id"]
        deadline = time.monotonic() + 30
        while "a result was not stored in the database" not in server.log():
            assert time.monotonic() < deadline, server.log()
        assert client.get(f"/api/backtest/{run}/status").json()["status"] == "completed"
        assert client.get(f"/api/backtest/{run}/results").json()["total_trades"] > 0
    assert "Traceback" not in server.log()


def test_a_server_that_could_not_store_does_not_start(tmp_path: Path, empty: str) -> None:
    create_workspace(tmp_path)
    command = [sys.executable, "-m", "sptrader_stream.cli", "serve", "--port", "0", "--workspace", str(tmp_path)]
    environment = os.environ | {"DATABASE_URL": empty, "SPTRADER_STORE_RESULTS": "database"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "sptrader db migrate" in done.stderr
