"""The rules of the data contract, as the kernels of ``price_checks`` and ``exact_checks`` apply them to a candle.

Both go over a chunk once, report what they find by its kind and row, and carry the same state to the next chunk.
"""

from __future__ import annotations

from typing import Final

from sptrader_stream.columns import Ints
from sptrader_stream.kernels import device
from sptrader_stream.sources.contract import (
    DUPLICATE,
    GAP,
    MISALIGNED,
    NON_FINITE,
    NON_POSITIVE,
    RANGE,
    SPREAD,
    TOO_LARGE,
    UNORDERED,
    VOLUME,
)
from sptrader_stream.sources.source import NO_TIME
from sptrader_stream.timeframes import DAY, FIRST_MONDAY, WEEK

PLACES: Final = 5

# Prices below it (in ticks) are exact in every calculation with float64.
LARGEST_TICKS: Final = 9.0e12
INFINITY: Final = float("inf")

# Layout of ``state``.
PREVIOUS: Final = 0
ALIGNED: Final = 1
PHASE: Final = 2
MISSING: Final = 3
BLOCKED_KIND: Final = 4
BLOCKED_ROW: Final = 5
FOUND: Final = 6
NO_VOLUME: Final = 7
STATE_LENGTH: Final = 8

NOT_BLOCKED: Final = -1
KEEP: Final = 0
STOP: Final = 1


@device
def is_closure(start: int, end: int, closures: Ints) -> bool:
    """Tell whether a market is known to be closed from ``start`` to ``end`` (nanoseconds).

    Args:
        start: end of the candle before the gap.
        end: open of the candle after it.
        closures: fours of nanoseconds since Monday: a closure starts at the first or later, before the second, and
            has ended at the fourth; the third is the first open time of a candle from then on.
    """
    monday = start - (start - FIRST_MONDAY) % WEEK
    for i in range(0, len(closures), 4):
        if closures[i] <= start - monday < closures[i + 1] and end - monday <= closures[i + 2]:
            return True
    return False


@device
def count_missing(start: int, end: int, timeframe: int, closures: Ints) -> int:
    """Count the candles missing from ``start`` to ``end`` in which the market was open, were it only for a part.

    Where a gap begins before a closure must have begun, the closure is taken as long as it can be.

    Args:
        start: end of the candle before the gap.
        end: open of the candle after it.
        timeframe: nanoseconds.
        closures: see :func:`is_closure`.
    """
    last = (end - start - 1) // timeframe
    missing = last + 1
    monday = start - (start - FIRST_MONDAY) % WEEK
    while monday < end:
        for i in range(0, len(closures), 4):
            if start < monday + closures[i + 1]:
                first_closed = max(0, -((start - monday - closures[i]) // timeframe))
                last_closed = min(last, (monday + closures[i + 3] - start) // timeframe - 1)
                missing -= max(0, last_closed - first_closed + 1)
        monday += WEEK
    return missing


@device
def report(kind: int, row: int, blocks: Ints, counts: Ints, places: Ints, state: Ints) -> bool:
    """Count a finding, keep its place, and tell whether it ends the run."""
    if counts[kind] < PLACES:
        places[kind * PLACES + counts[kind]] = row
    counts[kind] += 1
    state[FOUND] += 1
    if blocks[kind] == 0:
        return False
    state[BLOCKED_KIND] = kind
    state[BLOCKED_ROW] = row
    return True


@device
def broken_rule(time: int, previous: int, finite: bool, highest: float, volume: float, spread: float) -> int:
    """Give the first rule that a candle breaks and that needs no ticks, -1 for none.

    ``highest`` is the largest distance of a price from zero, and ``spread`` the spread, both in ticks, unrounded.
    """
    if time == NO_TIME or not finite:
        return NON_FINITE
    if previous != NO_TIME and time < previous:
        return UNORDERED
    if previous != NO_TIME and time == previous:
        return DUPLICATE
    if highest >= LARGEST_TICKS:
        return TOO_LARGE
    if not (0.0 <= spread < LARGEST_TICKS):
        return SPREAD
    if volume < 0.0 or volume == INFINITY:
        return VOLUME
    return -1


@device
def broken_by_ticks(open_: int, high: int, low: int, close: int) -> int:
    """Give the first rule that the prices of a candle break as ticks, -1 for none."""
    if min(open_, high, low, close) <= 0:
        return NON_POSITIVE
    if not (low <= open_ <= high and low <= close <= high):
        return RANGE
    return -1


@device
def time_findings(
    time: int, timeframe: int, row: int, closures: Ints, blocks: Ints, counts: Ints, places: Ints, state: Ints
) -> int:
    """Look at alignment and gaps of a candle whose time rises, and step to it."""
    previous = state[PREVIOUS]
    days = timeframe > DAY and timeframe % DAY == 0
    if previous == NO_TIME and days and time % DAY == 0:
        state[PHASE] = time % timeframe
    aligned = (time - state[PHASE]) % timeframe == 0 and not (days and time % DAY != 0)
    if not aligned and report(MISALIGNED, row, blocks, counts, places, state):
        return STOP
    if previous != NO_TIME and time - previous > timeframe and not is_closure(previous + timeframe, time, closures):
        if report(GAP, row, blocks, counts, places, state):
            return STOP
        state[MISSING] += count_missing(previous + timeframe, time, timeframe, closures)
    state[PREVIOUS] = time
    state[ALIGNED] = 1 if aligned else 0
    return KEEP
