"""What one candle does to the portfolio: the steps of EXECUTION.md, section 3, one function each, and their order."""

from __future__ import annotations

from sptrader_stream.columns import Ints
from sptrader_stream.execution.arithmetic import percent_floor, product, slipped
from sptrader_stream.execution.layout import (
    ABSENT,
    CASH,
    DAY_HALTED,
    DAY_REFERENCE,
    EQUITY,
    OVERFLOW,
    PEAK,
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
    RULE_COUNT,
    RUN_HALTED,
    SET_DAILY_LOSS,
    SET_FILL_AT_CLOSE,
    SET_MAX_DRAWDOWN,
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
)
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT


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
    return reference - percent_floor(reference, part)


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
