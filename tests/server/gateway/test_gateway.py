"""The gateway with clients of others: no gap, no repeat, whoever joins when and reads how fast."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from trio_websocket import WebSocketConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from sptrader_stream.server.gateway.connection import Connection
from sptrader_stream.server.gateway.gateway import Gateway
from sptrader_stream.server.gateway.outlet import Outlet
from sptrader_stream.server.http import HttpServer
from sptrader_stream.server.runs.registry import Registry
from sptrader_stream.server.settings import ServerSettings
from tests.server.runs.registries import Specs, open_registry, request


class Served:
    """A registry behind a real port; what blocks is done in threads."""

    def __init__(
        self, registry: Registry, gateway: Gateway, http: HttpServer, port: int, errors: list[Exception]
    ) -> None:
        self.registry = registry
        self.gateway = gateway
        self.http = http
        self.port = port
        self.errors = errors

    def connect(self, path: str, **options: Any) -> ClientConnection:
        client: ClientConnection = connect(
            f"ws://127.0.0.1:{self.port}{path}", max_size=None, compression=None, close_timeout=0.5, **options
        )
        return client

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        return await trio.to_thread.run_sync(work)


async def no_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def serve(
    folder: Path, test: Callable[[Served], Awaitable[None]], *, errors: int = 0, batch: int = 100, **settings: Any
) -> None:
    """Let a test work with a served registry, for 30 seconds at most."""

    async def main() -> None:
        found: list[Exception] = []

        def report(error: Exception) -> str:
            found.append(error)
            return "1"

        with trio.fail_after(30):
            async with open_registry(folder, Specs(folder, batch=batch), **settings) as registry:
                options = ServerSettings(port=0, **settings)
                gateway = Gateway(registry, options, report)
                http = HttpServer(no_app, gateway.handle, options, report)
                async with trio.open_nursery() as nursery:
                    await nursery.start(gateway.run)
                    ((_, port),) = await nursery.start(http.run)
                    await test(Served(registry, gateway, http, port, found))
                    await gateway.close()
                    await http.stop()
                    nursery.cancel_scope.cancel()
        assert len(found) == errors, found

    before = sys.getswitchinterval()
    # As the server does; clients are threads of this process here, which would keep the interpreter for 5 ms at a time.
    sys.setswitchinterval(0.0001)
    try:
        trio.run(main)
    finally:
        sys.setswitchinterval(before)


def lossless(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in messages if "seq" in each]


def read_all(client: ClientConnection) -> list[dict[str, Any]]:
    """Read until the server closes."""
    found = []
    try:
        while True:
            found.append(decoded(client.recv(timeout=20)))
    except ConnectionClosed:
        return found


def decoded(data: str | bytes) -> dict[str, Any]:
    found = json.loads(data) if isinstance(data, str) else msgspec.msgpack.decode(data)
    assert isinstance(found, dict)
    return found


def ask(client: ClientConnection, **message: Any) -> dict[str, Any]:
    """Send a command and read on to its answer."""
    client.send(json.dumps({"id": 7} | message))
    while True:
        found = decoded(client.recv(timeout=20))
        if found["type"] in ("answer", "error"):
            assert found["id"] == 7
            return found


def test_progress_tells_a_run_from_its_start_to_its_end(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        run = await served.registry.start(request())

        def watch() -> tuple[list[dict[str, Any]], int | None]:
            with served.connect(f"/api/backtest/{run.id}/progress") as client:
                found = read_all(client)
                return found, client.close_code

        messages, code = await served.in_thread(watch)
        assert code == 1000
        events = lossless(messages)
        assert [each["seq"] for each in events] == list(range(run.log.next_seq))
        assert (events[0]["type"], events[-1]["type"]) == ("started", "ended")
        assert sum(each["type"] == "trade" for each in events) == run.status().trades_count
        assert [each["trade"]["id"] for each in events if each["type"] == "trade"] == list(
            range(1, run.status().trades_count + 1)
        )
        last = [each for each in messages if each["type"] == "progress"][-1]
        assert (last["progress_pct"], last["current_capital"]) == (100.0, run.status().current_capital)
        assert last["trades_count"] == run.status().trades_count
        assert events[-1]["status"] == "completed"
        assert events[-1]["summary"]["total_trades"] == run.status().trades_count

    serve(tmp_path, test)


@pytest.mark.parametrize("restarted", [False, True])
def test_whoever_comes_back_gets_exactly_what_was_missed(tmp_path: Path, restarted: bool) -> None:
    whole: list[dict[str, Any]] = []
    ids: list[str] = []

    def watch(served: Served, run: str, seq: int) -> list[dict[str, Any]]:
        with served.connect(f"/api/backtest/{run}/progress?from_seq={seq}") as client:
            return lossless(read_all(client))

    async def first(served: Served) -> None:
        run = await served.registry.start(request())
        ids.append(run.id)
        whole.extend(await served.in_thread(lambda: watch(served, run.id, 0)))
        if not restarted:
            await second(served)

    async def second(served: Served) -> None:
        for seq in (0, 1, 2, 511, 512, 513, len(whole) - 2, len(whole) - 1):
            assert await served.in_thread(partial(watch, served, ids[0], seq)) == whole[seq:]
        read = await served.registry.get(ids[0]).log.read(500, 100)
        assert [msgspec.json.decode(msgspec.json.encode(each)) for each in read] == whole[500:600]

    serve(tmp_path, first)
    if restarted:
        serve(tmp_path, second)


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        run = await served.registry.start(request())
        await run.wait_written()
        found = []
        for protocols in (None, ["sptrader.msgpack"]):

            def watch(protocols: Any = protocols) -> list[dict[str, Any]]:
                with served.connect(f"/api/backtest/{run.id}/progress", subprotocols=protocols) as client:
                    assert client.subprotocol == (protocols[0] if protocols else None)
                    return lossless(read_all(client))

            found.append(await served.in_thread(watch))
        assert found[0] == found[1]
        assert len(found[0]) == run.log.next_seq

    serve(tmp_path, test)


def test_a_client_steers_a_run_and_is_answered_by_id(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        def talk() -> None:
            with served.connect("/ws") as client:
                started = ask(client, type="run", request={"strategy_name": "endless", "pace": 1})
                run = started["result"]["backtest_id"]
                assert started["command"] == "run"
                subscribed = ask(
                    client, type="subscribe", run=run, topics=["progress", "trades", "metrics"], from_seq=0
                )
                assert subscribed["result"]["from_seq"] == 0
                assert decoded(client.recv(timeout=20))["type"] == "state"
                assert ask(client, type="pause", run=run)["result"]["status"] in ("paused", "queued")
                ask(client, type="step", run=run, n=500)
                messages: list[dict[str, Any]] = []
                while not any(each["type"] == "progress" and each["candles"] >= 500 for each in messages):
                    messages.append(decoded(client.recv(timeout=20)))
                while not any(each["type"] == "metrics" for each in messages):
                    messages.append(decoded(client.recv(timeout=20)))
                assert ask(client, type="pace", run=run, pace="realtime x60")["result"]["pace"] == "realtime x60"
                assert ask(client, type="resume", run=run)["result"]["status"] == "running"
                assert ask(client, type="cancel", run=run)["result"]["status"] == "cancelled"
                refused = ask(client, type="pause", run=run)
                assert (refused["type"], refused["problem"]["status"]) == ("error", 409)

        await served.in_thread(talk)

    serve(tmp_path, test)


def test_a_subscriber_without_a_number_gets_what_comes_from_now_on(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        run = await served.registry.start(request("endless", pace=2_000))
        with trio.fail_after(20):
            while run.log.next_seq < 50:
                await trio.testing.wait_all_tasks_blocked()

        def talk() -> None:
            with served.connect("/ws") as client:
                first = ask(client, type="subscribe", run=run.id)["result"]["next_seq"]
                seqs: list[int] = []
                while len(seqs) < 100:
                    seqs += [each["seq"] for each in lossless([decoded(client.recv(timeout=20))])]
                assert seqs == list(range(first, first + len(seqs)))
                ask(client, type="unsubscribe", run=run.id)

        await served.in_thread(talk)

    serve(tmp_path, test)


def test_candles_and_signals_come_where_they_are_wanted(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        run = await served.registry.start(request("endless", pace=500))

        def talk() -> None:
            with served.connect("/ws") as client:
                ask(client, type="subscribe", run=run.id, topics=["candles", "signals"])
                candles: list[dict[str, Any]] = []
                signals: list[dict[str, Any]] = []
                while len(candles) < 5 or len(signals) < 5:
                    message = decoded(client.recv(timeout=20))
                    (candles if message["type"] == "candles" else signals).append(message)
                    assert message["type"] in ("candles", "signals")
                for before, after in itertools.pairwise(candles):
                    assert after["first"] == before["next"]
                times = [time for each in candles for time in each["time"]]
                assert times == sorted(set(times))
                assert all(len(each["close"]) == len(each["time"]) for each in candles)
                assert "EURUSD" in signals[-1]["values"] or signals[-1]["values"] == {}

        await served.in_thread(talk)

    serve(tmp_path, test)


@pytest.fixture
def busy_answers(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens while an answer is on its way to a client, such as other clients leaving or events going out."""
    meanwhile: list[Callable[[], None]] = []
    send = WebSocketConnection.send_message

    async def send_slowly(self: WebSocketConnection, message: str | bytes) -> None:
        for each in meanwhile:
            each()
        await send(self, message)

    monkeypatch.setattr(WebSocketConnection, "send_message", send_slowly)
    return meanwhile


