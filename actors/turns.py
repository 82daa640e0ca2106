"""Turns: what keeps many runs in one event loop from standing in each other's way, and in that of everything else.

In one pass of the scheduler every task that can go on does so once. With fifty runs at full speed a pass would take
fifty batches through a step each, and a request would wait for many such passes. So a run takes a turn before each
batch, and the next is given, in the order of asking, when that one is through. A lone run takes as many as it likes:
the channels between its actors bound it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import trio

# A batch goes through the actors in about as many passes, one of them in each. Given in every pass, turns would fill
# each with work of all actors, and what takes a few passes, such as a request or the end of a run that was cancelled,
# would wait for as many batches.
_PASSES_A_TURN: Final = 16
# Where passes are full of other work, such as requests without end, runs have their share of the time all the same. A
# batch with very many trades takes as long on a slow machine.
_LONGEST_TURN: Final = 0.008


class Turns:
    """Gives turns to the runs that take part; see :func:`open_turns`."""

    def __init__(self) -> None:
        self._runs = 0
        self._is_free = True
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
        if self._is_free and not self._waiting:
            self._is_free = False
            return
        self._wanted.set()
        await self._waiting.park()

    async def give(self) -> None:
        """Give turns while somebody waits for one, each when the batch of the one before is through."""
        while True:
            if not self._waiting:
                self._wanted = trio.Event()
                self._is_free = True
                await self._wanted.wait()
            due = trio.current_time() + _LONGEST_TURN
            for _ in range(_PASSES_A_TURN):
                await trio.lowlevel.checkpoint()
                if trio.current_time() > due:
                    break
            self._is_free = not self._waiting.unpark()


@asynccontextmanager
async def open_turns() -> AsyncIterator[Turns]:
    """Open turns for runs that share an event loop."""
    turns = Turns()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turns.give)
        yield turns
        nursery.cancel_scope.cancel()
