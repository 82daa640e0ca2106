"""A strategy, compiled: everything that the actors of a run need to know of a strategy file, validated and resolved."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from sptrader_stream.execution.settings import Commission, HoldingPeriod, TrailingStop
from sptrader_stream.money import PERCENT_SCALE
from sptrader_stream.rules.conditions import Condition
from sptrader_stream.rules.operands import Operand, SignalOperand
from sptrader_stream.signals.registry import SIGNALS

MOST_RULES = 32

ConfigValue = int | float | str | bool


class EntryRule(msgspec.Struct, frozen=True, kw_only=True):
    """One entry rule.

    Attributes:
        name: as the file names it, else ``entry`` or ``entries[k]``.
        side: 1 buys (long), -1 sells (short).
        sizing: what ``size`` is: a fraction of equity, an amount of money, a quantity in units, or the fraction of
            equity that is lost when the stop is reached.
        size: exact; positive.
        max_positions: how many positions an instrument may have with this one; above 1 the rule scales in.
        condition: when the rule is met.
    """

    name: str
    side: Literal[1, -1]
    sizing: Literal["percent", "notional", "quantity", "risk"]
    size: Decimal
    max_positions: int = 1
    condition: Condition


class ExitRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that closes what is open of an instrument: the part ``close`` (per 10^8), or all where that is None."""

    name: str
    close: int | None = None
    condition: Condition


class PriceDistance(msgspec.Struct, frozen=True, kw_only=True):
    """How far a level lies from the entry's fill price: a fraction of it, price units, or a multiple of ATR(14)."""

    kind: Literal["percentage", "offset", "atr"]
    value: Decimal


class PriceTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where a profit is taken: the part ``close`` (per 10^8) of the opened quantity; None for all that is left."""

    distance: PriceDistance
    close: int | None = None


class Slippage(msgspec.Struct, frozen=True, kw_only=True):
    """What market and stop fills lose: ``ticks``, plus ``percent`` of the price in parts per 10^8."""

    ticks: int = 0
    percent: int = 0


class ExecutionRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the strategy wants its orders filled; None leaves a cost to the instrument's default.

    Attributes:
        fill: when a decision fills.
        same_bar: which of stop and target counts when one candle reaches both.
        commission: what every fill costs.
        slippage: on market and stop fills.
        spread: ticks, or ``data`` for each candle's own.
        stop_loss: None for no stop.
        targets: in the order in which they are reached; empty for none.
        trailing_stop: None for none.
        break_even: how far beyond the entry the best price puts the stop at the entry, parts per 10^8; None for never.
        max_holding_period: None for no limit.
        leverage: parts per 10^8; 10^8 is none.
        close_at_end: whether what is open after the last candle is closed at the last close.
        max_drawdown: from the running peak, parts per 10^8; None for no limit.
        daily_loss_limit: against the previous day's last equity, parts per 10^8; None for no limit.
        max_position_size: share of equity, parts per 10^8; None for no limit.
    """

    fill: Literal["next_open", "close"] = "next_open"
    same_bar: Literal["stop_first", "target_first"] = "stop_first"
    commission: Commission | None = None
    slippage: Slippage | None = None
    spread: int | Literal["data"] | None = None
    stop_loss: PriceDistance | None = None
    targets: tuple[PriceTarget, ...] = ()
    trailing_stop: TrailingStop | None = None
    break_even: int | None = None
    max_holding_period: HoldingPeriod | None = None
    leverage: int = PERCENT_SCALE
    close_at_end: bool = False
    max_drawdown: int | None = None
    daily_loss_limit: int | None = None
    max_position_size: int | None = None


class StrategyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy, compiled.

    Attributes:
        file: the path it was read from, as the user gave it.
        name, version, author, description: as the file says.
        symbol, timeframe: defaults for the command line; None where the file has none.
        parameters: the values in use, overrides included, as decimal or plain text.
        unused_parameters: names under ``parameters`` that nothing in the file refers to.
        text: what the file says, and ``overrides`` what was given for its parameters.
        higher_timeframes: those of ``tf`` in conditions, each once, other than the strategy's own.
        operands: the columns that the conditions read, each once; conditions refer to them by index.
        operand_timeframes: of which candles each operand is: 0 for the strategy's own, else 1 + the index in
            ``higher_timeframes``.
        atr: the operand that is ATR(14) on the strategy's own candles; None where nothing depends on it.
        signals: the configuration of every signal that the operands name, by signal.
        signals_folder: where the user's own signals are; None for none.
        entries, exits: the rules, at most ``MOST_RULES`` of each; the position is the bit in ``events.Decisions``.
        execution: exits by price, risk limits, fills and costs.
        digest: SHA-256 of the file's text and the overrides, hexadecimal.
    """

    file: str
    name: str
    version: str
    author: str
    description: str
    symbol: str | None
    timeframe: str | None
    parameters: Mapping[str, str]
    unused_parameters: tuple[str, ...]
    text: str
    overrides: Mapping[str, str]
    higher_timeframes: tuple[str, ...]
    operands: tuple[Operand, ...]
    operand_timeframes: tuple[int, ...]
    atr: int | None
    signals: Mapping[str, Mapping[str, ConfigValue]]
    signals_folder: str | None
    entries: tuple[EntryRule, ...]
    exits: tuple[ExitRule, ...]
    execution: ExecutionRules
    digest: str


def has_own_signals(plan: StrategyPlan) -> bool:
    """Whether a strategy reads a signal of the user's own."""
    return any(isinstance(each, SignalOperand) and each.signal not in SIGNALS for each in plan.operands)
