"""Section 6 of EXECUTION.md, exits that are decided: what puts positions up for closing, and how that is filled."""

from __future__ import annotations

from math import floor

from sptrader_stream.execution.records import ExitReason
from tests.reference.account import Account
from tests.reference.costs import percentage
from tests.reference.state import Position

LIMITS = ("max_drawdown", "daily_loss")


def put_up_whole(position: Position, reason: ExitReason) -> None:
    """Everything there is; what already is put up whole keeps its reason."""
    if position.put_up < position.quantity:
        position.put_up, position.reason = position.quantity, reason


def time_exits(account: Account, instrument: int, instant: int) -> None:
    """``max_holding_period``: candles of the strategy closed since the fill, or a duration to this close."""
    period = account.settings.max_holding_period
    for position in account.of(instrument):
        position.held += 1
        if period is None:
            continue
        by_candles = period.candles is not None and position.held >= period.candles
        by_duration = period.duration is not None and instant - position.entry_instant >= period.duration
        if by_candles or by_duration:
            put_up_whole(position, "time")


def exit_rules(account: Account, instrument: int, met: int) -> None:
    """Signal exits, in rule order."""
    for rule, part in enumerate(account.settings.exits):
        if met >> rule & 1:
            if part is None:
                for position in account.of(instrument):
                    put_up_whole(position, "signal")
            else:
                put_up_part(account, instrument, part)


def put_up_part(account: Account, instrument: int, part: int) -> None:
    """A part of what is open, floored to a lot, at least one, from the oldest positions first."""
    total = sum(position.quantity for position in account.of(instrument))
    wanted = max(1, floor(total * percentage(part)))
    for position in account.of(instrument):
        taken = min(wanted, position.quantity - position.put_up)
        if taken > 0:
            position.put_up += taken
            position.reason = position.reason or "signal"
            wanted -= taken


def fill_exits(account: Account, instrument: int, *, spare_halted: bool = False) -> None:
    """Steps 1 and 6: what is put up is closed at the market, in opening order.

    ``spare_halted``: the market is older than the limit that put a position up, so that one waits.
    """
    for position in account.of(instrument):
        if position.reason is None or (spare_halted and position.reason in LIMITS):
            continue
        quantity, reason = position.put_up, position.reason
        position.put_up, position.reason = 0, None
        account.close(position, quantity, account.market(instrument, -position.side), reason)
