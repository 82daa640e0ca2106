"""What the position core is told: every setting that has to do with fills, in integers, resolved and validated."""

from __future__ import annotations

from typing import Literal

import msgspec


class Commission(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of the parts, at least ``minimum``; charged on entry and on exit.

    Attributes:
        percent: of the notional, parts per 10^8.
        per_unit: money (10^-8) for one unit of quantity (not one lot).
        per_order: money (10^-8) for each fill.
        minimum: money (10^-8).
    """

    percent: int = 0
    per_unit: int = 0
    per_order: int = 0
    minimum: int = 0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry rule's order.

    Attributes:
        side: 1 buys (long), -1 sells (short).
        sizing: what ``size`` is: ``percent`` of equity in parts per 10^8, ``notional`` as money (10^-8), or
            ``quantity`` in lots.
        size: see ``sizing``; positive.
    """

    side: Literal[1, -1]
    sizing: Literal["percent", "notional", "quantity"] = "percent"
    size: int


class ExecutionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the position core needs to know about one instrument and strategy.

    Attributes:
        price_precision: decimal places of a price, p; a tick is 10^-p.
        quantity_precision: decimal places of a quantity, q; a lot is 10^-q; p + q <= 8.
        minimum_quantity: the smallest order, in lots.
        start_capital: money (10^-8).
        entries: the entry rules, in order.
        fill: when a decision fills, at the next candle's open or at once at the close that made it.
        same_bar: which of stop and target counts when one candle reaches both.
        stop_loss: distance from the entry price, parts per 10^8; None for no stop.
        take_profit: distance from the entry price, parts per 10^8; None for no target.
        spread: ticks, or None for each candle's own.
        slippage_ticks: ticks against the trader on market and stop fills.
        slippage_percent: parts per 10^8 of the price, rounded up to a tick, added to ``slippage_ticks``.
        commission: what every fill costs.
        max_drawdown: from the running peak, parts per 10^8; None for no limit.
        daily_loss_limit: against the previous day's last equity, parts per 10^8; None for no limit.
        max_position_size: a position's notional as a share of equity, parts per 10^8; None for no limit.
    """

    price_precision: int
    quantity_precision: int
    minimum_quantity: int
    start_capital: int
    entries: tuple[Entry, ...]
    fill: Literal["next_open", "close"] = "next_open"
    same_bar: Literal["stop_first", "target_first"] = "stop_first"
    stop_loss: int | None = None
    take_profit: int | None = None
    spread: int | None = 0
    slippage_ticks: int = 0
    slippage_percent: int = 0
    commission: Commission = Commission()
    max_drawdown: int | None = None
    daily_loss_limit: int | None = None
    max_position_size: int | None = None
