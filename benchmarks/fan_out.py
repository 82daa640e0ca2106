"""``python -m benchmarks.fan_out``: small events to many clients, beside the ``websockets`` package's broadcast.

Both servers are processes of their own, and the clients are the same cheap readers in a third. Ours runs a strategy
that trades every few candles at full speed and makes its events while it sends them; the other one is given the same
messages, encoded, and does nothing but broadcast them. The figure is messages a second, all clients together, from the
first event to the last client's last one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx

from sptrader_stream.workspace import create_workspace
from tests.server.process import BUSY, running_server

CLIENTS: Final = (100, 1_000)
ROUNDS: Final = 2
_REQUEST: Final = {
    "strategy_name": "busy",
    "symbol": "EURUSD",
    "timeframe": "1m",
    "data": "synthetic",
    "start_date": "2024-01-01",
    "end_date": "2024-01-08",
    # Paused until everybody is there.
    "pace": 0.001,
}


def readers(port: int, path: str, clients: int) -> subprocess.Popen[str]:
    """Start the clients; back when all have shaken hands."""
    words = [sys.executable, "-m", "tests.server.readers", str(port), path, str(clients), "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def messages_a_second(process: subprocess.Popen[str], begun: float, clients: int) -> float:
    """Wait until every client has everything."""
    assert process.stdout is not None
    complete, events = map(int, process.stdout.readline().split())
    seconds = time.perf_counter() - begun
    assert complete == clients
    process.wait()
    process.stdout.close()
    return clients * events / seconds


def ours(folder: Path, clients: int) -> tuple[float, list[str]]:
    """Measure our server; answers its messages, too."""
    with (
        running_server(folder, log_level="warning", backlog_bytes=1 << 30) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        run = client.post("/api/backtest/run", json=_REQUEST).raise_for_status().json()["backtest_id"]
        process = readers(server.port, f"/api/backtest/{run}/progress", clients)
        begun = time.perf_counter()
        client.post(f"/api/backtest/{run}/pace", json={"pace": "max"}).raise_for_status()
        speed = messages_a_second(process, begun, clients)
        texts: list[str] = []
        while True:
            page = client.get(f"/api/backtest/{run}/events", params={"from_seq": len(texts), "limit": 1_000}).json()
            texts += [json.dumps(each, separators=(",", ":")) for each in page["events"]]
            if page["is_complete"]:
                return speed, texts


def theirs(file: Path, clients: int) -> float:
    """Measure the other server over the messages of a file, one a line."""
    words = [sys.executable, "-m", "benchmarks.fan_out", "--serve", str(file), "--clients", str(clients)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        process = readers(int(server.stdout.readline()), "/", clients)
        begun = time.perf_counter()
        server.stdin.write("go\n")
        server.stdin.flush()
        speed = messages_a_second(process, begun, clients)
        server.kill()
    return speed


async def broadcast_all(texts: list[str], clients: int) -> None:
    """Serve messages to so many clients, as fast as they take them."""
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    connections: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.wait_closed()

    async with serve(handle, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        assert len(connections) == clients
        for number, text in enumerate(texts):
            broadcast(connections, text)
            # It buffers without bound what clients do not take: let them keep up.
            if number % 64 == 63:
                await asyncio.sleep(0)
                while max(each.transport.get_write_buffer_size() for each in connections) > 1 << 20:  # noqa: ASYNC110
                    await asyncio.sleep(0)
        await asyncio.get_running_loop().create_future()


def measure() -> dict[str, Any]:
    """Measure both, in turns."""
    found: dict[str, Any] = {}
    for clients in CLIENTS:
        speeds: dict[str, list[float]] = {"ours": [], "websockets": []}
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name) / "workspace"
                folder.mkdir()
                create_workspace(folder)
                (folder / "strategies" / "busy.yaml").write_text(BUSY, encoding="utf-8")
                speed, texts = ours(folder, clients)
                speeds["ours"].append(speed)
                file = Path(name) / "messages"
                file.write_text("\n".join(texts) + "\n", encoding="utf-8")
                speeds["websockets"].append(theirs(file, clients))
        found[str(clients)] = {
            "events": len(texts),
            **{name: round(statistics.median(each)) for name, each in speeds.items()},
            "times": round(statistics.median(speeds["ours"]) / statistics.median(speeds["websockets"]), 2),
        }
    return found


def main() -> None:
    """Measure, or serve for the measurement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fan_out", description=__doc__)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--clients", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        texts = arguments.serve.read_text(encoding="utf-8").splitlines()
        asyncio.run(broadcast_all(texts, arguments.clients))
    else:
        print(json.dumps(measure()))


if __name__ == "__main__":
    main()
