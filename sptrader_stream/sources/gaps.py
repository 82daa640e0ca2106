"""Gaps between candles: where some are missing while the market was open."""

from __future__ import annotations

import msgspec
import numpy as np

from sptrader_stream.columns import Ints
from sptrader_stream.instruments import TradingHours
from sptrader_stream.kernels import kernel
from sptrader_stream.sources.checks import count_missing, is_closure
from sptrader_stream.sources.intake import closures_of


class Gaps(msgspec.Struct, frozen=True, gc=False):
    """Gaps in order of time; columns of equal length.

    Attributes:
        starts: open times of the first candle that is not there, nanoseconds since 1970 UTC.
        ends: open times of the first candle behind the gap, likewise.
        missing: how many candles of open hours are not there.
    """

    starts: Ints
    ends: Ints
    missing: Ints


def no_gaps() -> Gaps:
    """Give what stands for there being none."""
    return Gaps(*(np.empty(0, np.int64) for _ in range(3)))


@kernel
def measure(starts: Ints, ends: Ints, timeframe: int, closures: Ints, missing: Ints) -> int:
    """Count what is missing between neighbouring candles that are not next to each other.

    Args:
        starts: ends of the candles before.
        ends: open times of the candles behind.
        timeframe: nanoseconds.
        closures: see :func:`checks.is_closure`.
        missing: filled: candles of open hours that are missing, -1 where the market was closed all the while.

    Returns:
        How many of them are gaps.
    """
    count = 0
    for i in range(len(starts)):
        if is_closure(starts[i], ends[i], closures):
            missing[i] = -1
        else:
            missing[i] = count_missing(starts[i], ends[i], timeframe, closures)
            count += 1
    return count


def find_gaps(time: Ints, timeframe: int, hours: TradingHours) -> Gaps:
    """Find the gaps between candles, by the same rules as the data contract.

    Args:
        time: open times, nanoseconds since 1970 UTC, rising.
        timeframe: nanoseconds.
        hours: when the instrument is traded.
    """
    wide = np.flatnonzero(np.diff(time) > timeframe)
    return gaps_between(time[wide], time[wide + 1], timeframe, hours)


def gaps_between(before: Ints, behind: Ints, timeframe: int, hours: TradingHours) -> Gaps:
    """Tell which pairs of candles have a gap between them.

    Args:
        before, behind: open times of the two candles of each pair, nanoseconds since 1970 UTC.
        timeframe: nanoseconds.
        hours: when the instrument is traded.
    """
    starts, ends = before + timeframe, np.ascontiguousarray(behind)
    missing: Ints = np.empty(len(starts), np.int64)
    measure(starts, ends, timeframe, closures_of(hours, timeframe), missing)
    is_gap = (missing >= 0) & (ends > starts)
    return Gaps(starts[is_gap], ends[is_gap], missing[is_gap])
