"""The lossless events of execution: as rows of int64 while they travel and are stored, as Structs for their reader.

A row has RECORD_WIDTH int64. Rows keep the order in which things happened, so that a batch of them is a piece of
the run's log whatever the batch size was. Times are nanoseconds since 1970 UTC, prices ticks, quantities lots, money
10^-8 of the account currency. ``candle`` is the index of a timestamp in the run, which is that of a candle where
there is one instrument; ``instrument`` is an index in the run's order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias, get_args

import msgspec
import numpy as np

from sptrader_stream.columns import Ints
from sptrader_stream.kernels import device

RECORD_WIDTH: Final = 13

KIND_FILL: Final = 1
KIND_TRADE: Final = 2
KIND_REJECTION: Final = 3
KIND_HALT: Final = 4

ExitReason = Literal[
    "signal", "stop_loss", "take_profit", "trailing_stop", "break_even", "time", "max_drawdown", "daily_loss",
    "cancelled", "end_of_data",
]  # fmt: skip
EXIT_REASONS: Final[tuple[ExitReason, ...]] = get_args(ExitReason)
REASON_SIGNAL: Final = 0
REASON_STOP_LOSS: Final = 1
REASON_TAKE_PROFIT: Final = 2
REASON_TRAILING_STOP: Final = 3
REASON_BREAK_EVEN: Final = 4
REASON_TIME: Final = 5
REASON_MAX_DRAWDOWN: Final = 6
REASON_DAILY_LOSS: Final = 7
# A fill that opens a position has no exit reason.
REASON_ENTRY: Final = -1

RejectionReason = Literal["below_minimum", "insufficient_funds", "atr_undefined", "no_stop_distance", "halted"]
REJECTION_REASONS: Final[tuple[RejectionReason, ...]] = get_args(RejectionReason)
REJECTED_BELOW_MINIMUM: Final = 0
REJECTED_INSUFFICIENT_FUNDS: Final = 1
REJECTED_ATR_UNDEFINED: Final = 2
REJECTED_NO_STOP_DISTANCE: Final = 3
REJECTED_HALTED: Final = 4

# Of a position; a purchase opens a long one or closes a short one.
SIDE_NAMES: Final = {1: "long", -1: "short"}

Assumption = Literal["none", "same_bar", "gap"]
ASSUMPTIONS: Final[tuple[Assumption, ...]] = get_args(Assumption)
ASSUMED_NOTHING: Final = 0
ASSUMED_SAME_BAR: Final = 1
ASSUMED_GAP: Final = 2


class Fill(msgspec.Struct, frozen=True, tag="fill"):
    """An order was filled. ``side`` is 1 for a purchase, -1 for a sale; ``reason`` is "entry" or why it closed."""

    candle: int
    time: int
    instrument: int
    position: int
    rule: int
    side: int
    price: int
    quantity: int
    commission: int
    reason: ExitReason | Literal["entry"]


class Trade(msgspec.Struct, frozen=True, tag="trade"):
    """A position, or a part of it, was closed.

    ``side`` is the position's: 1 long, -1 short. ``commission`` is the entry's share plus the exit's; ``pnl`` is
    net of both. ``best`` and ``worst`` are the best and worst price the position saw, its own fills included.
    ``assumption`` says what the price of the exit rests on that a candle does not tell: ``same_bar`` where it reached
    stop and target, ``gap`` where it opened beyond the level.
    """

    candle: int
    time: int
    instrument: int
    position: int
    rule: int
    side: int
    entry_candle: int
    entry_time: int
    entry_price: int
    price: int
    quantity: int
    commission: int
    pnl: int
    best: int
    worst: int
    reason: ExitReason
    assumption: Assumption = "none"


class Rejection(msgspec.Struct, frozen=True, tag="rejection"):
    """An entry could not be made.

    ``quantity`` is what was asked for: at the decision what sizing gave, at the fill what was decided. ``price`` is
    the close of the decision, at the fill the price it would have had. Reasons at the decision: ``below_minimum``,
    ``atr_undefined`` (a level or size depends on an ATR that has no value yet), ``no_stop_distance`` (a size by risk,
    and a stop that lies at the price); at the fill: ``insufficient_funds``; ``halted`` where a limit was passed
    between the two.
    """

    candle: int
    time: int
    instrument: int
    rule: int
    side: int
    price: int
    quantity: int
    reason: RejectionReason


class Halt(msgspec.Struct, frozen=True, tag="halt"):
    """A limit was passed: ``equity`` against ``reference``, the peak or the previous day's last equity."""

    candle: int
    time: int
    equity: int
    reference: int
    reason: Literal["max_drawdown", "daily_loss"]