def test_a_client_that_leaves_takes_nothing_from_one_that_is_being_answered(
    tmp_path: Path, busy_answers: list[Callable[[], None]]
) -> None:
    async def test(served: Served) -> None:
        busy_answers.append(served.gateway.forget_unwatched)
        run = await served.registry.start(request("endless", pace=200))

        def talk() -> None:
            with served.connect("/ws") as client:
                ask(client, type="subscribe", run=run.id, topics=["progress"])
                seen = [decoded(client.recv(timeout=5)) for _ in range(4)]
                assert [each["type"] for each in seen[1:]] == ["progress"] * 3

        await served.in_thread(talk)

    serve(tmp_path, test)


def test_who_subscribes_again_gets_nothing_twice(tmp_path: Path, busy_answers: list[Callable[[], None]]) -> None:
    async def test(served: Served) -> None:
        def deliver() -> None:
            for connection in served.gateway._connections:
                connection.deliver()

        busy_answers.append(deliver)
        run = await served.registry.start(request("endless", pace=2_000))

        def talk() -> None:
            with served.connect("/ws") as client:
                client.send(json.dumps({"type": "subscribe", "run": run.id, "topics": ["trades"], "from_seq": 0}))
                seqs: list[int] = []
                for _ in range(30):
                    client.send(json.dumps({"type": "subscribe", "run": run.id, "topics": ["trades", "progress"]}))
                    for _ in range(20):
                        seqs += [each["seq"] for each in lossless([decoded(client.recv(timeout=5))])]
                assert seqs == list(range(len(seqs)))

        await served.in_thread(talk)

    serve(tmp_path, test)


