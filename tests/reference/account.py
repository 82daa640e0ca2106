"""One run's state, and what any fill does to it: cash, positions and the log of events."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from sptrader_stream.execution.records import (
    Assumption,
    ExecutionEvent,
    ExitReason,
    Fill,
    Rejection,
    RejectionReason,
    Trade,
)
from sptrader_stream.execution.settings import ExecutionSettings, InstrumentSettings
from tests.reference.costs import commission, notional, quote, slipped
from tests.reference.state import EntryOrder, Position, Quote


class Account:
    """One portfolio: everything that is carried from timestamp to timestamp."""

    def __init__(self, settings: ExecutionSettings) -> None:
        self.settings = settings
        self.cash = settings.start_capital
        self.equity = settings.start_capital
        self.peak: int | None = None
        self.positions: list[Position] = []  # in opening order
        self.orders: list[EntryOrder] = []
        self.quotes: list[Quote | None] = [None] * len(settings.instruments)
        self.events: list[ExecutionEvent] = []
        self.opened = 0
        self.index = -1
        self.time = 0
        self.day: int | None = None
        self.day_reference = settings.start_capital
        self.halted_for_good = False
        self.halted_day: int | None = None

    def instrument(self, index: int) -> InstrumentSettings:
        return self.settings.instruments[index]

    def quote(self, instrument: int) -> Quote:
        """What the instrument is marked at."""
        found = self.quotes[instrument]
        assert found is not None
        return found

    def mark(self, instrument: int, bid: int, own_spread: int) -> None:
        """Section 5: the spread is fixed, or the candle's own."""
        fixed = self.instrument(instrument).spread
        self.quotes[instrument] = Quote(bid, own_spread if fixed is None else fixed)

    def of(self, instrument: int) -> Iterator[Position]:
        """An instrument's positions, oldest first; they may be closed on the way."""
        return iter([each for each in self.positions if each.instrument == instrument])

    def market(self, instrument: int, side: int) -> int:
        """What a purchase or sale at the market gets: ask or bid, and slippage."""
        bid, spread = self.quote(instrument)
        return slipped(self.instrument(instrument), side, quote(side, bid, spread))

    def open_notional(self, position: Position) -> int:
        """Section 3, step 4: longs are marked at the bid, shorts at the ask."""
        bid, spread = self.quote(position.instrument)
        return notional(self.instrument(position.instrument), quote(-position.side, bid, spread), position.quantity)

    def marked(self) -> int:
        """Section 3, step 4: cash + sum of signed quantity * mark."""
        return self.cash + sum(each.side * self.open_notional(each) for each in self.positions)

    def pay_for(self, position: Position) -> None:
        """Let a new position's entry into the books."""
        instrument = self.instrument(position.instrument)
        worth = notional(instrument, position.entry_price, position.quantity)
        self.cash -= position.side * worth + position.entry_commission
        self.positions.append(position)
        paid = position.entry_commission
        self.record_fill(position, position.side, position.entry_price, position.quantity, paid, "entry")

    def close(
        self, position: Position, quantity: int, price: int, reason: ExitReason, assumption: Assumption = "none"
    ) -> None:
        """Close a position or a part of it: the exit's fill, then the trade; P&L is net of both commissions."""
        instrument, side = self.instrument(position.instrument), position.side
        paid = commission(instrument, price, quantity)
        self.cash += side * notional(instrument, price, quantity) - paid
        position.see(price)
        position.quantity -= quantity
        # Section 5: entry commission * closed / opened, cumulative, rounded half to even.
        closed = position.opened - position.quantity
        charged = round(position.entry_commission * Fraction(closed, position.opened))
        both = charged - position.charged + paid
        position.charged = charged
        if position.quantity == 0:
            self.positions.remove(position)
        self.record_fill(position, -side, price, quantity, paid, reason)
        self.events.append(
            Trade(
                candle=self.index,
                time=self.time,
                instrument=position.instrument,
                position=position.number,
                rule=position.rule,
                side=side,
                entry_candle=position.entry_candle,
                entry_time=position.entry_time,
                entry_price=position.entry_price,
                price=price,
                quantity=quantity,
                commission=both,
                pnl=side * notional(instrument, price - position.entry_price, quantity) - both,
                best=position.best,
                worst=position.worst,
                reason=reason,
                assumption=assumption,
            )
        )

    def record_fill(
        self,
        position: Position,
        side: int,
        price: int,
        quantity: int,
        paid: int,
        reason: ExitReason | Literal["entry"],
    ) -> None:
        self.events.append(
            Fill(
                candle=self.index,
                time=self.time,
                instrument=position.instrument,
                position=position.number,
                rule=position.rule,
                side=side,
                price=price,
                quantity=quantity,
                commission=paid,
                reason=reason,
            )
        )

    def reject(self, order: EntryOrder, price: int, reason: RejectionReason) -> None:
        """Section 4: a rejection is an event with a reason, never silence."""
        self.events.append(
            Rejection(
                candle=self.index,
                time=self.time,
                instrument=order.instrument,
                rule=order.rule,
                side=order.side,
                price=price,
                quantity=order.quantity,
                reason=reason,
            )
        )
