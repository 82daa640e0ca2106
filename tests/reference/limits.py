"""Section 3, step 5 of EXECUTION.md: drawdown and daily loss."""

from __future__ import annotations

from typing import Literal

from sptrader_stream.execution.records import Halt
from tests.reference.account import Account
from tests.reference.costs import percentage
from tests.reference.exits import put_up_whole
from tests.reference.spans import day


def look_at_the_day(account: Account) -> None:
    """Section 2: a new day; step 5: its reference is the previous day's last equity."""
    today = day(account.time, account.settings.session)
    if today != account.day:
        account.day = today
        account.day_reference = account.equity


def check_limits(account: Account) -> None:
    """Both limits are looked at on the same mark; the drawdown's halt comes first."""
    settings, equity = account.settings, account.equity
    account.peak = equity if account.peak is None else max(account.peak, equity)
    maximum, daily = settings.max_drawdown, settings.daily_loss_limit
    if maximum is not None and not account.halted_for_good and passed(account.peak, equity, maximum):
        account.halted_for_good = True
        halt(account, "max_drawdown", account.peak)
    reference = account.day_reference
    if daily is not None and account.halted_day != account.day and passed(reference, equity, daily):
        account.halted_day = account.day
        halt(account, "daily_loss", reference)


def passed(reference: int, equity: int, limit: int) -> bool:
    """Where the reference is not above zero, every loss is above any share of it, but no loss is none."""
    return reference - equity > max(reference, 0) * percentage(limit)


def halt(account: Account, reason: Literal["max_drawdown", "daily_loss"], reference: int) -> None:
    """The event; everything is put up; entries that still wait for a candle of theirs are rejected."""
    account.events.append(
        Halt(candle=account.index, time=account.time, equity=account.equity, reference=reference, reason=reason)
    )
    for position in account.positions:
        put_up_whole(position, reason)
    for order in sorted(account.orders, key=lambda each: (each.instrument, each.rule)):
        account.reject(order, account.quote(order.instrument).bid, "halted")
    account.orders = []
