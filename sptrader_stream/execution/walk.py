"""The compiled walk over a batch of candles, with two short cuts for uneventful stretches.

``walk`` takes candles one after the other. Where nothing is open and nothing decided, and where one position rests
between its levels, most candles change nothing but the marks: the short cuts take these with a few comparisons each
and leave every candle at which anything could happen to ``steps.one_candle``, which follows the page.
"""

from __future__ import annotations

from sptrader_stream.columns import Codes, Ints, Masks
from sptrader_stream.execution.layout import (
    ABSENT,
    CASH,
    DAY,
    DAY_HALTED,
    DAY_NANOSECONDS,
    DAY_REFERENCE,
    EQUITY,
    NEXT_CANDLE,
    OPEN_POSITIONS,
    OVERFLOW,
    PEAK,
    PENDING_ENTRIES,
    POS_BEST,
    POS_EXIT_REASON,
    POS_QUANTITY,
    POS_SIDE,
    POS_STOP,
    POS_TARGET,
    POS_WORST,
    POSITIONS,
    RECORD_WORDS,
    RULE_COUNT,
    SET_DAILY_LOSS,
    SET_MAX_DRAWDOWN,
    SET_SPREAD,
    SET_UNIT,
)
from sptrader_stream.execution.records import (
    RECORD_WIDTH,
)
from sptrader_stream.execution.steps import floor_of, limits_hold, one_candle
from sptrader_stream.kernels import device, kernel
from sptrader_stream.money import LARGEST_AMOUNT

# No candle adds more rows than this plus three for each entry rule: two fills and trades for every way to close,
# the halts, and for each rule a rejection at the decision or the fill, or the fill itself.
ROWS_PER_CANDLE = 12


@device
def start_day(state: Ints, time: int) -> int:
    """On a new UTC date the last equity becomes the day's reference and a daily halt ends."""
    day = time // DAY_NANOSECONDS
    if day != state[DAY]:
        state[DAY] = day
        state[DAY_REFERENCE] = state[EQUITY]
        state[DAY_HALTED] = 0
    return day


@device
def flat_stretch(state: Ints, time: Ints, entries: Masks, start: int, equity_out: Ints, open_out: Codes) -> int:
    """Pass the candles from ``start`` at which nothing is open and nothing is decided; answers where that ends."""
    size = len(time)
    equity = state[EQUITY]
    index = start
    if len(entries) == 0:
        for index in range(start, size):
            equity_out[index] = equity
            open_out[index] = 0
        index = size
    else:
        while index < size and entries[index] == 0:
            equity_out[index] = equity
            open_out[index] = 0
            index += 1
    if index > start:
        start_day(state, time[index - 1])
        state[NEXT_CANDLE] += index - start
    return index


