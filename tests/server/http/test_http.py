"""The HTTP front: each wait has its deadline, foreign clients get on with it, and nobody's bytes reach anybody else."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import trio
import trio.lowlevel

from sptrader_stream.errors import ConfigError
from sptrader_stream.server.http import Handover, HttpServer
from sptrader_stream.server.settings import ServerSettings


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what came; ``/fail`` fails, ``/late`` fails in the middle, ``/large`` is 40 MB."""
    body = b""
    if scope["path"] != "/unread":
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
    if scope["path"] == "/fail":
        raise ZeroDivisionError("ours")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", scope["raw_path"])]})
    if scope["path"] == "/late":
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ZeroDivisionError("ours")
    if scope["path"] == "/large":
        for _ in range(40):
            await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
    await send({"type": "http.response.body", "body": body})


class Served:
    def __init__(self, server: HttpServer, port: int, errors: list[Exception], handed: list[Handover]) -> None:
        self.server = server
        self.port = port
        self.errors = errors
        self.handed = handed

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def talk(self, data: bytes) -> bytes:
        """Send bytes, and read until the server closes."""
        with self.connect() as raw:
            raw.sendall(data)
            return b"".join(iter(lambda: raw.recv(65_536), b""))

    def is_well(self) -> bool:
        return httpx.post(f"{self.url}/echo", content=b"well").content == b"well"


def serve(test: Callable[[Served], Awaitable[None] | None], **settings: Any) -> Served:
    """Serve while a test talks to the server from a thread, for 20 seconds at most."""
    found: list[Served] = []

    async def main() -> None:
        errors: list[Exception] = []
        handed: list[Handover] = []

        async def websocket(handover: Handover) -> None:
            handed.append(handover)
            await handover.stream.send_all(await handover.stream.receive_some())

        def report(error: Exception) -> str:
            errors.append(error)
            return "4711"

        server = HttpServer(app, websocket, ServerSettings(port=0, **settings), report)
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                ((_, port),) = await nursery.start(server.run)
                served = Served(server, port, errors, handed)
                found.append(served)
                await trio.to_thread.run_sync(test, served)
                await server.stop()

    trio.run(main)
    return found[0]


def test_foreign_clients_get_on_with_it() -> None:
    def test(served: Served) -> None:
        with httpx.Client(base_url=served.url) as client:
            for size in (0, 1, 100_000):
                assert client.post("/echo", content=bytes(size)).content == bytes(size)
            assert client.post("/echo", content=iter([b"a", b"b" * 70_000])).content == b"a" + b"b" * 70_000
            assert len(client.get("/large").content) == 40_000_000
            assert client.get("/%C3%BC").headers["x-path"] == "/%C3%BC"
            assert client.head("/echo").content == b""
        old = http.client.HTTPConnection("127.0.0.1", served.port)
        for _ in range(3):
            old.request("POST", "/echo", body=b"kept")
            assert old.getresponse().read() == b"kept"
        old.close()

    serve(test)


def test_requests_that_were_sent_ahead_are_answered_in_order() -> None:
    def test(served: Served) -> None:
        one = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
        found = served.talk(one + b"abc" + one + b"def" + b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert found.count(b"HTTP/1.1 200") == 3
        assert found.index(b"abc") < found.index(b"def")
        assert served.talk(b"GET /echo HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 OK")

    serve(test)


def test_a_body_that_is_held_back_is_asked_for_when_it_is_read() -> None:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"

    def test(served: Served) -> None:
        with served.connect() as raw:
            raw.sendall(head % b"/echo")
            assert raw.recv(100).startswith(b"HTTP/1.1 100")
            raw.sendall(b"abc")
            assert b"abc" in raw.recv(1_000)
        assert b"100" not in served.talk(head % b"/unread").split(b"\r\n")[0]

    serve(test)


def test_an_upgrade_is_handed_over_with_every_byte() -> None:
    upgrade = b"GET /ws?a=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nand more"

    def test(served: Served) -> None:
        assert served.talk(upgrade) == upgrade
        with served.connect() as raw:
            raw.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            assert raw.recv(1_000).startswith(b"HTTP/1.1 200")
            raw.sendall(upgrade)
            assert raw.recv(1_000) == upgrade

    served = serve(test)
    assert [(each.path, each.query) for each in served.handed] == [("/ws", "a=1")] * 2


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", 413),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"800\r\n" + b"a" * 2_048 + b"\r\n",
            413,
        ),
    ],
)
def test_what_is_no_request_is_refused_in_the_shape_of_all_errors(data: bytes, status: int) -> None:
    def test(served: Served) -> None:
        head, _, body = served.talk(data).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"application/problem+json" in head
        assert json.loads(body)["status"] == status
        assert served.is_well()

    assert serve(test, body_bytes=1_024).errors == []


def broken() -> Iterator[bytes]:
    whole = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789"
    for length in range(0, len(whole), 2):
        yield whole[:length]
        yield whole[:length] + b"\x00\xff"


def test_whatever_bytes_come_others_are_served() -> None:
    def test(served: Served) -> None:
        for number, data in enumerate(broken()):
            with served.connect() as raw:
                raw.sendall(data)
                if number % 3 == 0:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if number % 10 == 0:
                assert served.is_well()

    assert serve(test).errors == []


def test_mistakes_of_ours_are_told_as_such_and_not_shown() -> None:
    def test(served: Served) -> None:
        answer = httpx.get(f"{served.url}/fail")
        assert (answer.status_code, "4711" in answer.text, "ours" in answer.json()["detail"]) == (500, True, True)
        assert "ZeroDivision" not in answer.text
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{served.url}/late")
        assert served.is_well()

    assert [type(each) for each in serve(test).errors] == [ZeroDivisionError] * 2


@pytest.mark.parametrize(
    ("begun", "status"),
    [(b"GET / HTTP/1.1\r\nHo", 408), (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", 408)],
)
def test_a_head_or_body_that_does_not_come_is_not_waited_for(begun: bytes, status: int) -> None:
    def test(served: Served) -> None:
        assert served.talk(begun).startswith(b"HTTP/1.1 %d" % status)

    serve(test, head_seconds=0.2, body_seconds=0.2)


def test_a_connection_that_lies_idle_is_closed() -> None:
    def test(served: Served) -> None:
        assert served.talk(b"") == b""

    serve(test, idle_seconds=0.2)


def test_who_takes_nothing_is_cut_and_holds_nobody_up() -> None:
    def test(served: Served) -> None:
        raws = [served.connect() for _ in range(3)]
        for raw in raws:
            raw.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert served.is_well()
        for raw in raws:
            raw.close()

    serve(test, write_seconds=0.3, shutdown_seconds=2)


def test_stopping_cuts_what_does_not_end_in_time() -> None:
    stalled: list[socket.socket] = []

    def test(served: Served) -> None:
        raw = served.connect()
        raw.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.recv(10)
        stalled.append(raw)

    serve(test, shutdown_seconds=0.3)
    stalled[0].close()


def test_too_many_connections_are_turned_away() -> None:
    def test(served: Served) -> None:
        with served.connect() as first:
            first.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            assert first.recv(1_000)
            assert served.talk(b"").startswith(b"HTTP/1.1 503")

    serve(test, max_connections=1)


async def nothing(_: Handover) -> None:
    """Takes no upgrade."""


def test_a_port_that_is_taken_is_said_so() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            settings = ServerSettings(port=other.getsockname()[1])
            server = HttpServer(app, nothing, settings, str)
            with pytest.raises(ConfigError, match="Is another server on it"):
                await server.run()

    trio.run(main)
