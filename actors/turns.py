"""Turns: what keeps many runs in one event loop from standing in each other's way, and in that of everything else.

In one pass of the scheduler every task that can go on does so once. With fifty runs at full speed a pass would take
fifty batches through a step each, and a request would wait for many such passes. So a run takes a turn before each
batch, and there is one in a pass, given in the order of asking. A lone run takes as many as it likes: the
channels between its actors bound it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import trio

# A batch takes a third of a millisecond through all actors, with very many trades up to two.
_TURNS_IN_A_PASS: Final = 1


class Turns:
    """Gives turns to the runs that take part; see :func:`open_turns`.

    Attributes:
        writing: limits the threads that write results, which are Python and would take the interpreter from the loop.
    """

    def __init__(self) -> None:
        self.writing = trio.CapacityLimiter(1)
        self._runs = 0
        self._left = _TURNS_IN_A_PASS
        self._waiting = trio.lowlevel.ParkingLot()
        self._wanted = trio.Event()

    @contextmanager
    def part(self) -> Iterator[None]:
        """Take part as a run."""
        self._runs += 1
        try:
            yield
        finally:
            self._runs -= 1

    async def take(self) -> None:
        """Wait for a turn."""
        if self._runs <= 1:
            return
        if self._left > 0 and not self._waiting:
            self._left -= 1
            return
        self._wanted.set()
        await self._waiting.park()

    async def give(self) -> None:
        """Give turns, pass by pass, while somebody waits for one."""
        while True:
            if not self._waiting:
                self._wanted = trio.Event()
                self._left = _TURNS_IN_A_PASS
                await self._wanted.wait()
            await trio.lowlevel.checkpoint()
            self._left = _TURNS_IN_A_PASS - len(self._waiting.unpark(count=_TURNS_IN_A_PASS))


@asynccontextmanager
async def open_turns() -> AsyncIterator[Turns]:
    """Open turns for runs that share an event loop."""
    turns = Turns()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turns.give)
        yield turns
        nursery.cancel_scope.cancel()