def test_a_long_backlog_of_one_run_does_not_hold_up_another(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        long = await served.registry.start(request())
        short = await served.registry.start(request())
        await long.wait_written()
        await short.wait_written()
        gateway = served.gateway
        feeds = [gateway.watch(each.id, {"trades"}) for each in (long, short)]
        left, right = socket.socketpair()
        left.setblocking(False)
        left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_000_000)
        with left, right:
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(left))
            outlet = Outlet(stream, left, 5.0, trio.current_time, lambda: None)
            connection = Connection(outlet, "json", ServerSettings(), ends_with_run=False)
            for each in feeds:
                each.seq = 0
                connection.subscriptions[each.feed.run.id] = each
            assert connection.deliver()
            assert [each.seq > 0 for each in feeds] == [True, True]

    serve(tmp_path, test)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{", ""),
        ("[]", ""),
        ('{"type": "dance", "id": 1}', "type"),
        ('{"type": "pause", "id": 1}', ""),
        ('{"type": "step", "id": 1, "run": "x", "n": 0}', "n"),
        ('{"type": "subscribe", "id": 1, "run": "x", "topics": ["all"]}', "topics[0]"),
        ('{"type": "pause", "id": 1, "run": "x", "more": 1}', ""),
    ],
)
def test_a_wrong_message_is_answered_and_does_not_end_the_connection(tmp_path: Path, text: str, path: str) -> None:
    async def test(served: Served) -> None:
        def talk() -> None:
            with served.connect("/ws") as client:
                client.send(text)
                refused = decoded(client.recv(timeout=20))
                assert refused["type"] == "error"
                assert refused["problem"]["status"] == 422
                assert path in json.dumps(refused["problem"])
                assert ask(client, type="pause", run="nobody")["problem"]["status"] == 404

        await served.in_thread(talk)

    serve(tmp_path, test)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/ws", {"Origin": "https://evil.example"}, 403),
        ("/nothing", {}, 404),
        ("/api/backtest/nobody/progress", {}, 404),
        ("/api/backtest/nobody/progress?from_seq=-1", {}, 422),
    ],
)
def test_a_handshake_is_refused_with_a_problem(tmp_path: Path, path: str, headers: Any, status: int) -> None:
    async def test(served: Served) -> None:
        def talk() -> None:
            with pytest.raises(InvalidStatus) as caught:
                served.connect(path, additional_headers=headers)
            assert caught.value.response.status_code == status
            assert json.loads(caught.value.response.body or b"")["status"] == status

        await served.in_thread(talk)

    serve(tmp_path, test)


