"""Section 4 of EXECUTION.md: how large an entry is, decided at a close, and what becomes of it at its fill."""

from __future__ import annotations

from dataclasses import replace
from math import floor

from tests.reference.account import Account
from tests.reference.costs import commission, notional, percentage
from tests.reference.levels import level, resting_targets, ticks
from tests.reference.state import Decision, EntryOrder, Position


def entry_rules(account: Account, instrument: int, decision: Decision, instant: int) -> None:
    """Step 6: entry rules in order; after a halt they are not looked at."""
    if account.halted_for_good or (account.halted_day is not None and account.halted_day == account.day):
        return
    for rule in range(len(account.instrument(instrument).entries)):
        if decision.entries >> rule & 1:
            decide(account, instrument, rule, decision.atr, instant)


def decide(account: Account, instrument: int, rule: int, atr: int, instant: int) -> None:
    """The quantity is fixed at the decision, from that close; too little is a rejection."""
    settings, close = account.instrument(instrument), account.quote(instrument).bid
    entry = settings.entries[rule]
    order = EntryOrder(instrument=instrument, rule=rule, side=entry.side, quantity=0, atr=atr, instant=instant)
    distances = [each.distance for each in settings.targets]
    if settings.stop_loss is not None:
        distances.append(settings.stop_loss)
    if atr < 0 and any(each.kind == "atr" for each in distances):
        account.reject(order, close, "atr_undefined")
    elif entry.sizing == "risk" and stop_distance(account, order) == 0:
        account.reject(order, close, "no_stop_distance")
    else:
        order = replace(order, quantity=sized(account, order))
        if order.quantity < max(settings.minimum_quantity, 1):
            account.reject(order, close, "below_minimum")
        else:
            account.orders.append(order)


def stop_distance(account: Account, order: EntryOrder) -> int:
    """How far the stop would lie from this close, ticks."""
    stop, close = account.instrument(order.instrument).stop_loss, account.quote(order.instrument).bid
    assert stop is not None, "a size by risk needs a stop"
    if stop.kind == "percentage":
        return abs(close - level(close, -order.side, stop, order.atr))
    return ticks(stop, order.atr)


def sized(account: Account, order: EntryOrder) -> int:
    """The quantity from the equity of step 4, capped, floored to a lot."""
    settings = account.instrument(order.instrument)
    entry, cap = settings.entries[order.rule], account.settings.max_position_size
    equity = max(account.equity, 0)
    one_lot = notional(settings, account.quote(order.instrument).bid, 1)
    if entry.sizing == "percent":
        quantity = floor(equity * percentage(entry.size) / one_lot)
    elif entry.sizing == "notional":
        quantity = entry.size // one_lot
    elif entry.sizing == "quantity":
        quantity = entry.size
    else:
        quantity = floor(equity * percentage(entry.size) / notional(settings, stop_distance(account, order), 1))
    if cap is not None:
        quantity = min(quantity, floor(equity * percentage(cap) / one_lot))
    return quantity


def fill_entries(account: Account, instrument: int, *, at_open: bool) -> None:
    """Steps 1 and 6: the instrument's waiting entries, in rule order."""
    mine = [order for order in account.orders if order.instrument == instrument]
    account.orders = [order for order in account.orders if order.instrument != instrument]
    for order in mine:
        if not is_ignored(account, order):
            enter(account, order, account.time if at_open else order.instant)


def is_ignored(account: Account, order: EntryOrder) -> bool:
    """Against a position of the other side always, and where there are as many as the rule may scale in to."""
    entry, held = account.instrument(order.instrument).entries[order.rule], list(account.of(order.instrument))
    return len(held) >= entry.max_positions or any(each.side != order.side for each in held)


def enter(account: Account, order: EntryOrder, instant: int) -> None:
    """At the fill: what does not fit in equity * leverage less the open notional makes the quantity shrink."""
    settings = account.instrument(order.instrument)
    at = account.market(order.instrument, order.side)
    means = floor(max(account.marked(), 0) * percentage(account.settings.leverage))
    room = means - sum(account.open_notional(each) for each in account.positions)
    quantity = largest_that_fits(account, order, at, room)
    if quantity == 0:
        account.reject(order, at, "insufficient_funds")
        return
    account.opened += 1
    stop = settings.stop_loss
    account.pay_for(
        Position(
            number=account.opened,
            instrument=order.instrument,
            rule=order.rule,
            side=order.side,
            opened=quantity,
            quantity=quantity,
            entry_candle=account.index,
            entry_time=account.time,
            entry_instant=instant,
            entry_price=at,
            entry_commission=commission(settings, at, quantity),
            # Section 6: measured from the entry's fill price.
            stop=None if stop is None else level(at, -order.side, stop, order.atr),
            targets=resting_targets(settings, order.side, at, quantity, order.atr),
            best=at,
            worst=at,
        )
    )


def largest_that_fits(account: Account, order: EntryOrder, price: int, room: int) -> int:
    """The largest quantity up to the order's whose notional + commission is at most ``room``."""
    settings = account.instrument(order.instrument)

    def fits(quantity: int) -> bool:
        return notional(settings, price, quantity) + commission(settings, price, quantity) <= room

    fitting, too_large = 0, order.quantity + 1
    if fits(order.quantity):
        return order.quantity
    while too_large - fitting > 1:
        middle = (fitting + too_large) // 2
        fitting, too_large = (middle, too_large) if fits(middle) else (fitting, middle)
    return fitting