@device
def resting_stretch(
    state: Ints, time: Ints, high: Ints, low: Ints, close: Ints,
    spread: Ints, entries: Masks, exits: Masks, start: int, equity_out: Ints, open_out: Codes,
) -> int:  # fmt: skip
    """Pass the candles from ``start`` that only move the marks of the one open position; answers where that ends."""
    side = state[POSITIONS + POS_SIDE]
    stop = state[POSITIONS + POS_STOP]
    target = state[POSITIONS + POS_TARGET]
    below = stop if side > 0 else target
    above = target if side > 0 else stop
    if above == ABSENT:
        above = LARGEST_AMOUNT
    worth = state[SET_UNIT] * state[POSITIONS + POS_QUANTITY]
    highest_mark = (LARGEST_AMOUNT - 1) // worth
    signed_worth = side * worth
    cash = state[CASH]
    peak = state[PEAK]
    drawdown_floor = floor_of(state, SET_MAX_DRAWDOWN, peak)
    daily_floor = floor_of(state, SET_DAILY_LOSS, state[DAY_REFERENCE])
    day_start = state[DAY] * DAY_NANOSECONDS
    fixed_spread = state[SET_SPREAD] if side < 0 else 0
    own_spread = side < 0 and len(spread) > 0
    any_entries = len(entries) > 0
    any_exits = len(exits) > 0
    top = state[POSITIONS + POS_BEST] if side > 0 else state[POSITIONS + POS_WORST]
    bottom = state[POSITIONS + POS_WORST] if side > 0 else state[POSITIONS + POS_BEST]
    equity = state[EQUITY]
    index = start
    while index < len(time):
        offset = spread[index] if own_spread else fixed_spread
        lowest = low[index] + offset
        highest = high[index] + offset
        mark = close[index] + offset
        if lowest <= below or highest >= above or mark > highest_mark:
            break
        if (any_entries and entries[index] != 0) or (any_exits and exits[index] != 0):
            break
        if time[index] - day_start >= DAY_NANOSECONDS:
            break
        now = cash + signed_worth * mark
        if now > peak:
            peak = now
            drawdown_floor = floor_of(state, SET_MAX_DRAWDOWN, peak)
        if now < drawdown_floor or now < daily_floor:
            break
        equity = now
        top = max(top, highest)
        bottom = min(bottom, lowest)
        equity_out[index] = equity
        open_out[index] = 1
        index += 1
    state[PEAK] = peak
    state[EQUITY] = equity
    state[NEXT_CANDLE] += index - start
    state[POSITIONS + POS_BEST] = top if side > 0 else bottom
    state[POSITIONS + POS_WORST] = bottom if side > 0 else top
    return index


@kernel
def walk(
    state: Ints, records: Ints,
    time: Ints, open_: Ints, high: Ints, low: Ints, close: Ints, spread: Ints, entries: Masks, exits: Masks,
    start: int, equity_out: Ints, open_out: Codes,
) -> int:  # fmt: skip
    """Walk the candles from ``start``; answers the index of the first candle not done.

    That is the number of candles, or less where ``records`` has no room for another candle's rows, or where an
    amount would leave the exact range (the state's OVERFLOW is set then, and nothing may go on).

    Args:
        state: the core's state, see ``layout``.
        records: rows of RECORD_WIDTH; RECORD_WORDS of the state says how much is used.
        time, open_, high, low, close: the batch's columns.
        spread: ticks by candle, or empty for the fixed one.
        entries, exits: bit r for rule r by candle, or empty for none.
        start: index in the batch.
        equity_out, open_out: filled with equity and number of open positions by candle.
    """
    size = len(time)
    room = (ROWS_PER_CANDLE + 3 * state[RULE_COUNT]) * RECORD_WIDTH
    index = start
    while index < size:
        if state[PENDING_ENTRIES] == 0:
            count = state[OPEN_POSITIONS]
            # Exits at a close cost something after the limits were checked: the next candle has to check again.
            if count == 0 and limits_hold(state):
                index = flat_stretch(state, time, entries, index, equity_out, open_out)
            elif count == 1 and state[POSITIONS + POS_EXIT_REASON] == ABSENT:
                index = resting_stretch(
                    state,
                    time,
                    high,
                    low,
                    close,
                    spread,
                    entries,
                    exits,
                    index,
                    equity_out,
                    open_out,
                )
            if index >= size:
                break
        if state[RECORD_WORDS] + room > len(records):
            break
        start_day(state, time[index])
        own = spread[index] if len(spread) > 0 else state[SET_SPREAD]
        met_entries = entries[index] if len(entries) > 0 else 0
        met_exits = exits[index] if len(exits) > 0 else 0
        state[EQUITY] = one_candle(
            state, records,
            time[index], open_[index], high[index], low[index], close[index], own, met_entries, met_exits,
        )  # fmt: skip
        if state[OVERFLOW] != 0:
            break
        equity_out[index] = state[EQUITY]
        open_out[index] = state[OPEN_POSITIONS]
        state[NEXT_CANDLE] += 1
        index += 1
    return index
