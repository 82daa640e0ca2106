"""Short cuts through the rows of a run's one instrument: stretches that change nothing but the marks.

They take a few comparisons a row and leave every row at which something could happen to ``timestamp.one_timestamp``.
"""

from __future__ import annotations

from typing import Final

from sptrader_stream.columns import Ints, Masks
from sptrader_stream.execution.layout import (
    ABOVE,
    ABSENT,
    BELOW,
    BOOKS,
    CASH,
    CLOSE,
    CLOSED,
    CLOSES_END,
    COUNT,
    DAY,
    DAY_NANOSECONDS,
    DEADLINE_CLOSED,
    DEADLINE_TIME,
    DECISION,
    DECISIONS_END,
    EQUITY,
    FIXED_SPREAD,
    HIGHEST_MARK,
    LAST_TIME,
    NEXT_CANDLE,
    OPEN_POSITIONS,
    PEAK,
    QUIET_END,
    ROW,
    ROWS_END,
    SET_EVERY_ROW_CLOSES,
    SET_SESSION,
    SET_TIMEFRAME,
    SIDE,
    START,
    WAITING_ENTRIES,
    WAITING_EXITS,
    WORTH,
)
from sptrader_stream.execution.limits import daily_floor, drawdown_floor, start_day
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT

NO_MORE: Final = 2**63 - 1


@device
def passed(state: Ints, time: Ints, row: int) -> int:
    """The one instrument's rows up to ``row`` are done."""
    first = state[BOOKS + ROW]
    if row > first:
        state[LAST_TIME] = time[row - 1]
        state[NEXT_CANDLE] += row - first
        state[BOOKS + ROW] = row
    return row


@device
def flat_stretch(
    state: Ints, time: Ints, end: int, equity_out: Ints, open_out: Masks
) -> int:  # fmt: skip
    """Pass the one instrument's rows up to ``end``, at which nothing is open and nothing is decided."""
    equity = state[EQUITY]
    for row in range(state[BOOKS + ROW], end):
        equity_out[row] = equity
        open_out[row] = 0
    if end > state[BOOKS + ROW]:
        start_day(state, time[end - 1])
        state[PEAK] = max(state[PEAK], equity)
    return passed(state, time, end)


@device
def resting_stretch(
    state: Ints, time: Ints, high: Ints, low: Ints, close: Ints, spread: Ints, end: int,
    equity_out: Ints, open_out: Masks,
) -> int:  # fmt: skip
    """Pass the one instrument's rows, up to ``end`` at most, that only move the marks of what is open."""
    side = state[BOOKS + SIDE]
    below, above, highest_mark = state[BOOKS + BELOW], state[BOOKS + ABOVE], state[BOOKS + HIGHEST_MARK]
    signed_worth = side * state[BOOKS + WORTH]
    count = state[OPEN_POSITIONS]
    cash, peak = state[CASH], state[PEAK]
    lowest_of_run, lowest_of_day = drawdown_floor(state, peak), daily_floor(state)
    day_end = (state[DAY] + 1) * DAY_NANOSECONDS + state[SET_SESSION]
    time_end = min(day_end, state[BOOKS + DEADLINE_TIME] - state[SET_TIMEFRAME])
    fixed_spread = max(state[BOOKS + FIXED_SPREAD], 0) if side < 0 else 0
    own_spread = side < 0 and state[BOOKS + FIXED_SPREAD] == ABSENT
    equity = state[EQUITY]
    row = state[BOOKS + ROW]
    while row < end:
        offset = spread[row] if own_spread else fixed_spread
        lowest = low[row] + offset
        highest = high[row] + offset
        mark = close[row] + offset
        if lowest <= below or highest >= above or mark > highest_mark or time[row] >= time_end:
            break
        now = cash + signed_worth * mark
        if now > peak:
            peak = now
            lowest_of_run = drawdown_floor(state, peak)
        if now < lowest_of_run or now < lowest_of_day or now >= LARGEST_AMOUNT or now <= -LARGEST_AMOUNT:
            break
        equity = now
        equity_out[row] = equity
        open_out[row] = count
        row += 1
    state[PEAK] = peak
    state[EQUITY] = equity
    return passed(state, time, row)


@device
def undecided_end(state: Ints, book: int, moments: Ints, closes: Ints) -> int:
    """Up to which row nothing can happen to an instrument but by its prices: no order, decision or time exit."""
    row, start = state[book + ROW], state[book + START]
    if state[book + WAITING_ENTRIES] + state[book + WAITING_EXITS] > 0:
        return int(row)
    end: int = state[book + ROWS_END]
    decision, next_close = state[book + DECISION], state[book + CLOSE]
    if decision < state[book + DECISIONS_END]:
        end = min(end, start + (moments[decision] >> 1))
    if state[book + COUNT] > 0:
        if next_close < state[book + CLOSES_END]:
            end = min(end, start + (closes[next_close] >> 1))
        if state[SET_EVERY_ROW_CLOSES] == 1:
            end = min(end, state[book + DEADLINE_CLOSED] - state[book + CLOSED] + start - 1)
    return end


@device
def stretch(
    state: Ints, time: Ints, high: Ints, low: Ints, close: Ints, spread: Ints, moments: Ints, closes: Ints,
    equity_out: Ints, open_out: Masks,
) -> int:  # fmt: skip
    """Pass what can be passed of the one instrument's rows before the next decision."""
    end = undecided_end(state, BOOKS, moments, closes)
    if state[BOOKS + COUNT] > 0:
        return resting_stretch(state, time, high, low, close, spread, end, equity_out, open_out)
    # Exits at a close cost something after the limits were checked: the next candle has to check again.
    equity = state[EQUITY]
    if equity >= drawdown_floor(state, state[PEAK]) and equity >= daily_floor(state):
        flat_stretch(state, time, end, equity_out, open_out)
    return 0


@device
def look_ahead(
    state: Ints, book: int, time: Ints, high: Ints, low: Ints, close: Ints, spread: Ints, moments: Ints, closes: Ints
) -> int:  # fmt: skip
    """Find the first row of an instrument, from its next one on, that can change more than the marks."""
    end = undecided_end(state, book, moments, closes)
    if state[book + COUNT] > 0:
        row = state[book + ROW]
        side = state[book + SIDE]
        below, above, highest_mark = state[book + BELOW], state[book + ABOVE], state[book + HIGHEST_MARK]
        time_end = state[book + DEADLINE_TIME] - state[SET_TIMEFRAME]
        fixed_spread = max(state[book + FIXED_SPREAD], 0) if side < 0 else 0
        own_spread = side < 0 and state[book + FIXED_SPREAD] == ABSENT
        while row < end:
            offset = spread[row] if own_spread else fixed_spread
            if low[row] + offset <= below or high[row] + offset >= above or close[row] + offset > highest_mark:
                break
            if time[row] >= time_end:
                break
            row += 1
        end = row
    state[book + QUIET_END] = end
    return int(end)
