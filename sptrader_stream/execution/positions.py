"""How a position opens and closes: its row in the state, the cash it moves, the rows it leaves in the log.

``book`` is where an instrument's book starts in the state, ``slot`` where a position's row does.
"""

from __future__ import annotations

from sptrader_stream.columns import Ints
from sptrader_stream.execution.arithmetic import (
    commission,
    largest_that_fits,
    level,
    notional,
    percent_floor,
    percent_level,
    product,
    share_half_even,
    slipped,
)
from sptrader_stream.execution.books import better, instrument_of, overflow, positions_end
from sptrader_stream.execution.layout import (
    ABSENT,
    CASH,
    COUNT,
    NEXT_CANDLE,
    OPEN_POSITIONS,
    POS_ACTIVATION,
    POS_ATR,
    POS_BEST,
    POS_CHARGED,
    POS_CLOSED,
    POS_COMMISSION,
    POS_ENTRY_CANDLE,
    POS_ENTRY_PRICE,
    POS_ENTRY_TIME,
    POS_EXIT_QUANTITY,
    POS_EXIT_REASON,
    POS_FILLED,
    POS_ID,
    POS_OPENED,
    POS_QUANTITY,
    POS_RULE,
    POS_STOP,
    POS_STOP_REASON,
    POS_TARGET,
    POS_TARGET_INDEX,
    POS_TARGET_QUANTITY,
    POS_TRIGGER,
    POS_WORST,
    POSITION_WIDTH,
    POSITIONS_OPENED,
    RULE_SIDE,
    RULE_WIDTH,
    RULES,
    SET_ACTIVATION,
    SET_BREAK_EVEN,
    SET_TRAIL,
    SIDE,
    STOP_KIND,
    STOP_VALUE,
    TARGET_CLOSE,
    TARGET_KIND,
    TARGET_ROWS,
    TARGET_VALUE,
    TARGET_WIDTH,
    TARGETS,
    UNIT,
    WORTH,
)
from sptrader_stream.execution.log import log_fill, new_row, reject
from sptrader_stream.execution.records import (
    BEST,
    COMMISSION,
    ENTRY_CANDLE,
    ENTRY_PRICE,
    ENTRY_TIME,
    KIND_TRADE,
    PNL,
    POSITION,
    PRICE,
    QUANTITY,
    REASON_ENTRY,
    REASON_STOP_LOSS,
    REJECTED_INSUFFICIENT_FUNDS,
    WORST,
    pack_head,
)
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT


@device
def aim(state: Ints, book: int, slot: int, index: int) -> int:
    """Let a position rest at its target ``index``, or at the next one whose part is at least a lot; or at none."""
    state[slot + POS_TARGET] = ABSENT
    while index < state[book + TARGETS]:
        row = book + TARGET_ROWS + index * TARGET_WIDTH
        part = state[row + TARGET_CLOSE]
        quantity = state[slot + POS_QUANTITY]
        if part != ABSENT:
            quantity = min(quantity, percent_floor(state[slot + POS_OPENED], part))
        if quantity > 0:
            state[slot + POS_TARGET] = level(
                state[slot + POS_ENTRY_PRICE], state[book + SIDE],
                state[row + TARGET_KIND], state[row + TARGET_VALUE], state[slot + POS_ATR],
            )  # fmt: skip
            state[slot + POS_TARGET_QUANTITY] = quantity
            break
        index += 1
    state[slot + POS_TARGET_INDEX] = index
    return index


