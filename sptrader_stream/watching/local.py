"""A run of this process, to be watched: it tells of itself in the messages that a server would send."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import trio

from actors.playback import Playback
from actors.run import Run
from actors.spec import RunOutcome, RunSpec
from sptrader_stream.pace import Pace
from sptrader_stream.server.log.event_log import EventLog
from sptrader_stream.server.log.pages import PageCache
from sptrader_stream.server.messages import ServerMessage, SteeringCommand
from sptrader_stream.server.runs.handle import RunHandle
from sptrader_stream.server.runs.status import first_status
from sptrader_stream.server.runs.steering import steer

_AT_ONCE: Final = 256
_UPDATE_SECONDS: Final = 0.05


class LocalRun:
    """A run of this process; see ``Followed``.

    Attributes:
        run_id: the run's id.
        ends_unwatched: always.
    """

    ends_unwatched = True

    def __init__(
        self,
        spec: RunSpec,
        pace: Pace,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.perf_counter,
        started: float | None = None,
    ) -> None:
        """Make a run.

        Args:
            spec: what is run.
            pace: how fast it begins.
            now: the time of day.
            clock: monotonic seconds.
            started: when the command began, by that clock.

        Raises:
            UserError: the run is not possible.
        """
        self.run_id = spec.run_id
        self._changed = trio.Event()
        playback = Playback(pace)
        playback.on_change = self._wake
        self._run = Run(spec, playback=playback, clock=clock, started=started)
        self._handle = RunHandle(
            first_status(spec, "research", pace, now()), spec.folder, None,
            EventLog(spec.run_id, spec.folder, PageCache()), live=self._run, on_change=lambda _: self._wake(),
            clock=clock, now=now,
        )  # fmt: skip

    def cancel(self) -> None:
        """End the run; what it did is kept."""
        self._run.cancel()

    async def execute(self) -> RunOutcome:
        """Run to the end, whatever that is.

        Raises:
            StorageError: the result cannot be written.
        """
        untap = self._run.log.tap(self._handle.take_frame)
        self._handle.begin()
        try:
            return await self._run.execute()
        finally:
            untap()

    @asynccontextmanager
    async def messages(self) -> AsyncIterator[trio.MemoryReceiveChannel[ServerMessage]]:
        """Tell everything from the run's first event on."""
        sender, receiver = trio.open_memory_channel[ServerMessage](_AT_ONCE)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell, sender)
            with receiver:
                yield receiver
            nursery.cancel_scope.cancel()

    async def steer(self, command: SteeringCommand) -> None:
        """Carry a command out."""
        steer(self._handle, command)

    async def _tell(self, messages: trio.MemorySendChannel[ServerMessage]) -> None:
        handle, seq = self._handle, 0
        with messages:
            while True:
                self._changed = trio.Event()
                await messages.send(handle.state_message())
                await messages.send(handle.progress_message())
                while events := await handle.log.read(seq, _AT_ONCE):
                    seq += len(events)
                    for each in events:
                        await messages.send(each)
                if handle.log.is_ended and seq == handle.log.next_seq:
                    return
                await self._changed.wait()
                # A run at full speed changes thousands of times a second.
                await trio.sleep(_UPDATE_SECONDS)

    def _wake(self) -> None:
        self._changed.set()
