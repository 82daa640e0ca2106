"""Work of an event loop that goes ahead of a thread: what it makes comes out piece by piece, bounded, until stopped.

Candles are read in threads, and by code that has no event loop at all, so that a source that needs one brings its own.
It ends with the reading.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

import trio

from sptrader_stream.errors import DataError, innermost

T = TypeVar("T")


class Ahead(Generic[T]):
    """Makes pieces in a thread with an event loop; to be used in a ``with``, and iterated once.

    Args:
        produce: sends the pieces.
        pieces: that may wait, at most.
        name: of the thread, and for the error.
    """

    def __init__(self, produce: Callable[[trio.MemorySendChannel[T]], Awaitable[None]], pieces: int, name: str) -> None:
        self._produce = produce
        self._pieces = pieces
        self._name = name
        self._error: Exception | None = None
        self._is_stopped = False
        self._is_ready = threading.Event()
        self._scope = trio.CancelScope()
        self._thread = threading.Thread(target=self._work, name=name)

    def __enter__(self) -> Ahead[T]:
        self._thread.start()
        self._is_ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._cancel()
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        """Give the pieces.

        Raises:
            DataError: it was stopped; or whatever ``produce`` raised.
        """
        while True:
            try:
                piece = trio.from_thread.run(self._receive.receive, trio_token=self._token)
            except trio.EndOfChannel:
                break
            except (trio.RunFinishedError, trio.Cancelled):
                self._is_stopped = True
                break
            yield piece
        if self._is_stopped:
            raise DataError(f"{self._name}: reading was stopped")
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the work at once, from any thread."""
        self._is_stopped = True
        self._cancel()

    def _cancel(self) -> None:
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._scope.cancel)

    def _work(self) -> None:
        trio.run(self._main)

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        sender, self._receive = trio.open_memory_channel[T](self._pieces)
        self._is_ready.set()
        with self._scope:
            try:
                async with sender:
                    await self._produce(sender)
            except Exception as error:
                # Whoever takes the pieces gets it, behind the last of them.
                found = innermost(error)
                self._error = found if isinstance(found, Exception) else error
            # What was made is still to be taken.
            await trio.sleep_forever()
