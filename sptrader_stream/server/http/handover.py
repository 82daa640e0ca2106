"""A connection that asks to become a websocket, as it is handed over: nothing that the client sent is lost."""

from __future__ import annotations

import socket
from typing import NamedTuple

import trio


class Handover(NamedTuple):
    """A websocket upgrade.

    Attributes:
        stream: gives the request's head and what followed it once more, then what the client sends.
        socket: the same connection's, non-blocking.
        path, query: of the request, the path decoded.
        headers: names in lower case.
    """

    stream: trio.abc.Stream
    socket: socket.socket
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]


class RewoundStream(trio.abc.Stream):
    """A stream that first gives bytes that were received before.

    Args:
        stream: the connection's.
        received: what comes first.
    """

    def __init__(self, stream: trio.abc.Stream, received: bytes) -> None:
        self._stream = stream
        self._received = received

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive; see trio."""
        if not self._received:
            return await self._stream.receive_some(max_bytes)
        await trio.lowlevel.checkpoint()
        size = len(self._received) if max_bytes is None else max_bytes
        given, self._received = self._received[:size], self._received[size:]
        return given

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send; see trio."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait; see trio."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close; see trio."""
        await self._stream.aclose()
