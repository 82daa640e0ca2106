"""What the steps ask of an instrument's book and remember in it.

``book`` is where the book starts in the state, ``slot`` where a position's row does.
"""

from __future__ import annotations

from sptrader_stream.columns import Ints
from sptrader_stream.execution.arithmetic import product
from sptrader_stream.execution.layout import (
    ABSENT,
    BID,
    BOOK_WIDTH,
    BOOKS,
    COUNT,
    FIXED_SPREAD,
    OVERFLOW,
    OVERFLOW_PRICE,
    OVERFLOW_QUANTITY,
    POS_BEST,
    POS_WORST,
    POSITION_WIDTH,
    POSITIONS,
    ROW_TIME,
    SEEN,
    SIDE,
    SPREAD,
    UNIT,
    WORTH,
)
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT


@device
def book_of(instrument: int) -> int:
    """Where an instrument's book starts."""
    return BOOKS + instrument * BOOK_WIDTH


@device
def instrument_of(book: int) -> int:
    """Whose book it is."""
    return (book - BOOKS) // BOOK_WIDTH


@device
def overflow(state: Ints, book: int, price: int, quantity: int) -> int:
    """Note where an amount would leave the exact range; nothing that follows counts."""
    if state[OVERFLOW] == 0:
        state[OVERFLOW] = 1 + instrument_of(book)
        state[OVERFLOW_PRICE] = price
        state[OVERFLOW_QUANTITY] = quantity
    return 0


@device
def better(side: int, first: int, second: int) -> int:
    """The price that is better for a position of this side."""
    if side > 0:
        return max(first, second)
    return min(first, second)


@device
def spread_at(state: Ints, book: int, spread: Ints, row: int) -> int:
    """The spread of a row, ticks."""
    fixed: int = state[book + FIXED_SPREAD]
    if fixed == ABSENT:
        fixed = spread[row]
    return fixed


@device
def value_of(state: Ints, book: int, bid: int, spread: int) -> int:
    """The notional of an instrument's open positions: longs count at the bid, shorts at the ask."""
    mark = bid if state[book + SIDE] > 0 else bid + spread
    value = product(mark, state[book + WORTH])
    if value >= LARGEST_AMOUNT:
        overflow(state, book, mark, state[book + WORTH] // state[book + UNIT])
    return value


@device
def positions_end(state: Ints, book: int) -> int:
    """Where the rows of an instrument's open positions end."""
    first: int = state[book + POSITIONS]
    return first + int(state[book + COUNT]) * POSITION_WIDTH


@device
def see(state: Ints, book: int, close: int, spread: int, now: int) -> int:
    """Remember an instrument's last close."""
    state[book + BID] = close
    state[book + SPREAD] = spread
    state[book + ROW_TIME] = now
    return close


@device
def settle(state: Ints, book: int, high: Ints, low: Ints, spread: Ints, end: int) -> int:
    """Let an instrument's positions know the extremes of the rows that were passed, up to ``end``."""
    start = state[book + SEEN]
    if start >= end:
        return 0
    state[book + SEEN] = end
    if state[book + COUNT] == 0:
        return 0
    side = state[book + SIDE]
    top, bottom = high[start], low[start]
    if side < 0 and state[book + FIXED_SPREAD] == ABSENT:
        top, bottom = top + spread[start], bottom + spread[start]
        for row in range(start + 1, end):
            top, bottom = max(top, high[row] + spread[row]), min(bottom, low[row] + spread[row])
    else:
        for row in range(start + 1, end):
            top, bottom = max(top, high[row]), min(bottom, low[row])
        if side < 0:
            top, bottom = top + state[book + FIXED_SPREAD], bottom + state[book + FIXED_SPREAD]
    for slot in range(state[book + POSITIONS], positions_end(state, book), POSITION_WIDTH):
        state[slot + POS_BEST] = better(side, state[slot + POS_BEST], top if side > 0 else bottom)
        state[slot + POS_WORST] = better(-side, state[slot + POS_WORST], bottom if side > 0 else top)
    return 0
