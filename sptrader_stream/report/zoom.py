"""Candles of one instrument in a few timeframes, built exactly while a source of any length streams past.

The finest of them is the data's own timeframe where the candles are few, else the finest that keeps to a number of
candles. A page that shows a stretch of time picks the finest that has a sensible number of candles in it.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.timeframes import DAY, HOUR, MINUTE, WEEK, span_origin

_USUAL: Final = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY, WEEK)
# Beyond this the step to a usual timeframe loses too much at once.
_LARGEST_STEP: Final = 12


class ZoomLevel(msgspec.Struct, frozen=True):
    """Candles of one timeframe.

    Attributes:
        timeframe: nanoseconds.
        candles: int64, shape (5, n): where each span begins (nanoseconds since 1970), open, high, low, close (ticks).
        values: float64, shape (series, n): each series' last value in the span.
    """

    timeframe: int
    candles: Ints
    values: Floats


class ZoomBuilder:
    """Takes candles in, piece by piece.

    Args:
        timeframe: of the candles, nanoseconds.
        session: where the instrument's day begins, nanoseconds after midnight UTC.
        series: how many series of values come with the candles.
        most: candles kept at most.
    """

    def __init__(self, timeframe: int, session: int, series: int, most: int) -> None:
        self._session = session
        self._most = most
        self._blocks: list[ZoomLevel] = []
        self._kept = 0
        # The last span, which the next piece may go on with.
        self._last = ZoomLevel(timeframe, np.empty((5, 0), np.int64), np.empty((series, 0)))

    def add(self, candles: Ints, values: Floats) -> None:
        """Take the next candles in.

        Args:
            candles: int64, shape (5, n): open time, open, high, low, close, in order of time.
            values: float64, shape (series, n).
        """
        last = self._last
        joined = ZoomLevel(last.timeframe, np.hstack((last.candles, candles)), np.hstack((last.values, values)))
        merged = coarsen(joined, last.timeframe, self._session)
        self._blocks.append(ZoomLevel(last.timeframe, merged.candles[:, :-1], merged.values[:, :-1]))
        self._last = ZoomLevel(last.timeframe, merged.candles[:, -1:], merged.values[:, -1:])
        self._kept += self._blocks[-1].candles.shape[1]
        while self._kept >= self._most:
            whole = self.finest()
            coarse = coarsen(whole, coarser_timeframe(whole.timeframe, self._session), self._session)
            self._last = ZoomLevel(coarse.timeframe, coarse.candles[:, -1:], coarse.values[:, -1:])
            self._blocks = [ZoomLevel(coarse.timeframe, coarse.candles[:, :-1], coarse.values[:, :-1])]
            self._kept = coarse.candles.shape[1] - 1

    def levels(self, few: int) -> list[ZoomLevel]:
        """The finest timeframe kept, then coarser ones down to one with at most ``few`` candles.

        Args:
            few: at least two, because a candle of any length begins where candles are counted from.
        """
        levels = [self.finest()]
        while levels[-1].candles.shape[1] > few:
            following = coarser_timeframe(levels[-1].timeframe, self._session)
            levels.append(coarsen(levels[-1], following, self._session))
        return levels

    def finest(self) -> ZoomLevel:
        """The finest timeframe kept."""
        blocks = [*self._blocks, self._last]
        candles = np.hstack([each.candles for each in blocks])
        return ZoomLevel(self._last.timeframe, candles, np.hstack([each.values for each in blocks]))


def coarser_timeframe(timeframe: int, session: int) -> int:
    """The next usual timeframe into whose spans those of ``timeframe`` fit, nanoseconds; else two or three of them.

    Two do not fit where they make whole weeks, which open on Mondays, and one of them does not.
    """
    usual = [each for each in _USUAL if timeframe < each <= _LARGEST_STEP * timeframe and each % timeframe == 0]
    origin = span_origin(timeframe, session)
    candidates = (*usual, 2 * timeframe, 3 * timeframe)
    return next(each for each in candidates if (span_origin(each, session) - origin) % timeframe == 0)


def coarsen(level: ZoomLevel, timeframe: int, session: int) -> ZoomLevel:
    """Build candles of a coarser timeframe; the spans of the finer one lie within its spans."""
    time = level.candles[0]
    if not len(time):
        return ZoomLevel(timeframe, level.candles, level.values)
    origin = span_origin(timeframe, session)
    span = (time - origin) // timeframe
    starts = np.flatnonzero(np.append(True, span[1:] != span[:-1]))
    ends = np.append(starts[1:], len(time)) - 1
    candles = np.stack(
        (
            origin + span[starts] * timeframe,
            level.candles[1][starts],
            np.maximum.reduceat(level.candles[2], starts),
            np.minimum.reduceat(level.candles[3], starts),
            level.candles[4][ends],
        )
    )
    return ZoomLevel(timeframe, candles, np.ascontiguousarray(level.values[:, ends]))
