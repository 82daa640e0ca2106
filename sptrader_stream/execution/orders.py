"""What happens when orders that wait meet a market: which of them fill, and how large an entry may be.

``book`` is where an instrument's book starts in the state, ``slot`` where a position's row does.
"""

from __future__ import annotations

from sptrader_stream.columns import Ints
from sptrader_stream.execution.arithmetic import (
    percent_floor,
    slipped,
)
from sptrader_stream.execution.books import book_of, overflow, positions_end, spread_at, value_of
from sptrader_stream.execution.layout import (
    ABSENT,
    BID,
    BOOKS,
    CASH,
    COUNT,
    ENTRY_ATR,
    ENTRY_QUANTITY,
    ENTRY_ROWS,
    ENTRY_RULE,
    ENTRY_WIDTH,
    OVERFLOW,
    POS_EXIT_QUANTITY,
    POS_EXIT_REASON,
    POS_QUANTITY,
    POS_TARGET_QUANTITY,
    POSITION_WIDTH,
    POSITIONS,
    ROW,
    ROWS_END,
    RULE_MAX_POSITIONS,
    RULE_SIDE,
    RULE_WIDTH,
    RULES,
    SET_INSTRUMENTS,
    SET_LEVERAGE,
    SIDE,
    SPREAD,
    UNIT,
    WAITING_ENTRIES,
    WAITING_EXITS,
    WORTH,
)
from sptrader_stream.execution.positions import close_part, enter
from sptrader_stream.execution.records import (
    REASON_DAILY_LOSS,
    REASON_MAX_DRAWDOWN,
)
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT


@device
def available(state: Ints, time: Ints, open_: Ints, spread: Ints, now: int, at_open: bool) -> int:
    """What a new position may cost: equity times leverage less the notional that is open, at the moment's marks.

    Args:
        state: the core's state.
        time, open_, spread: the batch's columns.
        now: the timestamp.
        at_open: whether instruments with a candle at ``now`` are marked at its open; else all at their last closes.
    """
    equity: int = state[CASH]
    taken = 0
    for index in range(state[SET_INSTRUMENTS]):
        book = book_of(index)
        if state[book + COUNT] == 0:
            continue
        bid, own = state[book + BID], state[book + SPREAD]
        row = state[book + ROW]
        if at_open and row < state[book + ROWS_END] and time[row] == now:
            bid, own = open_[row], spread_at(state, book, spread, row)
        value = value_of(state, book, bid, own)
        equity += state[book + SIDE] * value
        taken += value
        if taken >= LARGEST_AMOUNT or equity >= LARGEST_AMOUNT or equity <= -LARGEST_AMOUNT:
            return overflow(state, book, bid, state[book + WORTH] // state[book + UNIT])
    means = percent_floor(max(equity, 0), state[SET_LEVERAGE])
    if means >= LARGEST_AMOUNT:
        return overflow(state, BOOKS, 0, 0)
    return means - taken


@device
def fill_entries(
    state: Ints, book: int, records: Ints, time: Ints, open_: Ints, spread: Ints,
    now: int, market: int, own: int, at_open: bool, instant: int, closed: int,
) -> int:  # fmt: skip
    """Fill an instrument's waiting entries in rule order, at its market.

    An entry is passed over where the instrument has a position of the other side, or as many as the rule allows.
    """
    count: int = state[book + WAITING_ENTRIES]
    for index in range(count):
        if state[OVERFLOW] != 0:
            break
        row = book + ENTRY_ROWS + index * ENTRY_WIDTH
        rule = state[row + ENTRY_RULE]
        settings = book + RULES + rule * RULE_WIDTH
        if state[book + COUNT] >= state[settings + RULE_MAX_POSITIONS]:
            continue
        if state[book + COUNT] > 0 and state[book + SIDE] != state[settings + RULE_SIDE]:
            continue
        means = available(state, time, open_, spread, now, at_open)
        enter(
            state, book, records, rule, state[row + ENTRY_QUANTITY], state[row + ENTRY_ATR],
            now, market, own, means, instant, closed,
        )  # fmt: skip
    state[book + WAITING_ENTRIES] = 0
    return count


@device
def fill_exits(state: Ints, book: int, records: Ints, now: int, market: int, own: int, spare_halted: bool) -> int:
    """Close, in opening order, what is put up for closing of an instrument, at its market.

    Args:
        state, book, records: see the module.
        now: the timestamp.
        market, own: bid and spread, ticks.
        spare_halted: whether what a limit put up waits on: the market is older than that.
    """
    side = state[book + SIDE]
    price = slipped(market if side > 0 else market + own, -side, state, book)
    spared = 0
    slot: int = state[book + POSITIONS]
    while slot < positions_end(state, book) and state[OVERFLOW] == 0:
        reason = state[slot + POS_EXIT_REASON]
        halted = reason in (REASON_MAX_DRAWDOWN, REASON_DAILY_LOSS)
        if reason == ABSENT or (spare_halted and halted):
            if reason != ABSENT:
                spared += 1
            slot += POSITION_WIDTH
            continue
        quantity = state[slot + POS_EXIT_QUANTITY]
        whole = quantity == state[slot + POS_QUANTITY]
        state[slot + POS_EXIT_REASON] = ABSENT
        state[slot + POS_EXIT_QUANTITY] = 0
        close_part(state, book, slot, records, now, price, quantity, reason, 0)
        if not whole:
            state[slot + POS_TARGET_QUANTITY] = min(state[slot + POS_TARGET_QUANTITY], state[slot + POS_QUANTITY])
            slot += POSITION_WIDTH
    state[book + WAITING_EXITS] = spared
    return spared
