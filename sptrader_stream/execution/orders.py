"""What happens when an order meets a price: positions open and close, cash moves, the log gets its rows."""

from __future__ import annotations

from sptrader_stream.columns import Ints
from sptrader_stream.execution.arithmetic import (
    commission,
    decided_quantity,
    largest_that_fits,
    level,
    product,
    slipped,
)
from sptrader_stream.execution.layout import (
    ABSENT,
    CASH,
    NEXT_CANDLE,
    OPEN_POSITIONS,
    OVERFLOW,
    PENDING,
    PENDING_ENTRIES,
    PENDING_QUANTITY,
    PENDING_RULE,
    PENDING_WIDTH,
    POS_BEST,
    POS_ENTRY_CANDLE,
    POS_ENTRY_COMMISSION,
    POS_ENTRY_PRICE,
    POS_ENTRY_TIME,
    POS_EXIT_REASON,
    POS_ID,
    POS_INSTRUMENT,
    POS_QUANTITY,
    POS_RULE,
    POS_SIDE,
    POS_STOP,
    POS_STOP_REASON,
    POS_TARGET,
    POS_WORST,
    POSITION_WIDTH,
    POSITIONS,
    POSITIONS_OPENED,
    RECORD_WORDS,
    RULE_SIDE,
    RULE_WIDTH,
    RULES,
    SET_MINIMUM_QUANTITY,
    SET_STOP_LOSS,
    SET_TAKE_PROFIT,
    SET_UNIT,
)
from sptrader_stream.execution.records import (
    BEST,
    CANDLE,
    COMMISSION,
    ENTRY_CANDLE,
    ENTRY_PRICE,
    ENTRY_TIME,
    HEAD,
    KIND_FILL,
    KIND_REJECTION,
    KIND_TRADE,
    PNL,
    POSITION,
    PRICE,
    QUANTITY,
    REASON_ENTRY,
    REASON_STOP_LOSS,
    RECORD_WIDTH,
    REJECTED_BELOW_MINIMUM,
    REJECTED_INSUFFICIENT_FUNDS,
    TIME,
    WORST,
    pack_head,
)
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT


@device
def positions_end(state: Ints) -> int:
    """Where the rows of open positions end."""
    return POSITIONS + int(state[OPEN_POSITIONS]) * POSITION_WIDTH


@device
def new_row(state: Ints, records: Ints, head: int, time: int) -> int:
    """Append a row of zeros but for its head, candle and time; answers where it starts."""
    row: int = state[RECORD_WORDS]
    for word in range(row, row + RECORD_WIDTH):
        records[word] = 0
    records[row + HEAD] = head
    records[row + CANDLE] = state[NEXT_CANDLE]
    records[row + TIME] = time
    state[RECORD_WORDS] = row + RECORD_WIDTH
    return row


@device
def reject(state: Ints, records: Ints, time: int, rule: int, side: int, price: int, quantity: int, reason: int) -> int:
    """Log an entry that could not be made."""
    row = new_row(state, records, pack_head(KIND_REJECTION, reason, side, rule, 0), time)
    records[row + PRICE] = price
    records[row + QUANTITY] = quantity
    return row


@device
def log_fill(state: Ints, records: Ints, slot: int, side: int, time: int, price: int, cost: int, reason: int) -> int:
    """Log the fill of the whole position in ``slot``."""
    head = pack_head(KIND_FILL, reason, side, state[slot + POS_RULE], state[slot + POS_INSTRUMENT])
    row = new_row(state, records, head, time)
    records[row + POSITION] = state[slot + POS_ID]
    records[row + PRICE] = price
    records[row + QUANTITY] = state[slot + POS_QUANTITY]
    records[row + COMMISSION] = cost
    return row


@device
def close_position(state: Ints, slot: int, records: Ints, time: int, price: int, reason: int) -> int:
    """Close a position at a price: cash, the exit's fill and the trade; the positions behind it move up."""
    side = state[slot + POS_SIDE]
    quantity = state[slot + POS_QUANTITY]
    entry_price = state[slot + POS_ENTRY_PRICE]
    entry_cost = state[slot + POS_ENTRY_COMMISSION]
    unit = state[SET_UNIT]
    notional = product(product(price, unit), quantity)
    cost = commission(price, quantity, state)
    if notional >= LARGEST_AMOUNT or cost >= LARGEST_AMOUNT:
        state[OVERFLOW] = 1
        return slot
    state[CASH] += side * notional - cost
    if state[CASH] >= LARGEST_AMOUNT or state[CASH] <= -LARGEST_AMOUNT:
        state[OVERFLOW] = 1
        return slot
    log_fill(state, records, slot, -side, time, price, cost, reason)
    head = pack_head(KIND_TRADE, reason, side, state[slot + POS_RULE], state[slot + POS_INSTRUMENT])
    row = new_row(state, records, head, time)
    records[row + POSITION] = state[slot + POS_ID]
    records[row + PRICE] = price
    records[row + QUANTITY] = quantity
    records[row + COMMISSION] = entry_cost + cost
    records[row + PNL] = side * (price - entry_price) * quantity * unit - entry_cost - cost
    records[row + ENTRY_CANDLE] = state[slot + POS_ENTRY_CANDLE]
    records[row + ENTRY_TIME] = state[slot + POS_ENTRY_TIME]
    records[row + ENTRY_PRICE] = entry_price
    records[row + BEST] = better(side, state[slot + POS_BEST], price)
    records[row + WORST] = better(-side, state[slot + POS_WORST], price)
    state[OPEN_POSITIONS] -= 1
    for word in range(slot, positions_end(state)):
        state[word] = state[word + POSITION_WIDTH]
    return slot


