"""What a server keeps: a disk that takes no more, and runs that are retired while somebody reads them."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

import httpx

from sptrader_stream.workspace import create_workspace
from tests.server.process import BUSY, ServerProcess, running_server

# So many trades that what is recorded is large.
REQUEST = {
    "strategy_name": "busy",
    "symbol": "EURUSD",
    "timeframe": "1m",
    "data": "synthetic",
    "start_date": "2023-01-01",
    "end_date": "2023-12-31",
}


def start(client: httpx.Client, **changed: Any) -> str:
    return str(client.post("/api/backtest/run", json=REQUEST | changed).raise_for_status().json()["backtest_id"])


def ended(client: httpx.Client, run: str) -> dict[str, Any]:
    """Wait until a run is over and everything that it leaves is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status: dict[str, Any] = client.get(f"/api/backtest/{run}/status").raise_for_status().json()
        if status["ended_at"] is not None:
            client.get(f"/api/backtest/{run}/results")
            return status
        time.sleep(0.02)
    raise AssertionError(status)


def workspace(folder: Path) -> Path:
    """A workspace with the strategy."""
    create_workspace(folder)
    (folder / "strategies" / "busy.yaml").write_text(BUSY)
    return folder


def limit_files(server: ServerProcess, size: int) -> None:
    """Let the kernel refuse what makes a file of the server's longer than this many bytes."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_disk_that_takes_no_more_is_an_error_of_the_run(tmp_path: Path) -> None:
    with running_server(workspace(tmp_path)) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        limit_files(server, 1_000_000)
        run = start(client)
        status = ended(client, run)
        assert status["status"] == "failed"
        assert "cannot be written: File too large" in status["failure"]["cause"]
        # What was recorded until then can be read, to the last whole batch.
        trades = client.get(f"/api/backtest/{run}/trades?limit=1000").raise_for_status().json()["trades"]
        assert len(trades) == 1_000
        assert client.get("/health").status_code == 200

        limit_files(server, resource.RLIM_INFINITY)
        again = ended(client, start(client))
        assert (again["status"], again["failure"]) == ("completed", None)
        assert "Traceback" not in server.log()


def test_who_reads_a_run_that_is_retired_gets_all_of_it_or_is_told(tmp_path: Path) -> None:
    with (
        running_server(workspace(tmp_path), keep_runs=1) as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
        httpx.Client(base_url=server.url, timeout=30) as reader,
    ):
        first = start(client)
        trades = ended(client, first)["trades_count"]
        with (
            reader.stream("GET", f"/api/backtest/{first}/results") as result,
            client.stream("GET", f"/api/backtest/{first}/trades?format=csv") as table,
        ):
            # More than the kernel keeps on the way is left.
            assert int(result.headers["content-length"]) > 20_000_000
            with httpx.Client(base_url=server.url, timeout=30) as other:
                ended(other, start(other, start_date="2023-12-01"))
                while first in {each["backtest_id"] for each in other.get("/api/backtests").json()["runs"]}:
                    time.sleep(0.02)
                for path in ("status", "results", "trades", "trades?format=csv", "equity", "candles", "events"):
                    gone = other.get(f"/api/backtest/{first}/{path}")
                    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_run")
            assert not (tmp_path / "backtests" / first).exists()
            assert len(json.loads(result.read())["completed_trades"]) == trades
            assert table.read().count(b"\n") == trades + 1
        assert "Traceback" not in server.log()