ExecutionEvent: TypeAlias = Fill | Trade | Rejection | Halt


# Layout of a row. HEAD packs kind, reason + 1, side + 1, rule, instrument and assumption, see ``pack_head``.
HEAD: Final = 0
CANDLE: Final = 1
TIME: Final = 2
POSITION: Final = 3
PRICE: Final = 4
QUANTITY: Final = 5
COMMISSION: Final = 6
PNL: Final = 7
ENTRY_CANDLE: Final = 8
ENTRY_TIME: Final = 9
ENTRY_PRICE: Final = 10
BEST: Final = 11
WORST: Final = 12
# A halt has no price: it keeps its equity and reference in these.
HALT_EQUITY: Final = PRICE
HALT_REFERENCE: Final = QUANTITY


@device
def pack_head(kind: int, reason: int, side: int, rule: int, instrument: int, assumption: int) -> int:
    """Put six small numbers into a row's first word."""
    return kind | (reason + 1) << 8 | (side + 1) << 16 | rule << 24 | instrument << 40 | assumption << 56


def kinds(rows: Ints) -> Ints:
    """The kinds of events; ``rows`` is int64, shape (n, RECORD_WIDTH), as for the functions below."""
    return rows[:, HEAD] & 0xFF


def reasons(rows: Ints) -> Ints:
    """The numbers of their reasons, REASON_ENTRY for a fill that opens a position."""
    return (rows[:, HEAD] >> 8 & 0xFF) - 1


def sides(rows: Ints) -> Ints:
    """1 for long positions and purchases, -1 for short ones and sales, 0 for a halt."""
    return (rows[:, HEAD] >> 16 & 0xFF) - 1


def instruments(rows: Ints) -> Ints:
    """The indices of their instruments in the run."""
    return rows[:, HEAD] >> 40 & 0xFFFF


def count_trades(rows: Ints) -> int:
    """How many of them are trades."""
    return int(np.count_nonzero(kinds(rows) == KIND_TRADE))


def assumptions(rows: Ints) -> Ints:
    """What exits rest on, ASSUMED_NOTHING where there is nothing."""
    return rows[:, HEAD] >> 56


def _event(row: list[int]) -> ExecutionEvent:
    head = row[HEAD]
    kind, reason, side = head & 0xFF, (head >> 8 & 0xFF) - 1, (head >> 16 & 0xFF) - 1
    rule, instrument = head >> 24 & 0xFFFF, head >> 40 & 0xFFFF
    if kind == KIND_FILL:
        return Fill(
            candle=row[CANDLE], time=row[TIME], instrument=instrument, position=row[POSITION], rule=rule, side=side,
            price=row[PRICE], quantity=row[QUANTITY], commission=row[COMMISSION],
            reason="entry" if reason == REASON_ENTRY else EXIT_REASONS[reason],
        )  # fmt: skip
    if kind == KIND_TRADE:
        return Trade(
            candle=row[CANDLE], time=row[TIME], instrument=instrument, position=row[POSITION], rule=rule, side=side,
            entry_candle=row[ENTRY_CANDLE], entry_time=row[ENTRY_TIME], entry_price=row[ENTRY_PRICE],
            price=row[PRICE], quantity=row[QUANTITY], commission=row[COMMISSION], pnl=row[PNL],
            best=row[BEST], worst=row[WORST], reason=EXIT_REASONS[reason], assumption=ASSUMPTIONS[head >> 56],
        )  # fmt: skip
    if kind == KIND_REJECTION:
        return Rejection(
            candle=row[CANDLE], time=row[TIME], instrument=instrument, rule=rule, side=side, price=row[PRICE],
            quantity=row[QUANTITY], reason=REJECTION_REASONS[reason],
        )  # fmt: skip
    return Halt(
        candle=row[CANDLE], time=row[TIME], equity=row[HALT_EQUITY], reference=row[HALT_REFERENCE],
        reason="max_drawdown" if reason == REASON_MAX_DRAWDOWN else "daily_loss",
    )  # fmt: skip


def unpack(records: Ints) -> Iterator[ExecutionEvent]:
    """Turn rows into the events they stand for, in order.

    Args:
        records: int64, shape (rows * RECORD_WIDTH,).
    """
    return map(_event, records.reshape(-1, RECORD_WIDTH).tolist())
