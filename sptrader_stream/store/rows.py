"""The rows of a result document: trades, rejections and open positions as a reader of JSON wants them.

Amounts are exact decimal text, times RFC 3339.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from sptrader_stream.events import RunStarted
from sptrader_stream.execution.core import OpenPosition
from sptrader_stream.execution.records import SIDE_NAMES, Assumption, ExecutionEvent, Fill, Halt, Rejection, Trade
from sptrader_stream.instruments import Instrument
from sptrader_stream.metrics.trades import excursions
from sptrader_stream.money import MONEY_DIGITS, PERCENT_DIGITS, divide_half_even, format_money, format_scaled
from sptrader_stream.timeframes import HOUR, format_time


class PositionRow(msgspec.Struct, frozen=True):
    """A position that is open after the last candle; ``mark_price`` is where its unrealised P&L is taken.

    ``quantity`` is what is left of it, ``entry_commission`` that part's share; ``stop_loss`` and ``take_profit`` are
    the next levels.
    """

    id: int
    symbol: str
    side: str
    rule: str
    entry_time: str
    entry_price: str
    quantity: str
    mark_price: str
    unrealised_pnl: str
    entry_commission: str
    stop_loss: str | None
    take_profit: str | None


class TradeRow(msgspec.Struct, frozen=True):
    """A closed position, or a part of one: the parts have the same ``position``, and ``quantity`` is the part's.

    ``mae`` and ``mfe`` are fractions of the entry price, ``pnl`` is net of ``commission``, and ``assumption`` says what
    the exit price rests on that the candles do not tell (see ``execution.records.Trade``).
    """

    id: int
    position: int
    symbol: str
    side: str
    rule: str
    entry_time: str
    entry_price: str
    exit_time: str
    exit_price: str
    quantity: str
    pnl: str
    pnl_percent: str
    commission: str
    mae: str
    mfe: str
    exit_reason: str
    assumption: Assumption
    holding_period_hours: float


class FillRow(msgspec.Struct, frozen=True):
    """An order that was filled; ``reason`` is ``entry`` or why it closed."""

    time: str
    position: int
    symbol: str
    side: Literal["buy", "sell"]
    rule: str
    price: str
    quantity: str
    commission: str
    reason: str


class RejectionRow(msgspec.Struct, frozen=True):
    """An entry that could not be made, and why."""

    time: str
    symbol: str
    side: str
    rule: str
    price: str
    quantity: str
    reason: str


class HaltRow(msgspec.Struct, frozen=True):
    """A limit that was passed: ``equity`` against ``reference``, the peak or the previous day's last equity."""

    time: str
    equity: str
    reference: str
    reason: str


def trade_rows(trades: Iterable[Trade], started: RunStarted, first: int = 1) -> Iterator[TradeRow]:
    """Write trades, numbered in their order from ``first`` on."""
    instruments = _instruments(started)
    for number, event in enumerate(trades, start=first):
        instrument = instruments[event.instrument]
        price, quantity = instrument.price_precision, instrument.quantity_precision
        unit = 10 ** (MONEY_DIGITS - price - quantity)
        # As for the excursions, a tick stands in for an entry price of zero.
        notional = max(event.entry_price, 1) * event.quantity * unit
        adverse, favourable = excursions(event)
        yield TradeRow(
            id=number,
            position=event.position,
            symbol=instrument.symbol,
            side=SIDE_NAMES[event.side],
            rule=started.entry_rules[event.rule],
            entry_time=format_time(event.entry_time),
            entry_price=format_scaled(event.entry_price, price),
            exit_time=format_time(event.time),
            exit_price=format_scaled(event.price, price),
            quantity=format_scaled(event.quantity, quantity),
            pnl=format_money(event.pnl),
            pnl_percent=format_scaled(
                divide_half_even(event.pnl * 10 ** (PERCENT_DIGITS + 2), notional), PERCENT_DIGITS
            ),
            commission=format_money(event.commission),
            mae=format_scaled(adverse, PERCENT_DIGITS),
            mfe=format_scaled(favourable, PERCENT_DIGITS),
            exit_reason=event.reason,
            assumption=event.assumption,
            holding_period_hours=(event.time - event.entry_time) / HOUR,
        )


def fill_rows(events: Iterable[ExecutionEvent], started: RunStarted) -> Iterator[FillRow]:
    """Pick the fills out of a run's events."""
    instruments = _instruments(started)
    for event in events:
        if isinstance(event, Fill):
            instrument = instruments[event.instrument]
            yield FillRow(
                time=format_time(event.time),
                position=event.position,
                symbol=instrument.symbol,
                side="buy" if event.side > 0 else "sell",
                rule=started.entry_rules[event.rule],
                price=format_scaled(event.price, instrument.price_precision),
                quantity=format_scaled(event.quantity, instrument.quantity_precision),
                commission=format_money(event.commission),
                reason=event.reason,
            )


def rejection_rows(events: Iterable[ExecutionEvent], started: RunStarted) -> Iterator[RejectionRow]:
    """Pick the rejections out of a run's events."""
    instruments = _instruments(started)
    for event in events:
        if isinstance(event, Rejection):
            instrument = instruments[event.instrument]
            yield RejectionRow(
                time=format_time(event.time),
                symbol=instrument.symbol,
                side=SIDE_NAMES[event.side],
                rule=started.entry_rules[event.rule],
                price=format_scaled(event.price, instrument.price_precision),
                quantity=format_scaled(event.quantity, instrument.quantity_precision),
                reason=event.reason,
            )


def halt_rows(events: Iterable[ExecutionEvent]) -> Iterator[HaltRow]:
    """Pick the halts out of a run's events."""
    for event in events:
        if isinstance(event, Halt):
            yield HaltRow(
                time=format_time(event.time),
                equity=format_money(event.equity),
                reference=format_money(event.reference),
                reason=event.reason,
            )


def position_row(position: OpenPosition, started: RunStarted) -> PositionRow:
    """Write an open position."""
    instrument = started.markets[position.instrument].instrument

    def price(ticks: int) -> str:
        return format_scaled(ticks, instrument.price_precision)

    return PositionRow(
        id=position.position,
        symbol=instrument.symbol,
        side=SIDE_NAMES[position.side],
        rule=started.entry_rules[position.rule],
        entry_time=format_time(position.entry_time),
        entry_price=price(position.entry_price),
        quantity=format_scaled(position.quantity, instrument.quantity_precision),
        mark_price=price(position.mark),
        unrealised_pnl=format_money(position.unrealised_pnl),
        entry_commission=format_money(position.entry_commission),
        stop_loss=None if position.stop is None else price(position.stop),
        take_profit=None if position.target is None else price(position.target),
    )


def _instruments(started: RunStarted) -> list[Instrument]:
    return [market.instrument for market in started.markets]
