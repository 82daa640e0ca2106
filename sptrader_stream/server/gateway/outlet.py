"""The one way out to a websocket client: delivery sends at once what the socket takes, everything else waits its turn.

Frames go out whole: while a part of one is left, neither delivery nor a control frame comes between.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import trio


class SlowClientError(Exception):
    """The client takes nothing of what is sent to it."""


class Outlet(trio.abc.Stream):
    """A client's stream, which trio-websocket reads and answers through and delivery sends past.

    Args:
        stream: the client's; read, and closed at the end.
        raw: the same connection's socket, non-blocking.
        patience: how long the client may take nothing, seconds.
        clock: monotonic seconds.
        freed: called whenever delivery may send again.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        raw: socket.socket,
        patience: float,
        clock: Callable[[], float],
        freed: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._raw = raw
        self._patience = patience
        self._clock = clock
        self._freed = freed
        self._rest = memoryview(b"")
        self._lock = trio.Lock()
        self._left = trio.Event()
        self._closed = trio.Event()
        self._blocked_since: float | None = None

    @property
    def is_free(self) -> bool:
        """Whether delivery may send."""
        return not self._rest and not self._lock.locked()

    @property
    def blocked_seconds(self) -> float:
        """How long the client has not taken all that was sent to it."""
        return 0.0 if self._blocked_since is None else self._clock() - self._blocked_since

    def offer(self, data: bytes) -> None:
        """Send as much as the socket takes now; the rest goes out by :meth:`drain`.

        Raises:
            OSError: the connection is gone.
        """
        try:
            sent = self._raw.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        if sent < len(data):
            self._rest = memoryview(data)[sent:]
            self._blocked_since = self._clock()
            self._left.set()

    async def drain(self) -> None:
        """Send what is left over, until cancelled.

        Raises:
            SlowClientError: the client has taken nothing for too long.
            OSError: the connection is gone.
        """
        while True:
            await self._left.wait()
            self._left = trio.Event()
            async with self._lock:
                await self._send_rest()
            self._freed()

    async def _send_rest(self) -> None:
        while self._rest:
            with trio.move_on_after(self._patience) as waiting:
                await trio.lowlevel.wait_writable(self._raw)
            if waiting.cancelled_caught:
                raise SlowClientError
            try:
                self._rest = self._rest[self._raw.send(self._rest) :]
            except (BlockingIOError, InterruptedError):
                continue
        self._blocked_since = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send a frame behind everything that was sent before."""
        async with self._lock:
            try:
                await self._send_rest()
                with trio.fail_after(self._patience):
                    await self._stream.send_all(data)
            except (SlowClientError, trio.TooSlowError, OSError) as error:
                raise trio.BrokenResourceError("the client takes nothing") from error
        # Delivery may have passed this client by in the meantime.
        self._freed()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending may go on."""
        async with self._lock:
            await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive what the client sent."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close the connection."""
        self._closed.set()
        await self._stream.aclose()

    async def wait_closed(self) -> None:
        """Wait until somebody has begun to close the connection."""
        await self._closed.wait()
