"""A thousand clients on one run at full speed: every reader gets every event, and the run hardly notices."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.server.process import ServerProcess, running_server

REQUEST = {
    "strategy_name": "ma_crossover_strategy",
    "symbol": "EURUSD",
    "timeframe": "1m",
    "data": "synthetic",
    "start_date": "1925-01-01",
    "end_date": "2024-12-31",
    "parameters": {"fast": 60, "slow": 240},
}


def ended(client: httpx.Client, run: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status: dict[str, Any] = client.get(f"/api/backtest/{run}/status").json()
        if status["status"] == "completed":
            return status
        time.sleep(0.1)
    raise AssertionError(status)


def start(client: httpx.Client) -> str:
    """A run that waits before its first candle."""
    run = str(client.post("/api/backtest/run", json=REQUEST | {"pace": "0.001"}).json()["backtest_id"])
    return run


def run_seconds(client: httpx.Client, run: str) -> float:
    """Let a run go at full speed; answers how long it took, to the millisecond."""
    begun = datetime.now(UTC)
    client.post(f"/api/backtest/{run}/pace", json={"pace": "max"}).raise_for_status()
    return (datetime.fromisoformat(ended(client, run)["ended_at"]) - begun).total_seconds()


def memory(server: ServerProcess) -> int:
    """Bytes that the server has in memory."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return 1_024 * next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


def test_a_thousand_clients_with_fifty_that_stall(tmp_path: Path) -> None:
    with running_server(tmp_path, write_seconds=10) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        alone = run_seconds(client, start(client))
        run = start(client)
        readers = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.server.readers",
                str(server.port),
                f"/api/backtest/{run}/progress",
                "950",
                "50",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert readers.stdout is not None
        assert readers.stdout.readline() == "ready\n"
        before = memory(server)
        watched = run_seconds(client, run)
        found = readers.stdout.readline().split()
        assert readers.wait(60) == 0
        readers.stdout.close()
        print(f"alone {alone:.2f} s, watched {watched:.2f} s, memory {before >> 20} to {memory(server) >> 20} MB")
        events = client.get(f"/api/backtest/{run}/status").json()["next_seq"]
        assert found == ["950", str(events)]
        assert memory(server) - before < 300_000_000
        # The aim is a tenth; what else the machine does can be more than that.
        assert watched < 1.5 * alone
