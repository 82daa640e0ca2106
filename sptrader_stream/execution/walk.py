"""The compiled walk over candles: EXECUTION.md section 3, step by step, and two short cuts for uneventful stretches.

``walk`` takes candles one after the other. Where nothing is open and nothing decided, and where one position rests
between its levels, most candles change nothing but the marks: the short cuts take these with a few comparisons each
and leave every candle at which anything could happen to ``one_candle``, which follows the page.
"""

from __future__ import annotations

from sptrader_stream.columns import Codes, Ints, Masks
from sptrader_stream.execution.arithmetic import product, share_floor, slipped
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
    POS_STOP_REASON,
    POS_TARGET,
    POS_WORST,
    POSITION_WIDTH,
    POSITIONS,
    RECORD_WORDS,
    RULE_COUNT,
    RUN_HALTED,
    SET_DAILY_LOSS,
    SET_FILL_AT_CLOSE,
    SET_MAX_DRAWDOWN,
    SET_SPREAD,
    SET_TARGET_FIRST,
    SET_UNIT,
)
from sptrader_stream.execution.orders import (
    better,
    close_position,
    decide_entry,
    fill_pending_entries,
    fill_pending_exits,
    new_row,
    positions_end,
)
from sptrader_stream.execution.records import (
    HALT_EQUITY,
    HALT_REFERENCE,
    KIND_HALT,
    REASON_DAILY_LOSS,
    REASON_MAX_DRAWDOWN,
    REASON_SIGNAL,
    REASON_TAKE_PROFIT,
    RECORD_WIDTH,
)
from sptrader_stream.kernels import device, kernel
from sptrader_stream.money import LARGEST_AMOUNT, PERCENT_SCALE

# No candle adds more rows than this plus three for each entry rule: two fills and trades for every way to close,
# the halts, and for each rule a rejection at the decision or the fill, or the fill itself.
ROWS_PER_CANDLE = 12


@device
def rest(
    state: Ints,
    records: Ints,
    time: int,
    open_: int,
    high: int,
    low: int,
    spread: int,
) -> int:
    """Step 2: let resting stops and targets meet the candle, oldest position first."""
    slot = POSITIONS
    while slot < positions_end(state) and state[OVERFLOW] == 0:
        side = state[slot + POS_SIDE]
        offset = 0 if side > 0 else spread
        start = open_ + offset
        adverse = low if side > 0 else high + spread
        favourable = high if side > 0 else low + spread
        stop = state[slot + POS_STOP]
        target = state[slot + POS_TARGET]
        stopped = stop != ABSENT and side * adverse <= side * stop
        reached = target != ABSENT and side * favourable >= side * target
        if stop != ABSENT and side * start <= side * stop:
            reason, price = state[slot + POS_STOP_REASON], slipped(start, -side, state)
        elif target != ABSENT and side * start >= side * target:
            reason, price = REASON_TAKE_PROFIT, start
        elif stopped and not (reached and state[SET_TARGET_FIRST] == 1):
            reason, price = state[slot + POS_STOP_REASON], slipped(stop, -side, state)
        elif reached:
            reason, price = REASON_TAKE_PROFIT, target
        else:
            slot += POSITION_WIDTH
            continue
        close_position(state, slot, records, time, price, reason)
    return slot


@device
def track(state: Ints, high: int, low: int, spread: int) -> int:
    """Step 3: survivors see the candle's extremes."""
    for slot in range(POSITIONS, positions_end(state), POSITION_WIDTH):
        side = state[slot + POS_SIDE]
        offset = 0 if side > 0 else spread
        best = (high if side > 0 else low) + offset
        worst = (low if side > 0 else high) + offset
        state[slot + POS_BEST] = better(side, state[slot + POS_BEST], best)
        state[slot + POS_WORST] = better(-side, state[slot + POS_WORST], worst)
    return 0


