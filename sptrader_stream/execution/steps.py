"""Steps 2 to 4 of EXECUTION.md, section 3: resting levels, stops that follow, marks; and which rows need them.

``book`` is where an instrument's book starts in the state; ``slot`` where a position's row does.
"""

from __future__ import annotations

from typing import Final

from sptrader_stream.columns import Ints
from sptrader_stream.execution.arithmetic import percent_level, slipped
from sptrader_stream.execution.books import better, book_of, overflow, positions_end, value_of
from sptrader_stream.execution.layout import (
    ABOVE,
    ABSENT,
    BELOW,
    BID,
    CASH,
    COUNT,
    DEADLINE_CLOSED,
    DEADLINE_TIME,
    HIGHEST_MARK,
    OVERFLOW,
    POS_ACTIVATION,
    POS_BEST,
    POS_CLOSED,
    POS_ENTRY_PRICE,
    POS_FILLED,
    POS_ID,
    POS_QUANTITY,
    POS_STOP,
    POS_STOP_REASON,
    POS_TARGET,
    POS_TARGET_INDEX,
    POS_TARGET_QUANTITY,
    POS_TRIGGER,
    POS_WORST,
    POSITION_WIDTH,
    POSITIONS,
    SET_HOLD_CANDLES,
    SET_HOLD_TIME,
    SET_INSTRUMENTS,
    SET_TARGET_FIRST,
    SET_TRAIL,
    SIDE,
    SPREAD,
    UNIT,
    WORTH,
)
from sptrader_stream.execution.positions import aim, close_part
from sptrader_stream.execution.records import (
    ASSUMED_GAP,
    ASSUMED_NOTHING,
    ASSUMED_SAME_BAR,
    REASON_BREAK_EVEN,
    REASON_TAKE_PROFIT,
    REASON_TRAILING_STOP,
)
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT

NEVER: Final = 2**62
_NEARLY_LARGEST: Final = LARGEST_AMOUNT * 0.999


@device
def rest(
    state: Ints, book: int, records: Ints, time: int, open_: int, high: int, low: int, spread: int
) -> int:  # fmt: skip
    """Step 2: let resting stops and targets of an instrument meet its candle, oldest position first."""
    side = state[book + SIDE]
    offset = 0 if side > 0 else spread
    start = open_ + offset
    adverse = low if side > 0 else high + spread
    favourable = high if side > 0 else low + spread
    slot: int = state[book + POSITIONS]
    while slot < positions_end(state, book) and state[OVERFLOW] == 0:
        stop, target = state[slot + POS_STOP], state[slot + POS_TARGET]
        stopped = stop != ABSENT and side * adverse <= side * stop
        reached = target != ABSENT and side * favourable >= side * target
        if not stopped and not reached:
            slot += POSITION_WIDTH
            continue
        assumption = ASSUMED_NOTHING
        at_target = False
        if stop != ABSENT and side * start <= side * stop:
            price = start
            if start != stop:
                assumption = ASSUMED_GAP
        elif target != ABSENT and side * start >= side * target:
            price = start
            at_target = True
            if start != target:
                assumption = ASSUMED_GAP
        else:
            at_target = reached and (not stopped or state[SET_TARGET_FIRST] == 1)
            price = target if at_target else stop
            if stopped and reached:
                assumption = ASSUMED_SAME_BAR
        position = state[slot + POS_ID]
        if at_target:
            index, part = state[slot + POS_TARGET_INDEX], state[slot + POS_TARGET_QUANTITY]
            close_part(state, book, slot, records, time, price, part, REASON_TAKE_PROFIT, assumption)
            # What is left, if its row was not given to the next position, is examined again.
            if slot < positions_end(state, book) and state[slot + POS_ID] == position:
                aim(state, book, slot, index + 1)
        else:
            price = slipped(price, -side, state, book)
            reason = state[slot + POS_STOP_REASON]
            close_part(state, book, slot, records, time, price, state[slot + POS_QUANTITY], reason, assumption)
    return 0


@device
def tighten(state: Ints, slot: int, side: int, stop: int, reason: int) -> int:
    """Move a stop if that brings it nearer to the price."""
    before = state[slot + POS_STOP]
    if before == ABSENT or side * stop > side * before:
        state[slot + POS_STOP] = stop
        state[slot + POS_STOP_REASON] = reason
    return stop


