"""Time in the hands of whoever watches: how fast a run takes its candles, and when it stands still.

Commands reach the feed alone. They move time, never results: whatever is paused, stepped or paced, the events and the
fingerprint of the run are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import trio

from sptrader_stream.columns import Ints
from sptrader_stream.events import Progress
from sptrader_stream.pace import MAX, Pace
from sptrader_stream.timeframes import NANOSECONDS

# At a pace of more timestamps a second than this, several are published together.
_PUBLICATIONS_A_SECOND: Final = 50
# Moments are sums of floats: one that was waited for must not be found to lie ahead.
_ROUNDING: Final = 1e-9
_ANY: Final = 2**63 - 1


class _Origin(NamedTuple):
    """From when on a pace counts: the moment, the open time of the next candle then, and how many were taken since."""

    moment: float
    time: int
    taken: int


class Playback:
    """How a run takes its candles; its methods may be called at any time in the run's event loop.

    A timestamp is the unit: with one instrument it is a candle, with several one of each that has it.

    Attributes:
        on_change: called when the run is paused, goes on, or has another pace.
    """

    def __init__(
        self, pace: Pace = MAX, *, paused: bool = False, clock: Callable[[], float] = trio.current_time
    ) -> None:
        """Make a playback.

        Args:
            pace: how fast to begin.
            paused: whether to wait before the first candle.
            clock: seconds, by which deadlines of trio are set.
        """
        self.on_change: Callable[[], None] = _nothing
        self._pace = pace
        self._is_paused = paused
        self._clock = clock
        self._steps: int | None = None
        self._until_trade = False
        self._trades_before = 0
        self._origin: _Origin | None = None
        self._last = float("-inf")
        self._commanded = trio.Event()
        self._progress = Progress(0, 0, 0, 0, 0)
        self._has_recorded: trio.Event | None = None

    @property
    def recorded(self) -> Progress:
        """What was recorded last."""
        return self._progress

    @property
    def pace(self) -> Pace:
        """How fast candles are taken while the run goes on."""
        return self._pace

    @property
    def is_paused(self) -> bool:
        """Whether the run stands still, or will at the next candle."""
        return self._is_paused

    @property
    def is_free(self) -> bool:
        """Whether everything that is there may be taken."""
        return self._pace is MAX and not self._is_paused and self._steps is None and not self._until_trade

    @property
    def most(self) -> int:
        """How many timestamps can be of interest to the next :meth:`allow`, at most."""
        if self._until_trade:
            return 1
        return _ANY if self._steps is None else self._steps

    def pause(self) -> None:
        """Stand still at the next candle."""
        self._command(is_paused=True)

    def resume(self) -> None:
        """Go on at the pace."""
        self._command(is_paused=False)

    def step(self, timestamps: int) -> None:
        """Go on by exactly so many timestamps, as fast as can be, and stand still; more steps add up.

        Raises:
            ValueError: not even one.
        """
        if timestamps < 1:
            raise ValueError(f"a step is one timestamp at least, not {timestamps}")
        self._command(is_paused=False, steps=(self._steps or 0) + timestamps)

    def step_to_trade(self) -> None:
        """Go on, as fast as can be, and stand still behind the first timestamp at which a trade was closed."""
        self._command(is_paused=False, until_trade=True)

    def set_pace(self, pace: Pace) -> None:
        """Take candles at another pace, whether the run goes on or stands still."""
        self._pace = pace
        self._origin = None
        self._wake()

    def _command(self, *, is_paused: bool, steps: int | None = None, until_trade: bool = False) -> None:
        self._is_paused = is_paused
        self._steps = steps
        self._until_trade = until_trade
        # Time that passed while the run stood still is not made up for.
        self._origin = None
        self._wake()

    def _wake(self) -> None:
        self._commanded.set()
        self.on_change()

    # What the feed and the recorder say to it

    async def allow(self, times: Ints, candles: int) -> int:
        """Wait until candles may be taken, and answer how many of the next timestamps that are.

        Args:
            times: the timestamps that are there, rising.
            candles: how many candles were published so far, of all instruments.

        Returns:
            At least one.
        """
        while True:
            self._commanded = trio.Event()
            if self._is_paused:
                await self._commanded.wait()
            elif self._until_trade:
                if self._progress.candles >= candles:
                    # What was on its way when the step began is no trade of the next timestamp.
                    self._trades_before = self._progress.trades
                    return 1
                await self._wait_recorded()
            elif self._steps is not None:
                return min(self._steps, len(times))
            elif self._pace.kind == "max":
                return len(times)
            elif due := self._due(times):
                return due
            else:
                with trio.move_on_at(self._next_moment(times)):
                    await self._commanded.wait()

    async def took(self, timestamps: int, candles: int) -> None:
        """Say that candles were published.

        Args:
            timestamps: how many.
            candles: how many candles the run has by now, of all instruments.
        """
        self._last = self._clock()
        if self._origin is not None:
            self._origin = self._origin._replace(taken=self._origin.taken + timestamps)
        if self._steps is not None:
            self._steps -= timestamps
            if self._steps <= 0:
                self.pause()
        elif self._until_trade:
            while self._progress.candles < candles:
                await self._wait_recorded()
            if self._until_trade and self._progress.trades > self._trades_before:
                self.pause()

    def note(self, progress: Progress) -> None:
        """Say what was recorded."""
        self._progress = progress
        if self._has_recorded is not None:
            self._has_recorded.set()

    async def _wait_recorded(self) -> None:
        self._has_recorded = trio.Event()
        await self._has_recorded.wait()
        self._has_recorded = None

    def _due(self, times: Ints) -> int:
        """How many timestamps may be taken by now."""
        now = self._clock()
        if self._origin is None:
            self._origin = _Origin(now, int(times[0]), 0)
        passed = now - self._origin.moment
        if self._pace.kind == "rate":
            due = int(passed * self._pace.value + _ROUNDING) + 1 - self._origin.taken
        else:
            reached = self._origin.time + int((passed + _ROUNDING) * self._pace.value * NANOSECONDS)
            due = int(times.searchsorted(reached, "right"))
        if due < len(times) and now < self._last + 1 / _PUBLICATIONS_A_SECOND:
            return 0
        return min(max(due, 0), len(times))

    def _next_moment(self, times: Ints) -> float:
        """When the next timestamps are due: what comes in a fiftieth of a second, or all that fit into a batch."""
        soonest = self._last + 1 / _PUBLICATIONS_A_SECOND
        return max(self._moment_of(times, 0), min(soonest, self._moment_of(times, len(times) - 1)))

    def _moment_of(self, times: Ints, place: int) -> float:
        assert self._origin is not None
        if self._pace.kind == "rate":
            passed = (self._origin.taken + place) / self._pace.value
        else:
            passed = (int(times[place]) - self._origin.time) / (self._pace.value * NANOSECONDS)
        return self._origin.moment + passed


def _nothing() -> None:
    """Nobody wants to know."""
