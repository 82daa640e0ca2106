"""Everything that one timestamp does, in the order of EXECUTION.md, for the instruments that have a candle at it.

``book`` is where an instrument's book starts in the state. Only rows that may change more than the marks, those of the
busy books, take the steps one by one.
"""

from __future__ import annotations

from sptrader_stream.columns import Ints, Masks
from sptrader_stream.execution.books import book_of, see, settle, spread_at
from sptrader_stream.execution.decisions import decide, exits_by_time
from sptrader_stream.execution.layout import (
    ABSENT,
    BID,
    BUSY_BOOKS,
    BUSY_LIST,
    CASH,
    CLOSE,
    CLOSED,
    CLOSES_END,
    COUNT,
    DECIDED_LATE,
    DECISION,
    DECISIONS_END,
    EQUITY,
    LAST_TIME,
    NEXT_CANDLE,
    NEXT_TIME,
    ORIGIN,
    QUIET_END,
    ROW,
    ROW_TIME,
    ROWS_END,
    SEEN,
    SET_EVERY_ROW_CLOSES,
    SET_FILL_AT_CLOSE,
    SET_HOLD_CANDLES,
    SET_HOLD_TIME,
    SET_INSTRUMENTS,
    SET_STRATEGY_TIMEFRAME,
    SET_TIMEFRAME,
    SPREAD,
    START,
    WAITING_ENTRIES,
    WAITING_EXITS,
)
from sptrader_stream.execution.limits import check_limits, start_day
from sptrader_stream.execution.orders import fill_entries, fill_exits
from sptrader_stream.execution.steps import marked, plus_value, refresh, rest, track
from sptrader_stream.execution.stretches import NO_MORE, look_ahead
from sptrader_stream.kernels import device


@device
def closed_at(state: Ints, book: int, row: int) -> int:
    """How many candles of the strategy have closed before the close of ``row``."""
    if state[SET_EVERY_ROW_CLOSES] == 1:
        return int(state[book + CLOSED] + row - state[book + START])
    return int(state[book + CLOSED])


@device
def at_moment(
    state: Ints, book: int, records: Ints, moments: Ints, entries: Masks, exits: Masks, atr: Ints, closes: Ints,
    moment: int, now: int, instant: int, equity: int,
) -> int:  # fmt: skip
    """Step 6 of one instrument at a moment of its block; answers whether there was anything.

    Args:
        state, book, records, moments, entries, exits, atr, closes: see ``walk``.
        moment: twice the row of the block, one more at its close.
        now: the timestamp.
        instant: when the strategy's candle closed, if one did then.
        equity: what sizes are taken from.
    """
    found = 0
    holds = state[SET_HOLD_CANDLES] != ABSENT or state[SET_HOLD_TIME] != ABSENT
    if state[SET_EVERY_ROW_CLOSES] == 1:
        if holds and moment & 1:
            exits_by_time(state, book, instant, closed_at(state, book, state[book + ROW]) + 1)
    else:
        # Closes that were passed while nothing was open only count.
        while state[book + CLOSE] < state[book + CLOSES_END] and closes[state[book + CLOSE]] <= moment:
            state[book + CLOSED] += 1
            if closes[state[book + CLOSE]] == moment:
                found = 1
                exits_by_time(state, book, instant, state[book + CLOSED])
            state[book + CLOSE] += 1
    decision = state[book + DECISION]
    if decision < state[book + DECISIONS_END] and moments[decision] == moment:
        found = 1
        known = atr[decision] if len(atr) > 0 else ABSENT
        decide(
            state, book, records, entries[decision], exits[decision], known, equity, now, state[book + BID]
        )  # fmt: skip
        state[book + DECISION] = decision + 1
    return found