@device
def marked(state: Ints, close: int, spread: int) -> int:
    """Step 4: cash and open positions at the close; longs at the bid, shorts at the ask."""
    equity: int = state[CASH]
    for slot in range(POSITIONS, positions_end(state), POSITION_WIDTH):
        side = state[slot + POS_SIDE]
        mark = close if side > 0 else close + spread
        value = product(product(mark, state[SET_UNIT]), state[slot + POS_QUANTITY])
        if value >= LARGEST_AMOUNT:
            state[OVERFLOW] = 1
        equity += side * value
    if equity >= LARGEST_AMOUNT or equity <= -LARGEST_AMOUNT:
        state[OVERFLOW] = 1
    return equity


@device
def put_up(state: Ints, reason: int) -> int:
    """Put everything up for closing; what already is keeps its reason."""
    for slot in range(POSITIONS, positions_end(state), POSITION_WIDTH):
        if state[slot + POS_EXIT_REASON] == ABSENT:
            state[slot + POS_EXIT_REASON] = reason
    return 0


@device
def floor_of(state: Ints, limit: int, reference: int) -> int:
    """The smallest equity that a limit (a word of the settings) allows against its reference."""
    part = state[limit]
    if part == ABSENT:
        return -LARGEST_AMOUNT
    # A share of nothing, or of less, is no loss that may still be made.
    if reference <= 0:
        return reference
    return reference - share_floor(reference, part, PERCENT_SCALE)


@device
def limits_hold(state: Ints) -> bool:
    """Whether the last equity would pass step 5 at a candle that changes nothing."""
    equity = state[EQUITY]
    if state[RUN_HALTED] == 0 and equity < floor_of(state, SET_MAX_DRAWDOWN, state[PEAK]):
        return False
    return not (state[DAY_HALTED] == 0 and equity < floor_of(state, SET_DAILY_LOSS, state[DAY_REFERENCE]))


@device
def halt(state: Ints, records: Ints, time: int, reason: int, equity: int, reference: int) -> int:
    """Log a passed limit and put everything up for closing."""
    row = new_row(state, records, KIND_HALT | (reason + 1) << 8 | 1 << 16, time)
    records[row + HALT_EQUITY] = equity
    records[row + HALT_REFERENCE] = reference
    return put_up(state, reason)


@device
def check_limits(state: Ints, records: Ints, time: int, equity: int) -> int:
    """Step 5: drawdown from the running peak, loss against the previous day's last equity."""
    state[PEAK] = max(state[PEAK], equity)
    if state[RUN_HALTED] == 0 and equity < floor_of(state, SET_MAX_DRAWDOWN, state[PEAK]):
        state[RUN_HALTED] = 1
        halt(state, records, time, REASON_MAX_DRAWDOWN, equity, state[PEAK])
    if state[DAY_HALTED] == 0 and equity < floor_of(state, SET_DAILY_LOSS, state[DAY_REFERENCE]):
        state[DAY_HALTED] = 1
        halt(state, records, time, REASON_DAILY_LOSS, equity, state[DAY_REFERENCE])
    return 0


@device
def one_candle(
    state: Ints, records: Ints,
    time: int, open_: int, high: int, low: int, close: int, spread: int, entries: int, exits: int,
) -> int:  # fmt: skip
    """Everything that one candle does, in the order of EXECUTION.md; answers the equity after it."""
    fill_pending_exits(state, records, time, open_, spread)
    fill_pending_entries(state, records, time, open_, spread)
    rest(state, records, time, open_, high, low, spread)
    track(state, high, low, spread)
    equity = marked(state, close, spread)
    check_limits(state, records, time, equity)
    if exits != 0:
        put_up(state, REASON_SIGNAL)
    if state[RUN_HALTED] == 0 and state[DAY_HALTED] == 0:
        for rule in range(state[RULE_COUNT]):
            if entries >> rule & 1:
                decide_entry(state, records, rule, equity, time, close)
    if state[SET_FILL_AT_CLOSE] == 1:
        fill_pending_exits(state, records, time, close, spread)
        fill_pending_entries(state, records, time, close, spread)
        equity = marked(state, close, spread)
    return equity


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