@device
def better(side: int, first: int, second: int) -> int:
    """The price that is better for a position of this side."""
    if side > 0:
        return max(first, second)
    return min(first, second)


@device
def enter(
    state: Ints, records: Ints,
    rule: int, wanted: int, time: int, market: int, spread: int,
) -> int:  # fmt: skip
    """Fill an entry at the market: section 4 of EXECUTION.md; ignored while the instrument has a position."""
    if state[OPEN_POSITIONS] > 0:
        return 0
    side = state[RULES + rule * RULE_WIDTH + RULE_SIDE]
    price = slipped(market + spread if side > 0 else market, side, state)
    if price >= LARGEST_AMOUNT:
        state[OVERFLOW] = 1
        return 0
    quantity = largest_that_fits(price, wanted, state[CASH], state)
    if quantity <= 0:
        reject(state, records, time, rule, side, price, wanted, REJECTED_INSUFFICIENT_FUNDS)
        return 0
    cost = commission(price, quantity, state)
    state[CASH] -= side * price * quantity * state[SET_UNIT] + cost
    state[POSITIONS_OPENED] += 1
    slot = positions_end(state)
    state[OPEN_POSITIONS] += 1
    state[slot + POS_ID] = state[POSITIONS_OPENED]
    state[slot + POS_INSTRUMENT] = 0
    state[slot + POS_RULE] = rule
    state[slot + POS_SIDE] = side
    state[slot + POS_QUANTITY] = quantity
    state[slot + POS_ENTRY_PRICE] = price
    state[slot + POS_ENTRY_TIME] = time
    state[slot + POS_ENTRY_CANDLE] = state[NEXT_CANDLE]
    state[slot + POS_ENTRY_COMMISSION] = cost
    state[slot + POS_STOP] = ABSENT
    state[slot + POS_STOP_REASON] = REASON_STOP_LOSS
    state[slot + POS_TARGET] = ABSENT
    if state[SET_STOP_LOSS] >= 0:
        state[slot + POS_STOP] = level(price, -side, state[SET_STOP_LOSS])
    if state[SET_TAKE_PROFIT] >= 0:
        state[slot + POS_TARGET] = level(price, side, state[SET_TAKE_PROFIT])
    state[slot + POS_BEST] = price
    state[slot + POS_WORST] = price
    state[slot + POS_EXIT_REASON] = ABSENT
    log_fill(state, records, slot, side, time, price, cost, REASON_ENTRY)
    return quantity


@device
def decide_entry(
    state: Ints,
    records: Ints,
    rule: int,
    equity: int,
    time: int,
    close: int,
) -> int:
    """Fix an entry's quantity at the close and let it wait for its fill, or reject it."""
    quantity = decided_quantity(state, rule, equity, close)
    if quantity < 0:
        state[OVERFLOW] = 1
        return 0
    if quantity < state[SET_MINIMUM_QUANTITY]:
        side = state[RULES + rule * RULE_WIDTH + RULE_SIDE]
        reject(state, records, time, rule, side, close, quantity, REJECTED_BELOW_MINIMUM)
        return 0
    row = PENDING + state[PENDING_ENTRIES] * PENDING_WIDTH
    state[row + PENDING_RULE] = rule
    state[row + PENDING_QUANTITY] = quantity
    state[PENDING_ENTRIES] += 1
    return quantity


@device
def fill_pending_entries(
    state: Ints, records: Ints,
    time: int, market: int, spread: int,
) -> int:  # fmt: skip
    """Fill the waiting entries in rule order."""
    count: int = state[PENDING_ENTRIES]
    for index in range(count):
        rule = state[PENDING + index * PENDING_WIDTH + PENDING_RULE]
        wanted = state[PENDING + index * PENDING_WIDTH + PENDING_QUANTITY]
        enter(state, records, rule, wanted, time, market, spread)
    state[PENDING_ENTRIES] = 0
    return count


@device
def fill_pending_exits(state: Ints, records: Ints, time: int, market: int, spread: int) -> int:
    """Close, in opening order, the positions that are put up for closing, at the market."""
    slot = POSITIONS
    while slot < positions_end(state) and state[OVERFLOW] == 0:
        reason = state[slot + POS_EXIT_REASON]
        if reason == ABSENT:
            slot += POSITION_WIDTH
            continue
        side = state[slot + POS_SIDE]
        price = slipped(market if side > 0 else market + spread, -side, state)
        close_position(state, slot, records, time, price, reason)
    return slot
