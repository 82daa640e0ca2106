"""A server that is killed at any moment: what had ended is as it was, the rest is interrupted, and clients rejoin."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.server.process import ServerProcess, running_server

REQUEST = {
    "strategy_name": "ma_crossover_strategy",
    "symbol": "EURUSD",
    "timeframe": "1m",
    "data": "synthetic",
    "start_date": "2015-01-01",
    "end_date": "2024-12-31",
}
# Long enough that a kill can meet it under way, short enough that some have ended by then.
SHORT = REQUEST | {"start_date": "2024-01-01"}


class Watcher(threading.Thread):
    """Follows one run by websocket, and comes back with ``from_seq`` whenever the connection is gone.

    Attributes:
        events: the lossless events that came, in order.
        connections: how often it got through.
    """

    def __init__(self, url: str, run: str) -> None:
        super().__init__(daemon=True)
        self.events: list[dict[str, Any]] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._url = f"{url.replace('http', 'ws', 1)}/api/backtest/{run}/progress"

    def run(self) -> None:
        while not self.stopping.is_set() and not (self.events and self.events[-1]["type"] == "ended"):
            try:
                with connect(f"{self._url}?from_seq={len(self.events)}", max_size=None, open_timeout=2) as socket:
                    self.connections += 1
                    self._read(socket)
            except (OSError, WebSocketException, TimeoutError):
                # The server is down; asking again at once would only burn what it needs to come back.
                self.stopping.wait(0.02)

    def _read(self, socket: Any) -> None:
        for text in socket:
            message = json.loads(text)
            if "seq" in message:
                self.events.append(message)
            if self.stopping.is_set():
                return


def start_runs(client: httpx.Client, number: int) -> list[str]:
    ids = []
    for index in range(number):
        answer = client.post("/api/backtest/run", json=SHORT if index % 2 else REQUEST)
        assert answer.status_code == 202, answer.text
        ids.append(answer.json()["backtest_id"])
    return ids


def statuses(client: httpx.Client, ids: list[str]) -> dict[str, dict[str, Any]]:
    return {each: client.get(f"/api/backtest/{each}/status").raise_for_status().json() for each in ids}


@pytest.mark.parametrize("seed", range(3))
def test_no_finished_result_is_lost_and_clients_rejoin(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    server = ServerProcess(tmp_path, max_running=3)
    watchers: dict[str, Watcher] = {}
    ended: dict[str, dict[str, Any]] = {}
    try:
        for _ in range(3):
            with httpx.Client(base_url=server.url, timeout=10) as client:
                for run in start_runs(client, 4):
                    watchers[run] = Watcher(server.url, run)
                    watchers[run].start()
                time.sleep(rng.uniform(0.05, 0.8))
                seen = statuses(client, list(watchers))
            server.kill()
            for run, status in seen.items():
                if status["status"] == "completed":
                    ended.setdefault(run, status)
            server = ServerProcess(tmp_path, server.port, max_running=3)
        with httpx.Client(base_url=server.url, timeout=10) as client:
            now = statuses(client, list(watchers))
            for run, before in ended.items():
                assert now[run]["status"] == "completed"
                assert now[run]["fingerprint"] == before["fingerprint"]
            for run, status in now.items():
                assert status["status"] in ("completed", "interrupted")
                if status["status"] == "completed":
                    result = client.get(f"/api/backtest/{run}/results").raise_for_status().json()
                    assert result["fingerprint"] == status["fingerprint"]
                    assert len(result["completed_trades"]) == result["total_trades"] == status["trades_count"]
            for run, watcher in watchers.items():
                watcher.join(10)
                assert not watcher.is_alive(), (run, now[run]["status"])
                assert [each["seq"] for each in watcher.events] == list(range(len(watcher.events)))
                assert watcher.events[-1]["type"] == "ended"
                assert watcher.events[-1]["status"] == now[run]["status"]
                assert sum(each["type"] == "trade" for each in watcher.events) == now[run]["trades_count"]
    finally:
        for watcher in watchers.values():
            watcher.stopping.set()
        # Shown where the test fails.
        print(server.process.poll(), server.log()[-4_000:], sep="\n")
        server.kill()


def test_a_server_that_is_asked_to_stop_ends_in_order(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        with httpx.Client(base_url=server.url) as client:
            (run,) = start_runs(client, 1)
        assert server.stop() == 0
        assert "Traceback" not in server.log()
    with running_server(tmp_path) as server, httpx.Client(base_url=server.url) as client:
        assert client.get(f"/api/backtest/{run}/status").json()["status"] in ("interrupted", "completed")
