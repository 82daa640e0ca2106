"""Step 5 of EXECUTION.md: days, drawdown and daily loss, and what a limit does that was passed."""

from __future__ import annotations

from sptrader_stream.columns import Ints
from sptrader_stream.execution.arithmetic import percent_floor
from sptrader_stream.execution.books import book_of
from sptrader_stream.execution.decisions import put_up_everything
from sptrader_stream.execution.layout import (
    ABSENT,
    BID,
    DAY,
    DAY_HALTED,
    DAY_NANOSECONDS,
    DAY_REFERENCE,
    ENTRY_QUANTITY,
    ENTRY_ROWS,
    ENTRY_RULE,
    ENTRY_WIDTH,
    EQUITY,
    PEAK,
    RUN_HALTED,
    SET_DAILY_LOSS,
    SET_INSTRUMENTS,
    SET_MAX_DRAWDOWN,
    SET_SESSION,
    WAITING_ENTRIES,
)
from sptrader_stream.execution.log import new_row, reject
from sptrader_stream.execution.records import (
    HALT_EQUITY,
    HALT_REFERENCE,
    KIND_HALT,
    REASON_DAILY_LOSS,
    REASON_MAX_DRAWDOWN,
    REJECTED_HALTED,
    pack_head,
)
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT


@device
def start_day(state: Ints, time: int) -> int:
    """On a new day the last equity becomes the day's reference and a daily halt ends."""
    day: int = (time - state[SET_SESSION]) // DAY_NANOSECONDS
    if day != state[DAY]:
        state[DAY] = day
        state[DAY_REFERENCE] = state[EQUITY]
        state[DAY_HALTED] = 0
    return day


@device
def floor_of(state: Ints, limit: int, halted: int, reference: int) -> int:
    """The smallest equity that a limit allows against its reference; that of a limit that was passed is never reached.

    Args:
        state: the core's state.
        limit, halted: the words that hold the limit and whether it was passed.
        reference: what the loss is measured from.
    """
    part = state[limit]
    if part == ABSENT or state[halted] == 1:
        return -LARGEST_AMOUNT
    # A share of nothing, or of less, is no loss that may still be made.
    if reference <= 0:
        return reference
    return reference - percent_floor(reference, part)


@device
def drawdown_floor(state: Ints, peak: int) -> int:
    """The smallest equity that ``max_drawdown`` allows below this peak."""
    return floor_of(state, SET_MAX_DRAWDOWN, RUN_HALTED, peak)


@device
def daily_floor(state: Ints) -> int:
    """The smallest equity that ``daily_loss_limit`` allows today."""
    return floor_of(state, SET_DAILY_LOSS, DAY_HALTED, state[DAY_REFERENCE])


@device
def halt(state: Ints, records: Ints, time: int, reason: int, equity: int, reference: int) -> int:
    """Log a passed limit, put everything up for closing and refuse the entries that still wait."""
    row = new_row(state, records, pack_head(KIND_HALT, reason, 0, 0, 0, 0), time)
    records[row + HALT_EQUITY] = equity
    records[row + HALT_REFERENCE] = reference
    put_up_everything(state, reason)
    for index in range(state[SET_INSTRUMENTS]):
        book = book_of(index)
        for entry in range(state[book + WAITING_ENTRIES]):
            waiting = book + ENTRY_ROWS + entry * ENTRY_WIDTH
            rule, quantity = state[waiting + ENTRY_RULE], state[waiting + ENTRY_QUANTITY]
            reject(state, book, records, time, rule, state[book + BID], quantity, REJECTED_HALTED)
        state[book + WAITING_ENTRIES] = 0
    return 0


@device
def check_limits(state: Ints, records: Ints, time: int, equity: int) -> int:
    """Step 5: drawdown from the running peak, loss against the previous day's last equity."""
    state[PEAK] = max(state[PEAK], equity)
    if equity < drawdown_floor(state, state[PEAK]):
        state[RUN_HALTED] = 1
        halt(state, records, time, REASON_MAX_DRAWDOWN, equity, state[PEAK])
    if equity < daily_floor(state):
        state[DAY_HALTED] = 1
        halt(state, records, time, REASON_DAILY_LOSS, equity, state[DAY_REFERENCE])
    return 0
