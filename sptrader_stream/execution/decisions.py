"""Step 6 of EXECUTION.md: what is put up for closing and which entries wait, at the close of a strategy's candle.

``book`` is where an instrument's book starts in the state.
"""

from __future__ import annotations

from sptrader_stream.columns import Ints
from sptrader_stream.execution.arithmetic import level, percent_floor, percent_level, product
from sptrader_stream.execution.books import book_of, overflow, positions_end
from sptrader_stream.execution.layout import (
    ABSENT,
    DAY_HALTED,
    ENTRY_ATR,
    ENTRY_QUANTITY,
    ENTRY_ROWS,
    ENTRY_RULE,
    ENTRY_WIDTH,
    EXITS,
    MINIMUM_QUANTITY,
    PERCENTAGE,
    POS_CLOSED,
    POS_EXIT_QUANTITY,
    POS_EXIT_REASON,
    POS_FILLED,
    POS_QUANTITY,
    POSITION_WIDTH,
    POSITIONS,
    QUIET_END,
    RULE_SIDE,
    RULE_SIZE,
    RULE_SIZING,
    RULE_WIDTH,
    RULES,
    RUN_HALTED,
    SET_EXITS,
    SET_HOLD_CANDLES,
    SET_HOLD_TIME,
    SET_INSTRUMENTS,
    SET_MAX_POSITION,
    SET_RULES,
    SET_USES_ATR,
    SIZING_NOTIONAL,
    SIZING_QUANTITY,
    SIZING_RISK,
    STOP_KIND,
    STOP_VALUE,
    UNIT,
    WAITING_ENTRIES,
    WAITING_EXITS,
    WORTH,
)
from sptrader_stream.execution.log import reject
from sptrader_stream.execution.records import (
    REASON_SIGNAL,
    REASON_TIME,
    REJECTED_ATR_UNDEFINED,
    REJECTED_BELOW_MINIMUM,
    REJECTED_NO_STOP_DISTANCE,
)
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT


@device
def put_up(state: Ints, book: int, slot: int, quantity: int, reason: int) -> int:
    """Put up ``quantity`` more lots of a position; a whole one takes its reason, one put up whole keeps its own."""
    before = state[slot + POS_EXIT_QUANTITY]
    if before == state[slot + POS_QUANTITY]:
        return 0
    if state[slot + POS_EXIT_REASON] == ABSENT:
        state[book + WAITING_EXITS] += 1
        state[book + QUIET_END] = 0
    taken: int = min(quantity, state[slot + POS_QUANTITY] - before)
    state[slot + POS_EXIT_QUANTITY] = before + taken
    state[slot + POS_EXIT_REASON] = reason
    return taken


@device
def put_up_all(state: Ints, book: int, reason: int) -> int:
    """Put up every position of an instrument."""
    for slot in range(state[book + POSITIONS], positions_end(state, book), POSITION_WIDTH):
        put_up(state, book, slot, state[slot + POS_QUANTITY], reason)
    return 0


@device
def put_up_everything(state: Ints, reason: int) -> int:
    """Put up every position of every instrument."""
    for index in range(state[SET_INSTRUMENTS]):
        put_up_all(state, book_of(index), reason)
    return 0