@device
def enter(
    state: Ints, book: int, records: Ints,
    rule: int, wanted: int, atr: int, time: int, market: int, spread: int, means: int, instant: int, closed: int,
) -> int:  # fmt: skip
    """Fill an entry at the market: section 4 of EXECUTION.md; answers the quantity, 0 where none was opened.

    Args:
        state, book, records: see the module.
        rule, wanted, atr: what was decided: the rule, the quantity in lots, the ATR then.
        time: of the timestamp.
        market, spread: bid and spread, ticks.
        means: what the position may cost.
        instant: when the fill happens.
        closed: strategy candles that have closed until then.
    """
    side = state[book + RULES + rule * RULE_WIDTH + RULE_SIDE]
    price = slipped(market + spread if side > 0 else market, side, state, book)
    if price >= LARGEST_AMOUNT:
        return overflow(state, book, price, wanted)
    quantity = largest_that_fits(price, wanted, means, state, book)
    if quantity <= 0:
        reject(state, book, records, time, rule, price, wanted, REJECTED_INSUFFICIENT_FUNDS)
        return 0
    unit = state[book + UNIT]
    if product(unit, quantity) + state[book + WORTH] >= LARGEST_AMOUNT:
        return overflow(state, book, price, quantity)
    cost = commission(price, quantity, state, book)
    state[CASH] -= side * price * quantity * unit + cost
    if state[CASH] >= LARGEST_AMOUNT or state[CASH] <= -LARGEST_AMOUNT:
        return overflow(state, book, price, quantity)
    slot = positions_end(state, book)
    state[POSITIONS_OPENED] += 1
    state[OPEN_POSITIONS] += 1
    if state[book + COUNT] == 0:
        state[book + SIDE] = side
    state[book + COUNT] += 1
    state[book + WORTH] += unit * quantity
    state[slot + POS_ID] = state[POSITIONS_OPENED]
    state[slot + POS_RULE] = rule
    state[slot + POS_OPENED] = quantity
    state[slot + POS_QUANTITY] = quantity
    state[slot + POS_ENTRY_PRICE] = price
    state[slot + POS_ENTRY_TIME] = time
    state[slot + POS_ENTRY_CANDLE] = state[NEXT_CANDLE]
    state[slot + POS_COMMISSION] = cost
    state[slot + POS_CHARGED] = 0
    state[slot + POS_ATR] = atr
    state[slot + POS_STOP] = ABSENT
    state[slot + POS_STOP_REASON] = REASON_STOP_LOSS
    if state[book + STOP_KIND] != ABSENT:
        state[slot + POS_STOP] = level(price, -side, state[book + STOP_KIND], state[book + STOP_VALUE], atr)
    aim(state, book, slot, 0)
    state[slot + POS_BEST] = price
    state[slot + POS_WORST] = price
    state[slot + POS_ACTIVATION] = ABSENT
    if state[SET_TRAIL] != ABSENT:
        state[slot + POS_ACTIVATION] = percent_level(price, side, state[SET_ACTIVATION])
    state[slot + POS_TRIGGER] = ABSENT
    if state[SET_BREAK_EVEN] != ABSENT:
        state[slot + POS_TRIGGER] = percent_level(price, side, state[SET_BREAK_EVEN])
    state[slot + POS_EXIT_REASON] = ABSENT
    state[slot + POS_EXIT_QUANTITY] = 0
    state[slot + POS_FILLED] = instant
    state[slot + POS_CLOSED] = closed
    log_fill(state, book, slot, records, side, time, price, quantity, cost, REASON_ENTRY)
    return quantity


@device
def close_part(
    state: Ints, book: int, slot: int, records: Ints,
    time: int, price: int, quantity: int, reason: int, assumption: int,
) -> int:  # fmt: skip
    """Close a position or a part of it at a price: cash, the exit's fill and the trade.

    A position that is closed whole leaves its row to the ones behind it, which move up.
    """
    side = state[book + SIDE]
    unit = state[book + UNIT]
    entry_price = state[slot + POS_ENTRY_PRICE]
    amount = notional(price, quantity, state, book)
    cost = commission(price, quantity, state, book)
    if amount >= LARGEST_AMOUNT or cost >= LARGEST_AMOUNT:
        return overflow(state, book, price, quantity)
    state[CASH] += side * amount - cost
    if state[CASH] >= LARGEST_AMOUNT or state[CASH] <= -LARGEST_AMOUNT:
        return overflow(state, book, price, quantity)
    log_fill(state, book, slot, records, -side, time, price, quantity, cost, reason)
    state[slot + POS_QUANTITY] -= quantity
    closed = state[slot + POS_OPENED] - state[slot + POS_QUANTITY]
    charged = share_half_even(state[slot + POS_COMMISSION], closed, state[slot + POS_OPENED])
    share = charged - state[slot + POS_CHARGED]
    state[slot + POS_CHARGED] = charged
    head = pack_head(KIND_TRADE, reason, side, state[slot + POS_RULE], instrument_of(book), assumption)
    row = new_row(state, records, head, time)
    records[row + POSITION] = state[slot + POS_ID]
    records[row + PRICE] = price
    records[row + QUANTITY] = quantity
    records[row + COMMISSION] = share + cost
    records[row + PNL] = side * (price - entry_price) * quantity * unit - share - cost
    records[row + ENTRY_CANDLE] = state[slot + POS_ENTRY_CANDLE]
    records[row + ENTRY_TIME] = state[slot + POS_ENTRY_TIME]
    records[row + ENTRY_PRICE] = entry_price
    state[slot + POS_BEST] = better(side, state[slot + POS_BEST], price)
    state[slot + POS_WORST] = better(-side, state[slot + POS_WORST], price)
    records[row + BEST] = state[slot + POS_BEST]
    records[row + WORST] = state[slot + POS_WORST]
    state[book + WORTH] -= unit * quantity
    if state[slot + POS_QUANTITY] == 0:
        state[OPEN_POSITIONS] -= 1
        state[book + COUNT] -= 1
        for word in range(slot, positions_end(state, book)):
            state[word] = state[word + POSITION_WIDTH]
    return quantity
