"""An application's answers about candles, spoiled in the ways that were ordered."""

from __future__ import annotations

import random
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import msgspec
import trio

from sptrader_stream.server.http.asgi import Application, Message, Receive, Send
from sptrader_stream.server.standin.faults import LONGEST_DELAY

_SERVED: Final = ("/api/candles", "/api/metadata")
_TRICKLE_SECONDS: Final = 0.05
_TRICKLES: Final = 20


class Faulty:
    """Lets an application answer, and spoils what it says."""

    def __init__(self, app: Application, faults: Mapping[str, float], chance: random.Random) -> None:
        self._app = app
        self._faults = faults
        self._chance = chance

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request; see ASGI."""
        if not scope["path"].startswith(_SERVED):
            await _answer(send, 404, b'{"error":"Not found","code":"NOT_FOUND"}')
            return
        right = _Kept()
        await self._app(scope, receive, right.take)
        fault = self._draw()
        body = right.body
        match fault:
            case "delay":
                await trio.sleep(self._chance.uniform(0, LONGEST_DELAY))
            case "error":
                await _answer(send, self._chance.choice([500, 502, 503, 504]), b"<html>an error</html>", b"text/html")
                return
            case "busy":
                await _answer(send, 429, b'{"error":"Too many requests"}', more=[(b"retry-after", b"1")])
                return
            case "page":
                await _answer(send, 200, b"<html>Welcome</html>", b"text/html")
                return
            case "truncate":
                body = body[: self._chance.randrange(max(1, len(body)))]
            case "order" | "double" | "range":
                body = self._spoiled(fault, body)
        headers = [each for each in right.headers if each[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": right.status, "headers": headers})
        if fault == "cut" and body:
            # Without its end the front closes the connection.
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            return
        if fault == "trickle":
            step = max(1, len(body) // _TRICKLES)
            for start in range(0, len(body), step):
                await send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
                await trio.sleep(_TRICKLE_SECONDS)
            body = b""
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _draw(self) -> str | None:
        for name, share in self._faults.items():
            if self._chance.random() < share:
                return name
        return None

    def _spoiled(self, fault: str, body: bytes) -> bytes:
        rows = msgspec.json.decode(body)
        if not isinstance(rows, list) or len(rows) < 2:
            return body
        place = self._chance.randrange(len(rows) - 1)
        match fault:
            case "order":
                rows[place], rows[place + 1] = rows[place + 1], rows[place]
            case "double":
                rows.insert(place, rows[place])
            case _:
                rows.append(rows[-1] | {"time": rows[-1]["time"] + 10 * 365 * 86_400})
        return msgspec.json.encode(rows)


class _Kept:
    """A response, kept to be looked at."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        else:
            self.body += message.get("body", b"")


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    kind: bytes = b"application/json",
    more: list[tuple[bytes, bytes]] | None = None,
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *(more or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
