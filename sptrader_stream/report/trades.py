"""The trades of a recorded run as columns, few enough to draw, with what needs all of them computed in passing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.events import RunStarted
from sptrader_stream.execution.records import (
    ASSUMED_NOTHING,
    ENTRY_PRICE,
    KIND_FILL,
    KIND_TRADE,
    PNL,
    PRICE,
    QUANTITY,
    REASON_ENTRY,
    TIME,
    Trade,
    assumptions,
    instruments,
    kinds,
    reasons,
    sides,
    unpack,
)
from sptrader_stream.money import MONEY_DIGITS
from sptrader_stream.store.journal import read_rows

MOST_DRAWN: Final = 4_000
MOST_LISTED: Final = 200


class DrawnTrade(msgspec.Struct, frozen=True):
    """A trade with its number in the run, from 1."""

    number: int
    trade: Trade


class TradeRecord(msgspec.Struct, frozen=True):
    """What the page knows about a run's trades.

    Attributes:
        total: how many there are.
        pnl: of each, money (10^-8), in order.
        drawn: all of them, or evenly spread ones where there are more than ``MOST_DRAWN``.
        last: the last ones, at most ``MOST_LISTED``, oldest first.
        ambiguous: how many exits rest on an assumption, and ``doubtful`` the first of them, at most ``MOST_LISTED``.
    """

    total: int
    pnl: Ints
    drawn: list[DrawnTrade]
    last: list[DrawnTrade]
    ambiguous: int
    doubtful: list[DrawnTrade]

    def marked(self, market: int) -> list[DrawnTrade]:
        """The trades of an instrument that its chart marks: those drawn, and all that are listed."""
        found = {each.number: each for each in (*self.drawn, *self.last, *self.doubtful)}
        return [found[number] for number in sorted(found) if found[number].trade.instrument == market]


def read_trades(folder: Path) -> TradeRecord:
    """Read the trades of a run's journal, twice: once to count them, once to pick."""
    pnl = np.concatenate([np.empty(0, np.int64), *(rows[:, PNL].copy() for rows in _trade_rows(folder))])
    total = len(pnl)
    step = -(-total // MOST_DRAWN) if total else 1
    drawn: list[DrawnTrade] = []
    last: list[DrawnTrade] = []
    doubtful: list[DrawnTrade] = []
    ambiguous = done = 0
    for rows in _trade_rows(folder):
        number = np.arange(done, done + len(rows))
        assumed = assumptions(rows) != ASSUMED_NOTHING
        drawn += _pick(rows, number, number % step == 0)
        last += _pick(rows, number, number >= total - MOST_LISTED)
        ambiguous += int(np.count_nonzero(assumed))
        if len(doubtful) < MOST_LISTED:
            doubtful += _pick(rows, number, assumed)[: MOST_LISTED - len(doubtful)]
        done += len(rows)
    return TradeRecord(total, pnl, drawn, last, ambiguous, doubtful)


def exposure(folder: Path, started: RunStarted, period: tuple[int, int], stretches: int) -> tuple[Floats, Floats]:
    """The mean notional open in each of a few equal stretches of the period, at entry prices, weighted by time.

    Args:
        folder: the run's.
        started: its first event.
        period: the first and last time, nanoseconds since 1970.
        stretches: into how many to divide the period.

    Returns:
        Of long and of short positions, in the account currency, float64, shape (stretches,), both positive.
    """
    begin, width = period[0], (period[1] - period[0]) / stretches
    units = np.array([unit_value(started, index) for index in range(len(started.markets))])
    # A change holds for the rest of its own stretch, and whole for all later ones.
    own = np.zeros((2, stretches))
    later = np.zeros((2, stretches + 1))
    for rows in read_rows(folder):
        opens = (kinds(rows) == KIND_FILL) & (reasons(rows) == REASON_ENTRY)
        changes = opens | (kinds(rows) == KIND_TRADE)
        price = np.where(opens, rows[:, PRICE], rows[:, ENTRY_PRICE])[changes]
        notional = price * rows[changes, QUANTITY] * units[instruments(rows)[changes]]
        notional[~opens[changes]] *= -1.0
        place = (rows[changes, TIME] - begin) / width
        at = np.clip(place.astype(np.int64), 0, stretches - 1)
        short = (sides(rows)[changes] < 0).astype(np.int64)
        np.add.at(own, (short, at), notional * (at + 1 - place))
        np.add.at(later, (short, at + 1), notional)
    mean = np.maximum(own + np.cumsum(later, axis=1)[:, :-1], 0.0)
    return mean[0], mean[1]


def unit_value(started: RunStarted, market: int) -> float:
    """What a tick times a lot of an instrument is worth, in the account currency."""
    instrument = started.markets[market].instrument
    return float(10.0 ** -(instrument.price_precision + instrument.quantity_precision))


def profit_percent(trade: Trade, digits: int) -> float:
    """A trade's P&L as a share of its notional at entry; as elsewhere a tick stands in for a price of zero.

    Args:
        trade: closed.
        digits: decimal places of the instrument's prices and quantities together.
    """
    notional: int = max(trade.entry_price, 1) * trade.quantity * 10 ** (MONEY_DIGITS - digits)
    return trade.pnl / notional


def _trade_rows(folder: Path) -> Iterator[Ints]:
    for rows in read_rows(folder):
        chosen = kinds(rows) == KIND_TRADE
        if chosen.any():
            yield rows[chosen]


def _pick(rows: Ints, number: Ints, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[DrawnTrade]:
    trades = unpack(rows[chosen])
    return [
        DrawnTrade(each + 1, trade)
        for each, trade in zip(number[chosen].tolist(), trades, strict=True)
        if isinstance(trade, Trade)
    ]