@device
def put_up_part(state: Ints, book: int, part: int) -> int:
    """Put up a part (per 10^8) of what an instrument has open, at least a lot, oldest positions first."""
    rest = max(percent_floor(state[book + WORTH] // state[book + UNIT], part), 1)
    for slot in range(state[book + POSITIONS], positions_end(state, book), POSITION_WIDTH):
        if rest > 0:
            rest -= put_up(state, book, slot, rest, REASON_SIGNAL)
    return rest


@device
def exits_by_time(state: Ints, book: int, instant: int, closed: int) -> int:
    """Put up the positions that were held for as long as they may be.

    Args:
        state, book: see the module.
        instant: the close of the strategy's candle, nanoseconds.
        closed: strategy candles that have closed, that one included.
    """
    candles, duration = state[SET_HOLD_CANDLES], state[SET_HOLD_TIME]
    for slot in range(state[book + POSITIONS], positions_end(state, book), POSITION_WIDTH):
        held = closed - state[slot + POS_CLOSED]
        lasted = instant - state[slot + POS_FILLED]
        if (candles != ABSENT and held >= candles) or (duration != ABSENT and lasted >= duration):
            put_up(state, book, slot, state[slot + POS_QUANTITY], REASON_TIME)
    return 0


@device
def exits_by_rule(state: Ints, book: int, exits: int) -> int:
    """Apply the exit rules that are met, in order."""
    for rule in range(state[SET_EXITS]):
        if exits >> rule & 1:
            part = state[EXITS + rule]
            if part == ABSENT:
                put_up_all(state, book, REASON_SIGNAL)
            else:
                put_up_part(state, book, part)
    return 0


@device
def stop_distance(state: Ints, book: int, side: int, close: int, atr: int) -> int:
    """How far the stop of an entry at ``close`` would lie from it, ticks."""
    kind, value = state[book + STOP_KIND], state[book + STOP_VALUE]
    if kind == PERCENTAGE:
        return side * (close - percent_level(close, -side, value))
    # A level below the price is cut off at zero; the distance is not.
    return level(close, 1, kind, value, atr) - close


@device
def decided_quantity(state: Ints, book: int, rule: int, equity: int, close: int, distance: int) -> int:
    """The quantity (lots) of an entry, fixed at the decision's close: EXECUTION.md, section 4.

    Answers -1 where an amount leaves the exact range.
    """
    unit = state[book + UNIT]
    lot = product(close, unit)
    if lot >= LARGEST_AMOUNT or lot <= 0:
        return -1
    means = max(equity, 0)
    settings = book + RULES + rule * RULE_WIDTH
    sizing = state[settings + RULE_SIZING]
    size: int = state[settings + RULE_SIZE]
    quantity = size
    if sizing == SIZING_NOTIONAL:
        quantity = size // lot
    elif sizing != SIZING_QUANTITY:
        amount = percent_floor(means, size)
        if amount >= LARGEST_AMOUNT:
            return -1
        loss = lot
        if sizing == SIZING_RISK:
            loss = product(distance, unit)
        quantity = amount // loss
    if state[SET_MAX_POSITION] != ABSENT:
        allowed = percent_floor(means, state[SET_MAX_POSITION])
        if allowed >= LARGEST_AMOUNT and quantity > allowed // lot:
            return -1
        quantity = min(quantity, allowed // lot)
    return quantity


@device
def decide_entry(
    state: Ints, book: int, records: Ints, rule: int, equity: int, time: int, close: int, atr: int
) -> int:  # fmt: skip
    """Fix an entry's quantity at the close and let it wait for its fill, or reject it."""
    settings = book + RULES + rule * RULE_WIDTH
    if state[SET_USES_ATR] == 1 and atr < 0:
        return reject(state, book, records, time, rule, close, 0, REJECTED_ATR_UNDEFINED)
    distance = 0
    if state[settings + RULE_SIZING] == SIZING_RISK:
        distance = stop_distance(state, book, state[settings + RULE_SIDE], close, atr)
        if distance == 0:
            return reject(state, book, records, time, rule, close, 0, REJECTED_NO_STOP_DISTANCE)
    quantity = decided_quantity(state, book, rule, equity, close, distance)
    if quantity < 0:
        return overflow(state, book, close, 0)
    if quantity < state[book + MINIMUM_QUANTITY]:
        return reject(state, book, records, time, rule, close, quantity, REJECTED_BELOW_MINIMUM)
    row = book + ENTRY_ROWS + state[book + WAITING_ENTRIES] * ENTRY_WIDTH
    state[row + ENTRY_RULE] = rule
    state[row + ENTRY_QUANTITY] = quantity
    state[row + ENTRY_ATR] = atr
    state[book + WAITING_ENTRIES] += 1
    return quantity


@device
def decide(
    state: Ints, book: int, records: Ints,
    entries: int, exits: int, atr: int, equity: int, time: int, close: int,
) -> int:  # fmt: skip
    """The exit rules and the entry rules that are met at a close; after a halt entry rules are not looked at."""
    exits_by_rule(state, book, exits)
    if state[RUN_HALTED] == 0 and state[DAY_HALTED] == 0:
        for rule in range(state[SET_RULES]):
            if entries >> rule & 1:
                decide_entry(state, book, records, rule, equity, time, close, atr)
    return 0
