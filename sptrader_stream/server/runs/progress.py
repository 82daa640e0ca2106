"""How far a run has come, and how fast it goes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sptrader_stream.events import Progress
from sptrader_stream.money import format_money
from sptrader_stream.server.documents import RunStatus
from sptrader_stream.server.runs.speed import Speedometer
from sptrader_stream.timeframes import format_time


class RunProgress:
    """Keeps the newest of what a run says about its progress.

    Args:
        total: how many candles will come; None where only reading tells.
        clock: monotonic seconds.
    """

    def __init__(self, total: int | None, clock: Callable[[], float]) -> None:
        self._total = total
        self._newest: Progress | None = None
        self._speed = Speedometer(clock)

    def start(self) -> None:
        """The first candle comes now."""
        self._speed.start()

    def take(self, progress: Progress) -> None:
        """The run has come so far."""
        self._newest = progress

    @property
    def candles(self) -> int:
        """How many candles the run has seen."""
        return 0 if self._newest is None else self._newest.candles

    @property
    def time(self) -> int | None:
        """Where the run stands, nanoseconds since 1970 UTC; None before it has said anything."""
        return None if self._newest is None else self._newest.time

    def speed_of(self, candles: int) -> float:
        """Candles a second over the whole run, which has seen so many."""
        return self._speed.overall(candles)

    def shown_in(self, status: RunStatus, span: tuple[int, int] | None) -> RunStatus:
        """Give a status with how far the run has come.

        Args:
            status: of the run, which is under way.
            span: open times of its first and last candle, nanoseconds since 1970 UTC; None where they are not known.
        """
        newest = self._newest
        if newest is None:
            return status
        return msgspec.structs.replace(
            status,
            progress_pct=self._percentage(newest, span),
            current_capital=format_money(newest.equity),
            open_positions=newest.open_positions,
            trades_count=newest.trades,
            candles=newest.candles,
            candles_per_second=self._speed.read(newest.candles),
            time=format_time(newest.time) if newest.candles else None,
        )

    def _percentage(self, newest: Progress, span: tuple[int, int] | None) -> float:
        if span is not None and span[1] > span[0]:
            share = (newest.time - span[0]) / (span[1] - span[0])
        else:
            share = newest.candles / self._total if self._total else 0.0
        return round(100 * min(max(share, 0.0), 1.0), 2)
