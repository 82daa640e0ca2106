"""Many runs at once: none is lost, the server stays responsive, and a run that is cancelled ends at once."""

from __future__ import annotations

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from sptrader_stream.workspace import create_workspace
from tests.server.process import BUSY, ServerProcess, running_server

REQUEST = {
    "strategy_name": "ma_crossover_strategy",
    "symbol": "EURUSD",
    "timeframe": "1m",
    "data": "synthetic",
    "start_date": "2024-01-01",
    "end_date": "2024-12-31",
}
DECADES = REQUEST | {"start_date": "1990-01-01"}


def start(client: httpx.Client, request: dict[str, Any]) -> str:
    answer = client.post("/api/backtest/run", json=request)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["backtest_id"])


def total(client: httpx.Client, status: str) -> int:
    return int(client.get("/api/backtests", params={"status": status, "limit": 1}).json()["total"])


def health_times(server: ServerProcess, stop: threading.Event) -> list[float]:
    times = []
    with httpx.Client(base_url=server.url, timeout=20) as client:
        while not stop.is_set():
            begun = time.perf_counter()
            client.get("/health").raise_for_status()
            times.append(time.perf_counter() - begun)
    return times


def test_of_a_hundred_runs_at_once_none_is_lost_and_the_server_answers(tmp_path: Path) -> None:
    stop = threading.Event()
    with (
        running_server(tmp_path, max_running=8) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
        ThreadPoolExecutor(21) as threads,
    ):
        watching = threads.submit(health_times, server, stop)
        try:
            runs = list(threads.map(lambda _: start(client, REQUEST), range(100)))
            assert total(client, "queued") > 0
            assert total(client, "running") <= 8
            deadline = time.monotonic() + 60
            while total(client, "completed") < 100:
                assert time.monotonic() < deadline
                stop.wait(0.1)
        finally:
            stop.set()
        assert len(set(runs)) == 100
        fingerprints = {client.get(f"/api/backtest/{run}/status").json()["fingerprint"] for run in runs}
        assert len(fingerprints) == 1
        times = sorted(watching.result())
        assert times[int(len(times) * 0.99)] < 0.05


@pytest.mark.parametrize("strategy", ["ma_crossover_strategy", "busy"])
def test_a_run_is_cancelled_within_50_ms_with_fifty_others_at_full_speed(tmp_path: Path, strategy: str) -> None:
    create_workspace(tmp_path)
    (tmp_path / "strategies" / "busy.yaml").write_text(BUSY)
    with running_server(tmp_path, max_running=75) as server, httpx.Client(base_url=server.url, timeout=20) as client:
        runs = [start(client, DECADES | {"strategy_name": strategy}) for _ in range(75)]
        deadline = time.monotonic() + 30
        while any(client.get(f"/api/backtest/{run}/status").json()["candles"] == 0 for run in runs):
            assert time.monotonic() < deadline
        assert total(client, "running") >= 75
        times = []
        # One behind the other, so that the results of those before are being written.
        for run in runs[:25]:
            begun = time.perf_counter()
            assert client.post(f"/api/backtest/{run}/cancel").json()["status"] == "cancelled"
            times.append(time.perf_counter() - begun)
        # Many may meet whatever else the machine does.
        assert statistics.quantiles(times)[0] < 0.05
        for run in runs[:3]:
            assert client.get(f"/api/backtest/{run}/results").json()["status"] == "cancelled"
