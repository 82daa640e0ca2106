"""Sections 2, 3, 4 and 6 of EXECUTION.md: what one candle does, in which order, at which price.

One instrument, one position at a time, whole closes. Positions and pending orders are lists already, because the
page speaks of them in the plural.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Literal

from sptrader_stream.execution.records import (
    ExecutionEvent,
    ExitReason,
    Fill,
    Halt,
    Rejection,
    RejectionReason,
    Trade,
)
from sptrader_stream.execution.settings import ExecutionSettings
from tests.reference.costs import commission, level, notional, percentage, quote, slipped
from tests.reference.state import Candle, Decision, EntryOrder, Position, Result

INSTRUMENT = 0
DAY = 24 * 60 * 60 * 10**9


def run(settings: ExecutionSettings, candles: Sequence[Candle], decisions: Sequence[Decision]) -> Result:
    """Walk the candles; positions that are open at the end stay open (section 3)."""
    account = _Account(settings)
    result = Result(events=account.events, positions=account.positions)
    for candle, decision in zip(candles, decisions, strict=True):
        account.walk(candle, decision)
        result.equity.append(account.equity)
        result.cash.append(account.cash)
        result.open_positions.append(len(account.positions))
    return result


class _Account:
    """One run's state. ``walk`` takes it through one timestamp, section 3."""

    def __init__(self, settings: ExecutionSettings) -> None:
        self.settings = settings
        self.cash = settings.start_capital
        self.equity = settings.start_capital
        self.peak = settings.start_capital
        self.positions: list[Position] = []
        self.entry_orders: list[EntryOrder] = []
        self.events: list[ExecutionEvent] = []
        self.opened = 0
        self.index = -1
        self.day: int | None = None
        self.day_reference = settings.start_capital
        self.halted_for_good = False
        self.halted_day: int | None = None

    def walk(self, candle: Candle, decision: Decision) -> None:
        self.index += 1
        self.candle = candle
        self.spread = candle.spread if self.settings.spread is None else self.settings.spread
        # Section 2: a day is a UTC date. Section 3, step 5: the reference is the previous day's last equity.
        if candle.time // DAY != self.day:
            self.day = candle.time // DAY
            self.day_reference = self.equity

        self.fill_orders(candle.open)  # step 1
        for position in list(self.positions):
            self.inside_the_candle(position)  # step 2
        for position in self.positions:
            self.after_the_range(position)  # step 3
        self.equity = self.equity_at(candle.close)  # step 4
        self.limits()  # step 5
        self.decide(decision)  # step 6
        if self.settings.fill == "close":
            self.fill_orders(candle.close)
            self.equity = self.equity_at(candle.close)

    def fill_orders(self, price: int) -> None:
        """Steps 1 and 6: exits first, in opening order, then entries, in rule order."""
        for position in list(self.positions):
            if position.closing is not None:
                at = slipped(self.settings, -position.side, quote(-position.side, price, self.spread))
                self.close(position, at, position.closing)
        for order in self.entry_orders:
            self.enter(order, price)
        self.entry_orders = []

    def inside_the_candle(self, position: Position) -> None:
        """Step 2: resting levels. A short's levels are compared with ask prices (section 5)."""
        side, candle = position.side, self.candle
        first = quote(-side, candle.open, self.spread)
        high, low = quote(-side, candle.high, self.spread), quote(-side, candle.low, self.spread)
        favourable, adverse = (high, low) if side == 1 else (low, high)

        def at_stop(price: int) -> bool:
            return position.stop is not None and side * (price - position.stop) <= 0

        def at_target(price: int) -> bool:
            return position.target is not None and side * (price - position.target) >= 0

        if at_stop(first):  # a
            self.stop_out(position, first)
        elif at_target(first):  # b
            self.close(position, first, "take_profit")
        elif at_stop(adverse) and at_target(favourable):  # c
            if self.settings.same_bar == "stop_first":
                self.stop_out(position, position.stop)
            else:
                self.take_profit(position)
        elif at_stop(adverse):  # d
            self.stop_out(position, position.stop)
        elif at_target(favourable):  # e
            self.take_profit(position)

    def stop_out(self, position: Position, price: int | None) -> None:
        """A stop fill slips (section 5)."""
        assert price is not None
        self.close(position, slipped(self.settings, -position.side, price), "stop_loss")

    def take_profit(self, position: Position) -> None:
        """A target fills where it rests, without slippage (section 5)."""
        assert position.target is not None
        self.close(position, position.target, "take_profit")

    def after_the_range(self, position: Position) -> None:
        """Step 3: survivors saw the whole candle, a short on the ask side."""
        for price in (self.candle.high, self.candle.low):
            position.see(quote(-position.side, price, self.spread))

    def equity_at(self, price: int) -> int:
        """Step 4: cash + sum of signed quantity * mark; mark = bid for longs, ask for shorts."""
        return self.cash + sum(each.side * self.open_notional(each, price) for each in self.positions)

    def open_notional(self, position: Position, price: int) -> int:
        return notional(self.settings, quote(-position.side, price, self.spread), position.quantity)

    def limits(self) -> None:
        """Step 5: both limits are looked at on the same mark; the drawdown's halt comes first."""
        self.peak = max(self.peak, self.equity)
        maximum, daily = self.settings.max_drawdown, self.settings.daily_loss_limit
        if (
            maximum is not None
            and not self.halted_for_good
            and self.peak - self.equity > self.peak * percentage(maximum)
        ):
            self.halted_for_good = True
            self.halt("max_drawdown", self.peak)
        if (
            daily is not None
            and self.halted_day != self.day
            # Where the reference is not above zero, every loss is above any share of it, but no loss is none.
            and self.day_reference - self.equity > max(self.day_reference, 0) * percentage(daily)
        ):
            self.halted_day = self.day
            self.halt("daily_loss", self.day_reference)

    def halt(self, reason: Literal["max_drawdown", "daily_loss"], reference: int) -> None:
        self.events.append(
            Halt(candle=self.index, time=self.candle.time, equity=self.equity, reference=reference, reason=reason)
        )
        self.put_up_for_closing(reason)

    def put_up_for_closing(self, reason: ExitReason) -> None:
        """The first reason stays."""
        for position in self.positions:
            position.closing = position.closing or reason

    def decide(self, decision: Decision) -> None:
        """Step 6: exit rules, then entry rules in order; after a halt entry rules are not looked at."""
        if decision.exits:
            self.put_up_for_closing("signal")
        if self.halted_for_good or self.halted_day == self.day:
            return
        for rule, entry in enumerate(self.settings.entries):
            if decision.entries >> rule & 1:
                order = EntryOrder(rule=rule, side=entry.side, quantity=self.sized(rule))
                # Section 4: below the instrument's minimum is a rejection.
                if order.quantity < self.settings.minimum_quantity:
                    self.reject(order, self.candle.close, "below_minimum")
                else:
                    self.entry_orders.append(order)

    def sized(self, rule: int) -> int:
        """Section 4: quantity fixed at the decision from that close, capped, floored to a lot."""
        entry, cap = self.settings.entries[rule], self.settings.max_position_size
        one_lot = notional(self.settings, self.candle.close, 1)
        if entry.sizing == "percent":
            quantity = floor(self.equity * percentage(entry.size) / one_lot)
        elif entry.sizing == "notional":
            quantity = entry.size // one_lot
        else:
            quantity = entry.size
        if cap is not None:
            quantity = min(quantity, floor(self.equity * percentage(cap) / one_lot))
        return max(quantity, 0)

    def enter(self, order: EntryOrder, price: int) -> None:
        """Section 4, at the fill: ignored while a position is open; shrinks to what equity pays for."""
        if self.positions:
            return
        settings = self.settings
        at = slipped(settings, order.side, quote(order.side, price, self.spread))
        room = self.equity_at(price) - sum(self.open_notional(each, price) for each in self.positions)
        quantity = self.largest_that_fits(at, order.quantity, room)
        if quantity == 0:
            self.reject(order, at, "insufficient_funds")
            return
        paid = commission(settings, at, quantity)
        self.cash -= order.side * notional(settings, at, quantity) + paid
        self.opened += 1
        stop, target = settings.stop_loss, settings.take_profit
        position = Position(
            number=self.opened,
            rule=order.rule,
            side=order.side,
            quantity=quantity,
            entry_candle=self.index,
            entry_time=self.candle.time,
            entry_price=at,
            entry_commission=paid,
            # Section 6: measured from the entry's fill price.
            stop=None if stop is None else level(at, 1 - order.side * percentage(stop)),
            target=None if target is None else level(at, 1 + order.side * percentage(target)),
            best=at,
            worst=at,
        )
        self.positions.append(position)
        self.record_fill(position, order.side, at, paid, "entry")

    def largest_that_fits(self, price: int, wanted: int, room: int) -> int:
        """Section 4: the largest quantity up to ``wanted`` whose notional + commission is at most ``room``."""

        def fits(quantity: int) -> bool:
            return notional(self.settings, price, quantity) + commission(self.settings, price, quantity) <= room

        fitting, too_large = 0, wanted + 1
        while too_large - fitting > 1:
            middle = (fitting + too_large) // 2
            fitting, too_large = (middle, too_large) if fits(middle) else (fitting, middle)
        return fitting

    def close(self, position: Position, price: int, reason: ExitReason) -> None:
        """The exit's fill, then the trade it completes; P&L is net of both commissions."""
        settings, side = self.settings, position.side
        paid = commission(settings, price, position.quantity)
        self.cash += side * notional(settings, price, position.quantity) - paid
        position.see(price)
        self.positions.remove(position)
        self.record_fill(position, -side, price, paid, reason)
        both = position.entry_commission + paid
        self.events.append(
            Trade(
                candle=self.index,
                time=self.candle.time,
                instrument=INSTRUMENT,
                position=position.number,
                rule=position.rule,
                side=side,
                entry_candle=position.entry_candle,
                entry_time=position.entry_time,
                entry_price=position.entry_price,
                price=price,
                quantity=position.quantity,
                commission=both,
                pnl=side * notional(settings, price - position.entry_price, position.quantity) - both,
                best=position.best,
                worst=position.worst,
                reason=reason,
            )
        )

    def record_fill(
        self, position: Position, side: int, price: int, paid: int, reason: ExitReason | Literal["entry"]
    ) -> None:
        self.events.append(
            Fill(
                candle=self.index,
                time=self.candle.time,
                instrument=INSTRUMENT,
                position=position.number,
                rule=position.rule,
                side=side,
                price=price,
                quantity=position.quantity,
                commission=paid,
                reason=reason,
            )
        )

    def reject(self, order: EntryOrder, price: int, reason: RejectionReason) -> None:
        """Section 4: a rejection is an event with a reason, never silence."""
        self.events.append(
            Rejection(
                candle=self.index,
                time=self.candle.time,
                instrument=INSTRUMENT,
                rule=order.rule,
                side=order.side,
                price=price,
                quantity=order.quantity,
                reason=reason,
            )
        )