@device
def track(state: Ints, book: int, high: int, low: int, spread: int) -> int:
    """Step 3: an instrument's survivors see the candle's extremes, and their stops follow."""
    side = state[book + SIDE]
    offset = 0 if side > 0 else spread
    best = (high if side > 0 else low) + offset
    worst = (low if side > 0 else high) + offset
    for slot in range(state[book + POSITIONS], positions_end(state, book), POSITION_WIDTH):
        state[slot + POS_WORST] = better(-side, state[slot + POS_WORST], worst)
        best_yet = better(side, state[slot + POS_BEST], best)
        state[slot + POS_BEST] = best_yet
        if state[slot + POS_ACTIVATION] != ABSENT and side * best_yet >= side * state[slot + POS_ACTIVATION]:
            tighten(state, slot, side, percent_level(best_yet, -side, state[SET_TRAIL]), REASON_TRAILING_STOP)
        if state[slot + POS_TRIGGER] != ABSENT and side * best_yet >= side * state[slot + POS_TRIGGER]:
            tighten(state, slot, side, state[slot + POS_ENTRY_PRICE], REASON_BREAK_EVEN)
            state[slot + POS_TRIGGER] = ABSENT
    return 0


@device
def refresh(state: Ints, book: int) -> int:
    """Work out which rows of an instrument can change nothing but the marks: see the book's layout."""
    side, worth = state[book + SIDE], state[book + WORTH]
    below, above = -1, LARGEST_AMOUNT
    deadline, deadline_time = NEVER, NEVER
    for slot in range(state[book + POSITIONS], positions_end(state, book), POSITION_WIDTH):
        stop, target = state[slot + POS_STOP], state[slot + POS_TARGET]
        # The best price from which on step 3 has something to do.
        news = state[slot + POS_TRIGGER]
        best, activation = state[slot + POS_BEST], state[slot + POS_ACTIVATION]
        due = news != ABSENT and side * best >= side * news
        if activation != ABSENT:
            if side * best >= side * activation:
                activation = best + side
                trailing = percent_level(best, -side, state[SET_TRAIL])
                due = due or stop == ABSENT or side * trailing > side * stop
            news = activation if news == ABSENT else better(-side, news, activation)
        if due:
            # Opened at a close, with a best price that is enough: the next row is its first step 3.
            below = LARGEST_AMOUNT
        if side > 0:
            below = max(below, stop)
            above = min(above, target if target != ABSENT else above, news if news != ABSENT else above)
        else:
            below = max(below, target, news)
            above = min(above, stop if stop != ABSENT else above)
        if state[SET_HOLD_CANDLES] != ABSENT:
            deadline = min(deadline, state[slot + POS_CLOSED] + state[SET_HOLD_CANDLES])
        if state[SET_HOLD_TIME] != ABSENT:
            deadline_time = min(deadline_time, state[slot + POS_FILLED] + state[SET_HOLD_TIME])
    state[book + BELOW], state[book + ABOVE] = below, above
    state[book + DEADLINE_CLOSED], state[book + DEADLINE_TIME] = deadline, deadline_time
    # A little too low: rows that come near it are looked at exactly.
    state[book + HIGHEST_MARK] = int(_NEARLY_LARGEST / worth) if worth > 0 else LARGEST_AMOUNT
    return 0


@device
def plus_value(state: Ints, book: int, equity: int) -> int:
    """Add what an instrument's open positions count at its last close to an equity."""
    equity += state[book + SIDE] * value_of(state, book, state[book + BID], state[book + SPREAD])
    if equity >= LARGEST_AMOUNT or equity <= -LARGEST_AMOUNT:
        return overflow(state, book, state[book + BID], state[book + WORTH] // state[book + UNIT])
    return equity


@device
def marked(state: Ints) -> int:
    """Step 4: cash and open positions at the last closes."""
    equity: int = state[CASH]
    for index in range(state[SET_INSTRUMENTS]):
        book = book_of(index)
        if state[book + COUNT] > 0:
            equity = plus_value(state, book, equity)
    return equity
