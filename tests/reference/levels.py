"""Sections 3 (steps 2 and 3) and 6 of EXECUTION.md: stops and targets, where they lie and when they are reached."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from sptrader_stream.execution.records import Assumption, ExitReason
from sptrader_stream.execution.settings import Distance, InstrumentSettings
from tests.reference.account import Account
from tests.reference.costs import beyond, percentage, quote, slipped
from tests.reference.state import Candle, Position, RestingTarget

ATR_SCALE = 10**4  # an ATR counts 10^-4 ticks


def ticks(distance: Distance, atr: int) -> int:
    """Section 6: an offset is in price units, an ATR's multiple is rounded half to even to a tick."""
    if distance.kind == "offset":
        return distance.value
    return round(Fraction(atr, ATR_SCALE) * percentage(distance.value))


def level(price: int, direction: int, distance: Distance, atr: int) -> int:
    """Section 6: where a level lies that is above (direction 1) or below (-1) a price; never below zero."""
    if distance.kind == "percentage":
        return beyond(price, direction, distance.value)
    return max(0, price + direction * ticks(distance, atr))


def resting_targets(
    instrument: InstrumentSettings, side: int, price: int, opened: int, atr: int
) -> list[RestingTarget]:
    """Section 6: fractions of the opened quantity, floored to a lot; one of no lots is passed over."""
    targets = []
    for each in instrument.targets:
        part = None if each.close is None else floor(opened * percentage(each.close))
        if part != 0:
            targets.append(RestingTarget(level(price, side, each.distance, atr), part))
    return targets


def inside_the_candle(account: Account, position: Position, candle: Candle) -> None:
    """Step 2, for one position; a partial target leaves the rest, which is examined again."""
    while position.quantity > 0 and one_level(account, position, candle):
        pass


def one_level(account: Account, position: Position, candle: Candle) -> bool:
    """Step 2, a to e, once; answers whether one of them was met. A short's levels are compared with ask prices."""
    side, spread, stop = position.side, account.quote(position.instrument).spread, position.stop
    target = position.targets[0].price if position.targets else None
    first, high, low = (quote(-side, price, spread) for price in (candle.open, candle.high, candle.low))
    favourable, adverse = (high, low) if side == 1 else (low, high)

    def at_stop(price: int) -> bool:
        return stop is not None and side * (price - stop) <= 0

    def at_target(price: int) -> bool:
        return target is not None and side * (price - target) >= 0

    if at_stop(first):  # a
        stop_out(account, position, first, "none" if first == stop else "gap")
    elif at_target(first):  # b
        take_profit(account, position, first, "none" if first == target else "gap")
    elif at_stop(adverse) and at_target(favourable):  # c
        if account.settings.same_bar == "stop_first":
            stop_out(account, position, stop, "same_bar")
        else:
            take_profit(account, position, target, "same_bar")
    elif at_stop(adverse):  # d
        stop_out(account, position, stop, "none")
    elif at_target(favourable):  # e
        take_profit(account, position, target, "none")
    else:
        return False
    return True


def stop_out(account: Account, position: Position, price: int | None, assumption: Assumption) -> None:
    """A stop takes all, slips (section 5), and says which kind last set it (section 6)."""
    assert price is not None
    at = slipped(account.instrument(position.instrument), -position.side, price)
    account.close(position, position.quantity, at, position.stop_reason, assumption)


def take_profit(account: Account, position: Position, price: int | None, assumption: Assumption) -> None:
    """A target takes its part, or what is left, and does not slip (section 5)."""
    assert price is not None
    part = position.targets.pop(0).part
    quantity = position.quantity if part is None else min(part, position.quantity)
    account.close(position, quantity, price, "take_profit", assumption)


def after_the_range(account: Account, position: Position, candle: Candle) -> None:
    """Step 3: a survivor saw the whole candle, a short on the ask side; then its stop may tighten."""
    settings, side, entry = account.settings, position.side, position.entry_price
    spread = account.quote(position.instrument).spread
    for price in (candle.high, candle.low):
        position.see(quote(-side, price, spread))

    def has_been(price: int) -> bool:
        return side * (position.best - price) >= 0

    trailing = settings.trailing_stop
    if trailing is not None and has_been(beyond(entry, side, trailing.activation)):
        tighten(position, beyond(position.best, -side, trailing.trail), "trailing_stop")
    if settings.break_even is not None and has_been(beyond(entry, side, settings.break_even)):
        tighten(position, entry, "break_even")


def tighten(position: Position, stop: int, reason: ExitReason) -> None:
    """Never loosen: a stop only moves towards the price."""
    if position.stop is None or position.side * (stop - position.stop) > 0:
        position.stop, position.stop_reason = stop, reason