@device
def span_end(state: Ints, book: int) -> int:
    """When the strategy's candle closes that an instrument's last row belongs to."""
    timeframe, origin = state[SET_STRATEGY_TIMEFRAME], state[book + ORIGIN]
    return int((state[book + ROW_TIME] - origin) // timeframe * timeframe + origin + timeframe)


@device
def late_decisions(
    state: Ints, records: Ints, time: Ints, open_: Ints, spread: Ints,
    moments: Ints, entries: Masks, exits: Masks, atr: Ints, closes: Ints, now: int,
) -> int:  # fmt: skip
    """What is decided on strategy candles that end without a candle of their own, just before this timestamp."""
    first = state[BUSY_LIST]
    end = first + state[BUSY_BOOKS]
    found = 0
    for place in range(first, end):
        book = state[place]
        moment = 2 * (state[book + ROW] - state[book + START])
        late = at_moment(
            state, book, records, moments, entries, exits, atr, closes,
            moment, now, span_end(state, book), state[EQUITY],
        )  # fmt: skip
        state[book + DECIDED_LATE] = late
        found += late
    if found > 0 and state[SET_FILL_AT_CLOSE] == 1:
        for place in range(first, end):
            book = state[place]
            if state[book + DECIDED_LATE] == 1:
                fill_exits(state, book, records, now, state[book + BID], state[book + SPREAD], True)
        for place in range(first, end):
            book = state[place]
            if state[book + DECIDED_LATE] == 1:
                fill_entries(
                    state, book, records, time, open_, spread,
                    now, state[book + BID], state[book + SPREAD], False, span_end(state, book), state[book + CLOSED],
                )  # fmt: skip
        state[EQUITY] = marked(state)
    return found


@device
def sort_out(state: Ints, time: Ints, high: Ints, low: Ints, close: Ints, spread: Ints, now: int) -> int:
    """List the books that need the steps one by one, and let their positions know of the rows that were passed."""
    instruments = state[SET_INSTRUMENTS]
    first: int = state[BUSY_LIST]
    place = first
    for index in range(instruments):
        book = book_of(index)
        row = state[book + ROW]
        if row < state[book + ROWS_END] and time[row] == now and (instruments == 1 or row >= state[book + QUIET_END]):
            state[place] = book
            place += 1
            settle(state, book, high, low, spread, row)
            if row > state[book + START]:
                see(state, book, close[row - 1], spread_at(state, book, spread, row - 1), time[row - 1])
    state[BUSY_BOOKS] = place - first
    return place


@device
def marked_after(state: Ints, time: Ints, close: Ints, spread: Ints, now: int) -> int:
    """Pass the rows of the other books at this timestamp, and mark everything (step 4).

    The earliest time of a row that comes after them is noted on the way.
    """
    equity: int = state[CASH]
    upcoming = NO_MORE
    for index in range(state[SET_INSTRUMENTS]):
        book = book_of(index)
        row, end = state[book + ROW], state[book + ROWS_END]
        here = row < state[book + QUIET_END] and row < end and time[row] == now
        if here:
            row += 1
            state[book + ROW] = row
        if row < end and time[row] > now:
            upcoming = min(upcoming, time[row])
        if state[book + COUNT] > 0:
            if here:
                see(state, book, close[row - 1], spread_at(state, book, spread, row - 1), now)
            equity = plus_value(state, book, equity)
    state[NEXT_TIME] = upcoming
    return equity


@device
def fill_at_closes(
    state: Ints, records: Ints, time: Ints, open_: Ints, high: Ints, low: Ints, spread: Ints, now: int
) -> int:  # fmt: skip
    """``fill: close``: what was decided or put up at this timestamp fills at its closes, exits first."""
    for index in range(state[SET_INSTRUMENTS]):
        book = book_of(index)
        # A limit puts up what is open of every instrument, of those without a candle at this timestamp, too.
        if state[book + WAITING_EXITS] > 0 and state[book + ROW_TIME] == now:
            settle(state, book, high, low, spread, state[book + ROW])
            fill_exits(state, book, records, now, state[book + BID], state[book + SPREAD], False)
    first = state[BUSY_LIST]
    for place in range(first, first + state[BUSY_BOOKS]):
        book = state[place]
        closed = closed_at(state, book, state[book + ROW]) + state[SET_EVERY_ROW_CLOSES]
        fill_entries(
            state, book, records, time, open_, spread,
            now, state[book + BID], state[book + SPREAD], False, now + state[SET_TIMEFRAME], closed,
        )  # fmt: skip
    return marked(state)


@device
def one_timestamp(
    state: Ints, records: Ints,
    time: Ints, open_: Ints, high: Ints, low: Ints, close: Ints, spread: Ints,
    moments: Ints, entries: Masks, exits: Masks, atr: Ints, closes: Ints, now: int,
) -> int:  # fmt: skip
    """Everything that happens at a timestamp; the equity after it is in the state, and the rows are behind it."""
    sort_out(state, time, high, low, close, spread, now)
    first = state[BUSY_LIST]
    end = first + state[BUSY_BOOKS]
    if state[SET_EVERY_ROW_CLOSES] == 0 and end > first:
        late_decisions(state, records, time, open_, spread, moments, entries, exits, atr, closes, now)
    start_day(state, now)
    for place in range(first, end):
        book = state[place]
        row = state[book + ROW]
        own = spread_at(state, book, spread, row)
        if state[book + WAITING_EXITS] > 0:
            fill_exits(state, book, records, now, open_[row], own, False)
        if state[book + WAITING_ENTRIES] > 0:
            fill_entries(
                state, book, records, time, open_, spread,
                now, open_[row], own, True, now, closed_at(state, book, row),
            )  # fmt: skip
    for place in range(first, end):
        book = state[place]
        row = state[book + ROW]
        own = spread_at(state, book, spread, row)
        rest(state, book, records, now, open_[row], high[row], low[row], own)
        track(state, book, high[row], low[row], own)
        see(state, book, close[row], own, now)
        state[book + SEEN] = row + 1
    single = state[SET_INSTRUMENTS] == 1
    equity = marked(state) if single else marked_after(state, time, close, spread, now)
    check_limits(state, records, now, equity)
    for place in range(first, end):
        book = state[place]
        moment = 2 * (state[book + ROW] - state[book + START]) + 1
        at_moment(
            state, book, records, moments, entries, exits, atr, closes,
            moment, now, now + state[SET_TIMEFRAME], equity,
        )  # fmt: skip
    if state[SET_FILL_AT_CLOSE] == 1:
        equity = fill_at_closes(state, records, time, open_, high, low, spread, now)
    state[EQUITY] = equity
    for place in range(first, end):
        book = state[place]
        row = state[book + ROW] + 1
        state[book + ROW] = row
        refresh(state, book)
        if not single:
            if row < state[book + ROWS_END]:
                state[NEXT_TIME] = min(state[NEXT_TIME], time[row])
            look_ahead(state, book, time, high, low, close, spread, moments, closes)
    state[NEXT_CANDLE] += 1
    state[LAST_TIME] = now
    return 0
