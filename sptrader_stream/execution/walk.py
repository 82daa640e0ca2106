"""The compiled walk over a batch of candles, with short cuts for uneventful stretches.

``walk`` takes timestamps one after the other. Most candles change nothing but the marks: those of one instrument are
passed in stretches with a few comparisons each, those of several timestamp by timestamp. Everything at which
something could happen is left to ``timestamp.one_timestamp``, which follows the page.
"""

from __future__ import annotations

from sptrader_stream.columns import Ints, Masks
from sptrader_stream.execution.books import book_of, positions_end, see, settle, spread_at
from sptrader_stream.execution.layout import (
    BID,
    BOOKS,
    DONE,
    EQUITY,
    LAST_TIME,
    NEXT_CANDLE,
    NEXT_TIME,
    OPEN_POSITIONS,
    OVERFLOW,
    POS_EXIT_QUANTITY,
    POS_EXIT_REASON,
    POS_QUANTITY,
    POSITION_WIDTH,
    POSITIONS,
    RECORD_WORDS,
    ROW,
    ROWS_END,
    SET_INSTRUMENTS,
    SET_ROOM,
    SPREAD,
    START,
    WAITING_ENTRIES,
)
from sptrader_stream.execution.orders import fill_exits
from sptrader_stream.execution.steps import marked
from sptrader_stream.execution.stretches import NO_MORE, look_ahead, stretch
from sptrader_stream.execution.timestamp import one_timestamp
from sptrader_stream.kernels import device, kernel


@device
def begin(
    state: Ints, time: Ints, high: Ints, low: Ints, close: Ints, spread: Ints, moments: Ints, closes: Ints
) -> int:  # fmt: skip
    """At the start of a batch, see when it starts and how far every instrument's rows are quiet."""
    state[NEXT_TIME] = NO_MORE
    for index in range(state[SET_INSTRUMENTS]):
        book = book_of(index)
        if state[book + ROW] < state[book + ROWS_END]:
            state[NEXT_TIME] = min(state[NEXT_TIME], time[state[book + ROW]])
        look_ahead(state, book, time, high, low, close, spread, moments, closes)
    return 0


@device
def end(state: Ints, time: Ints, high: Ints, low: Ints, close: Ints, spread: Ints) -> int:
    """At the end of a batch, keep what the next one needs of its rows."""
    for index in range(state[SET_INSTRUMENTS]):
        book = book_of(index)
        last = state[book + ROWS_END] - 1
        settle(state, book, high, low, spread, last + 1)
        if last >= state[book + START]:
            see(state, book, close[last], spread_at(state, book, spread, last), time[last])
    return 0


@kernel
def walk(
    state: Ints, records: Ints,
    time: Ints, open_: Ints, high: Ints, low: Ints, close: Ints, spread: Ints,
    moments: Ints, entries: Masks, exits: Masks, atr: Ints, closes: Ints,
    done: int, time_out: Ints, equity_out: Ints, open_out: Masks,
) -> int:  # fmt: skip
    """Walk the batch on; answers how many of its timestamps are done.

    Ends at the end of the batch (DONE of the state is set then), where ``records`` has no room for another
    timestamp's rows, or where an amount would leave the exact range (OVERFLOW is set, and nothing may go on).

    Args:
        state: the core's state, see ``layout``; the books say where each instrument's rows, decisions and closes are.
        records: rows of RECORD_WIDTH; RECORD_WORDS of the state says how much is used.
        time, open_, high, low, close: the batch's columns.
        spread: ticks by row, or empty where no instrument needs its own.
        moments, entries, exits: the decisions; bit r for rule r.
        atr: by decision, 10^-4 ticks, -1 where undefined; or empty.
        closes: moments at which strategy candles closed, where that is not every row.
        done: how many timestamps of the batch are done.
        time_out: filled with the timestamps; empty for one instrument, whose rows they are.
        equity_out, open_out: filled with equity and number of open positions by timestamp.
    """
    single = state[SET_INSTRUMENTS] == 1
    if done == 0 and not single:
        begin(state, time, high, low, close, spread, moments, closes)
    while state[OVERFLOW] == 0:
        if single:
            stretch(state, time, high, low, close, spread, moments, closes, equity_out, open_out)
            done = state[BOOKS + ROW]
            state[NEXT_TIME] = time[done] if done < state[BOOKS + ROWS_END] else NO_MORE
        now = state[NEXT_TIME]
        if now == NO_MORE:
            end(state, time, high, low, close, spread)
            state[DONE] = 1
            break
        if state[RECORD_WORDS] + state[SET_ROOM] > len(records):
            break
        one_timestamp(
            state, records, time, open_, high, low, close, spread, moments, entries, exits, atr, closes, now
        )  # fmt: skip
        if not single:
            time_out[done] = now
        equity_out[done] = state[EQUITY]
        open_out[done] = state[OPEN_POSITIONS]
        done += 1
    return done


@kernel
def close_all(state: Ints, records: Ints, reason: int) -> int:
    """Close everything at the last closes, at the timestamp that was done last; answers the equity then.

    Args:
        state: the core's state.
        records: has room for two rows for each position.
        reason: of EXIT_REASONS, for all of them.
    """
    state[NEXT_CANDLE] -= 1
    for index in range(state[SET_INSTRUMENTS]):
        book = book_of(index)
        for slot in range(state[book + POSITIONS], positions_end(state, book), POSITION_WIDTH):
            state[slot + POS_EXIT_REASON] = reason
            state[slot + POS_EXIT_QUANTITY] = state[slot + POS_QUANTITY]
        fill_exits(state, book, records, state[LAST_TIME], state[book + BID], state[book + SPREAD], False)
        state[book + WAITING_ENTRIES] = 0
    state[NEXT_CANDLE] += 1
    state[EQUITY] = marked(state)
    return int(state[EQUITY])