def test_pages_that_are_allowed_may_connect(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        def talk() -> None:
            for origin in ("https://app.example", f"http://127.0.0.1:{served.port}"):
                with served.connect("/ws", origin=origin) as client:
                    assert ask(client, type="pause", run="nobody")["problem"]["status"] == 404

        await served.in_thread(talk)

    serve(tmp_path, test, allowed_origins=["https://app.example"])


def test_a_client_that_does_not_read_is_closed_and_no_other_notices(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        run = await served.registry.start(request("endless", pace=20_000))

        def stalled() -> socket.socket:
            raw = socket.create_connection(("127.0.0.1", served.port))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            raw.sendall(
                f"GET /api/backtest/{run.id}/progress HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            return raw

        def read() -> list[int]:
            seqs: list[int] = []
            with served.connect(f"/api/backtest/{run.id}/progress") as client:
                while len(seqs) < 20_000:
                    seqs += [each["seq"] for each in lossless([decoded(client.recv(timeout=20))])]
            return seqs

        raw = await served.in_thread(stalled)
        seqs = await served.in_thread(read)
        assert seqs == list(range(len(seqs)))
        with trio.fail_after(20):
            while served.gateway.statistics().connections:
                await trio.testing.wait_all_tasks_blocked(0.05)
        raw.close()

    serve(tmp_path, test, write_seconds=0.5, batch=1_000)


def test_a_client_that_does_not_answer_pings_is_closed_with_1008(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        def talk() -> bytes:
            with socket.create_connection(("127.0.0.1", served.port)) as raw:
                raw.sendall(
                    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                found = b""
                while data := raw.recv(4_096):
                    found += data
                return found

        found = await served.in_thread(talk)
        assert b"\x89\x04" in found
        assert struct.pack("!H", 1008) in found

    serve(tmp_path, test, ping_seconds=0.1)


def test_when_the_server_stops_everybody_is_told_1001(tmp_path: Path) -> None:
    codes: list[int | None] = []

    async def test(served: Served) -> None:
        def wait() -> None:
            with served.connect("/ws") as client:
                read_all(client)
                codes.append(client.close_code)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(served.in_thread, wait)
            while served.gateway.statistics().connections < 5:
                await trio.testing.wait_all_tasks_blocked(0.01)
            await served.gateway.close()

    serve(tmp_path, test)
    assert codes == [1001] * 5


def test_too_many_connections_are_refused(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        def talk() -> None:
            with served.connect("/ws") as client:
                ask(client, type="pause", run="nobody")
                with pytest.raises(InvalidStatus) as caught:
                    served.connect("/ws")
                assert caught.value.response.status_code == 503

        await served.in_thread(talk)

    serve(tmp_path, test, max_websockets=1)


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
BROKEN = [
    HANDSHAKE.replace(b"Host: x", "Host: \u00fc".encode()),
    HANDSHAKE.replace(b"Host: x", b"Host: \xff\xfe"),
    HANDSHAKE.replace(b"13", b"7"),
    HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"no"),
    HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X-Key"),
    HANDSHAKE[:60],
    HANDSHAKE + b"\x81\xfe\x00",
    HANDSHAKE + b"\x01\x02\x03\x04",
    HANDSHAKE + b"\x81\x85abcd" + bytes(a ^ b for a, b in zip(b"\xff\xfe\xfd\xfc\xfb", b"abcda", strict=True)),
    HANDSHAKE + b"\xff" * 300,
    HANDSHAKE + b"\x88\x80abcd",
]


def test_whatever_bytes_come_others_notice_nothing(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        def talk() -> None:
            with served.connect("/ws") as client:
                for turn in range(10):
                    for data in BROKEN:
                        raw = socket.create_connection(("127.0.0.1", served.port))
                        raw.sendall(data)
                        if turn % 2:
                            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        raw.close()
                    assert ask(client, type="pause", run="nobody")["problem"]["status"] == 404

        await served.in_thread(talk)
        # None of them is kept until a deadline.
        with trio.fail_after(3):
            await served.http.stop()

    serve(tmp_path, test)
