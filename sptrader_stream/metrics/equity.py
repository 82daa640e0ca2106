"""What the metrics keep of the equity column: drawdowns, exposure, the last equity of each day and a checksum.

The state is one small column of int64 carried from batch to batch, so that any split of the candles leaves the same
state. Money is in 10^-8, times are nanoseconds since 1970 UTC. What is called a candle here is a timestamp of the run:
several instruments' candles at one time are one.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Final, TypeAlias

import numpy as np

from sptrader_stream.columns import Ints, Masks
from sptrader_stream.kernels import device, kernel
from sptrader_stream.timeframes import DAY as NANOSECONDS_A_DAY

# Layout of the state. The current drawdown runs from the last candle at the peak; the worst and the longest are of
# the drawdowns that have ended.
CANDLES: Final = 0
EXPOSED: Final = 1
PEAK: Final = 2
PEAK_CANDLE: Final = 3
PEAK_TIME: Final = 4
TROUGH: Final = 5
WORST_PEAK: Final = 6
WORST_TROUGH: Final = 7
LARGEST_FALL: Final = 8
LONGEST_TIME: Final = 9
LONGEST_CANDLES: Final = 10
LONGEST_START: Final = 11
DAY: Final = 12
LAST_TIME: Final = 13
LAST_EQUITY: Final = 14
LAST_OPEN: Final = 15
CHECKSUM: Final = 16
WIDTH: Final = 17

# Columns of the table of closed days: the day as days since 1970, and its last equity.
DAY_WIDTH: Final = 2

# Knuth's multiplier for 64-bit linear congruential generators (MMIX): odd, hence no information is ever lost.
CHECKSUM_FACTOR: Final = 6364136223846793005

# A kernel sees a column; the end of a run is worked out on a plain list.
State: TypeAlias = Ints | MutableSequence[int]


def new_state(start_capital: int) -> Ints:
    """The state before the first candle: a peak of ``start_capital`` (money, positive), no day."""
    state = np.zeros(WIDTH, np.int64)
    state[[PEAK, TROUGH, WORST_PEAK, WORST_TROUGH, LAST_EQUITY]] = start_capital
    state[PEAK_CANDLE] = -1
    return state


@device
def exceeds(fall: int, peak: int, other_fall: int, other_peak: int) -> bool:
    """Whether fall / peak > other_fall / other_peak, exactly, in numbers no larger than those given.

    Compares the continued fractions term by term. Falls are not negative, peaks are positive.
    """
    while True:
        whole, other_whole = fall // peak, other_fall // other_peak
        if whole != other_whole:
            return bool(whole > other_whole)
        rest, other_rest = fall - whole * peak, other_fall - other_whole * other_peak
        if rest == 0 or other_rest == 0:
            return bool(rest > 0)
        # rest / peak > other_rest / other_peak when the reciprocals stand the other way round.
        fall, peak, other_fall, other_peak = other_peak, other_rest, peak, rest


@device
def end_drawdown(
    state: State, peak: int, trough: int, peak_candle: int, peak_time: int, candle: int, time: int
) -> None:
    """Hold a drawdown against the worst and the longest so far.

    Args:
        state: changed in place.
        peak: the equity it fell from.
        trough: the lowest equity.
        peak_candle: the last candle at the peak, -1 for the start capital.
        peak_time: that candle's open time.
        candle: the candle at which equity was back at the peak, or the last so far.
        time: that candle's open time.
    """
    fall, worst_fall = peak - trough, state[WORST_PEAK] - state[WORST_TROUGH]
    state[LARGEST_FALL] = max(state[LARGEST_FALL], fall)
    # Nearly all drawdowns are far from the worst: the products in floats tell, with room for their rounding.
    if float(fall) * float(state[WORST_PEAK]) >= float(worst_fall) * float(peak) * 0.999 and exceeds(
        fall, peak, worst_fall, state[WORST_PEAK]
    ):
        state[WORST_PEAK] = peak
        state[WORST_TROUGH] = trough
    if time - peak_time > state[LONGEST_TIME]:
        state[LONGEST_TIME] = time - peak_time
        state[LONGEST_CANDLES] = candle - peak_candle
        state[LONGEST_START] = peak_time


@kernel
def follow_equity(
    time: Ints,
    equity: Ints,
    open_positions: Masks,
    counted: int,
    timeframe: int,
    session: int,
    state: Ints,
    days: Ints,
    closed: int,
) -> int:
    """Take in a batch of candles, or what closing at the end of the run did to the last one.

    Args:
        time: open times, rising.
        equity: after everything that happened at the candle.
        open_positions: how many were open then.
        counted: 1, or 0 for the last candle once more: it is one more mark for drawdowns and checksum, the last
            equity of its day, and neither a candle nor exposure.
        timeframe: a candle's length, nanoseconds.
        session: where a day begins, nanoseconds after midnight UTC.
        state: see the layout above; changed in place.
        days: rows of DAY_WIDTH, room for one more day for each candle; changed in place.
        closed: how many days it holds.

    Returns:
        How many days it holds now. The day of the last candle is not among them.
    """
    before = state[CANDLES]
    if len(equity) == 0:
        return closed
    if before == 0:
        # The start capital is what there was when the first candle opened, where a candle before it would close.
        state[PEAK_TIME] = time[0] - timeframe
        state[DAY] = (time[0] - session) // NANOSECONDS_A_DAY
    exposed, checksum, last_equity, day = state[EXPOSED], state[CHECKSUM], state[LAST_EQUITY], state[DAY]
    peak, trough, peak_candle, peak_time = state[PEAK], state[TROUGH], state[PEAK_CANDLE], state[PEAK_TIME]
    next_day = (day + 1) * NANOSECONDS_A_DAY + session
    first = before - 1 + counted
    for i in range(len(equity)):
        now = equity[i]
        checksum = checksum * CHECKSUM_FACTOR + now
        if open_positions[i] != 0:
            exposed += counted
        if time[i] >= next_day:
            days[closed * DAY_WIDTH] = day
            days[closed * DAY_WIDTH + 1] = last_equity
            closed += 1
            day = (time[i] - session) // NANOSECONDS_A_DAY
            next_day = (day + 1) * NANOSECONDS_A_DAY + session
        last_equity = now
        if now >= peak:
            if trough < peak:
                end_drawdown(state, peak, trough, peak_candle, peak_time, first + i, time[i])
            peak = trough = now
            peak_candle = first + i
            peak_time = time[i]
        elif now < trough:
            trough = now
    last = len(equity) - 1
    state[CANDLES] = before + counted * len(equity)
    state[EXPOSED], state[CHECKSUM], state[LAST_EQUITY], state[DAY] = exposed, checksum, last_equity, day
    state[PEAK], state[TROUGH], state[PEAK_CANDLE], state[PEAK_TIME] = peak, trough, peak_candle, peak_time
    state[LAST_TIME], state[LAST_OPEN] = time[last], open_positions[last]
    return closed
