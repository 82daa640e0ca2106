"""What the position core is told: every setting that has to do with fills, in integers, resolved and validated."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from sptrader_stream.money import PERCENT_SCALE

# The average true range at a decision counts 10^-4 ticks.
ATR_DIGITS: Final = 4


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


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """How far from the entry's fill price a level lies.

    Attributes:
        kind: what ``value`` is: ``percentage`` of the price in parts per 10^8, ``offset`` in ticks, or ``atr`` as a
            multiple of ATR(14) at the decision, in parts per 10^8.
        value: see ``kind``; positive.
    """

    kind: Literal["percentage", "offset", "atr"] = "percentage"
    value: int


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a profit is taken.

    Attributes:
        distance: from the entry's fill price.
        close: how much of the opened quantity, parts per 10^8, floored to a lot; None for all that is left.
    """

    distance: Distance
    close: int | None = None


class TrailingStop(msgspec.Struct, frozen=True, kw_only=True):
    """A stop that follows the best price by ``trail``, once that is ``activation`` beyond the entry; parts per 10^8."""

    activation: int = 0
    trail: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry rule's order.

    Attributes:
        side: 1 buys (long), -1 sells (short).
        sizing: what ``size`` is: ``percent`` of equity in parts per 10^8, ``notional`` as money (10^-8), ``quantity``
            in lots, or ``risk``, the part of equity (parts per 10^8) that is lost when the stop is reached.
        size: see ``sizing``; positive.
        max_positions: how many positions the instrument may have with this one; above 1 the rule scales in.
    """

    side: Literal[1, -1]
    sizing: Literal["percent", "notional", "quantity", "risk"] = "percent"
    size: int
    max_positions: int = 1


class HoldingPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """How long a position is held at most: exactly one of the two.

    Attributes:
        candles: of the strategy's timeframe, closed since the entry's fill.
        duration: nanoseconds from the fill to a candle's close.
    """

    candles: int | None = None
    duration: int | None = None


class InstrumentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the position core needs to know about one instrument, and of the strategy in its ticks and lots.

    Attributes:
        symbol: names it in errors.
        price_precision: decimal places of a price, p; a tick is 10^-p.
        quantity_precision: decimal places of a quantity, q; a lot is 10^-q; p + q <= 8.
        minimum_quantity: the smallest order, in lots.
        entries: the entry rules, in order; the same ones for every instrument.
        stop_loss: from the entry's fill price; None for no stop.
        targets: in the order in which they are reached; empty for none.
        spread: ticks, or None for each candle's own.
        slippage_ticks: ticks against the trader on market and stop fills.
        slippage_percent: parts per 10^8 of the price, rounded up to a tick, added to ``slippage_ticks``.
        commission: what every fill costs.
        session: where the instrument's day begins, nanoseconds after midnight UTC; may be negative. The spans of the
            strategy's candles are counted from there.
    """

    symbol: str = "the instrument"
    price_precision: int
    quantity_precision: int
    minimum_quantity: int
    entries: tuple[Entry, ...]
    stop_loss: Distance | None = None
    targets: tuple[Target, ...] = ()
    spread: int | None = 0
    slippage_ticks: int = 0
    slippage_percent: int = 0
    commission: Commission = Commission()
    session: int = 0


class ExecutionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the position core needs to know about a portfolio and its strategy.

    Attributes:
        start_capital: money (10^-8).
        instruments: in the order of the run.
        timeframe: length of a data candle, nanoseconds.
        strategy_timeframe: length of the strategy's candles, a multiple of ``timeframe``.
        session: where the run's day begins, nanoseconds after midnight UTC; may be negative.
        exits: for each exit rule the part of an instrument's open quantity that it closes, parts per 10^8; None for
            all of it.
        fill: when a decision fills, at the next candle's open or at once at the close that made it.
        same_bar: which of stop and target counts when one candle reaches both.
        trailing_stop: None for none.
        break_even: how far beyond the entry the best price puts the stop at the entry, parts per 10^8; None for never.
        max_holding_period: None for no limit.
        leverage: parts per 10^8; 10^8 is none.
        close_at_end: whether what is open after the last candle is closed at the last close.
        max_drawdown: from the running peak, parts per 10^8; None for no limit.
        daily_loss_limit: against the previous day's last equity, parts per 10^8; None for no limit.
        max_position_size: a position's notional as a share of equity, parts per 10^8; None for no limit.
    """

    start_capital: int
    instruments: tuple[InstrumentSettings, ...]
    timeframe: int
    strategy_timeframe: int
    session: int = 0
    exits: tuple[int | None, ...] = ()
    fill: Literal["next_open", "close"] = "next_open"
    same_bar: Literal["stop_first", "target_first"] = "stop_first"
    trailing_stop: TrailingStop | None = None
    break_even: int | None = None
    max_holding_period: HoldingPeriod | None = None
    leverage: int = PERCENT_SCALE
    close_at_end: bool = False
    max_drawdown: int | None = None
    daily_loss_limit: int | None = None
    max_position_size: int | None = None
