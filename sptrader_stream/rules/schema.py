"""What may stand in a strategy file: the sections as Structs, read by ``reader``.

The Structs are the schema: a field is a key, its annotation says what may stand there, and a field without a default
must be given. A section's ``mismatches`` say which of its values do not go together.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from sptrader_stream.execution.settings import HoldingPeriod
from sptrader_stream.money import PERCENT_DIGITS, PERCENT_SCALE, format_scaled
from sptrader_stream.rules.conditions import Condition
from sptrader_stream.rules.fields import (
    Activation,
    Amount,
    CandleCount,
    CostFraction,
    Fraction,
    Leverage,
    Mismatch,
    Positions,
    PositionShare,
    Section,
    SizeFraction,
    SizeValue,
    Special,
    StopDistance,
    TargetDistance,
    Ticks,
    TrailDistance,
    Trigger,
)
from sptrader_stream.rules.plan import MOST_RULES, ConfigValue

MOST_TARGETS = 32


class Dependencies(Section, frozen=True, kw_only=True):
    """Names that the strategy needs; checked, and needed for nothing else."""

    signals: list[Annotated[str, Special.SIGNAL]] = msgspec.field(default_factory=list)


class Size(Section, frozen=True, kw_only=True):
    """How much an entry buys or sells, where it is not simply a fraction of equity."""

    type: Literal["percent", "notional", "quantity", "risk"]
    value: SizeValue


class Entry(Section, frozen=True, kw_only=True):
    """One entry rule."""

    when: Annotated[Condition, Special.CONDITION]
    action: Literal["buy", "sell"]
    size: SizeFraction | Size
    scale_in: bool = False
    max_positions: Positions | None = None
    name: str | None = None

    def mismatches(self) -> Iterator[Mismatch]:
        """Hold scaling in to a number of positions, and that number to scaling in."""
        if self.scale_in and self.max_positions is None:
            message = "`scale_in: true` needs `max_positions`: how many positions an instrument may have, 2 to 100"
            yield Mismatch(message, ("scale_in",))
        if self.max_positions is not None and not self.scale_in:
            message = "`max_positions` needs `scale_in: true`; without it an instrument has one position at most"
            yield Mismatch(message, ("max_positions",))


class SignalExit(Section, frozen=True, kw_only=True):
    """One exit rule."""

    when: Annotated[Condition, Special.CONDITION]
    action: Literal["close_all", "close_partial"] = "close_all"
    percent: Fraction | None = None
    name: str | None = None

    def mismatches(self) -> Iterator[Mismatch]:
        """Hold the part that is closed to the action that closes a part."""
        if self.action == "close_partial" and self.percent is None:
            message = "`close_partial` needs `percent`: the fraction of what is open that it closes"
            yield Mismatch(message, ("action",))
        if self.action == "close_all" and self.percent is not None:
            yield Mismatch("`percent` goes with `action: close_partial`; `close_all` closes everything", ("percent",))


class StopLoss(Section, frozen=True, kw_only=True):
    """Where a loss is cut."""

    type: Literal["percentage", "offset", "atr"] = "percentage"
    value: StopDistance


class TakeProfit(Section, frozen=True, kw_only=True):
    """Where a profit is taken, and in a list of targets how much of the position is closed there."""

    type: Literal["percentage", "offset", "atr"] = "percentage"
    value: TargetDistance
    close: Fraction | None = None


class TrailingStop(Section, frozen=True, kw_only=True):
    """A stop that follows the best price."""

    activation_pct: Activation = 0
    trail_pct: TrailDistance


class BreakEven(Section, frozen=True, kw_only=True):
    """When the stop moves to the entry's price."""

    trigger_pct: Trigger


class Exit(Section, frozen=True, kw_only=True):
    """How positions are closed."""

    signal_exit: SignalExit | list[SignalExit] | None = None
    stop_loss: StopLoss | None = None
    take_profit: TakeProfit | list[TakeProfit] | None = None
    scale_out: bool = False
    partial_close_pct: Fraction | None = None
    trailing_stop: TrailingStop | None = None
    break_even: BreakEven | None = None
    max_holding_period: CandleCount | Annotated[HoldingPeriod, Special.DURATION] | None = None

    def mismatches(self) -> Iterator[Mismatch]:
        """Bound the number of rules to the bits of a mask, and hold the ways to take profits apart."""
        if isinstance(self.signal_exit, list) and len(self.signal_exit) > MOST_RULES:
            yield Mismatch(f"at most {MOST_RULES} exit rules, found {len(self.signal_exit)}", ("signal_exit",))
        if self.scale_out:
            yield from self._scale_out_mismatches()
        elif self.partial_close_pct is not None:
            message = "`partial_close_pct` needs `scale_out: true`, which closes that part at the target"
            yield Mismatch(message, ("partial_close_pct",))
        if isinstance(self.take_profit, list):
            yield from _target_mismatches(self.take_profit)
        elif self.take_profit is not None and self.take_profit.close is not None:
            message = (
                "`close` is for a list of targets; to close a part at a single one, write `scale_out: true` and"
                " `partial_close_pct` beside `take_profit`"
            )
            yield Mismatch(message, ("take_profit", "close"))

    def _scale_out_mismatches(self) -> Iterator[Mismatch]:
        if self.take_profit is None:
            message = "`scale_out: true` closes a part of the position at its target and needs `take_profit`"
            yield Mismatch(message, ("scale_out",))
        if isinstance(self.take_profit, list):
            message = "`scale_out` goes with a single target: in a list each target says with `close` what it closes"
            yield Mismatch(message, ("scale_out",))
        if self.partial_close_pct is None:
            message = "`scale_out: true` needs `partial_close_pct`: the fraction that is closed at the target"
            yield Mismatch(message, ("scale_out",))


def _target_mismatches(targets: list[TakeProfit]) -> Iterator[Mismatch]:
    if not 0 < len(targets) <= MOST_TARGETS:
        yield Mismatch(f"expected 1 to {MOST_TARGETS} targets, found {len(targets)}", ("take_profit",))
    closed, last = 0, len(targets) - 1
    farthest: dict[str, Decimal] = {}
    for index, target in enumerate(targets):
        place = ("take_profit", index)
        if target.value <= farthest.get(target.type, Decimal(0)):
            message = f"must be farther away than the {target.type} target before it, at {farthest[target.type]}"
            yield Mismatch(f"{message}, found {target.value}: targets are reached in order", (*place, "value"))
        farthest[target.type] = target.value
        if index < last and target.close is None:
            message = "the key 'close' is missing: only the last target goes without it, because it takes the rest"
            yield Mismatch(message, (*place, "close"))
        closed += target.close or 0
    if any(target.close is None for target in targets[:-1]):
        return
    whole, said = PERCENT_SCALE, format_scaled(closed, PERCENT_DIGITS).rstrip("0").rstrip(".")
    if targets and targets[-1].close is not None and closed != whole:
        message = f"the last target takes the rest, but all `close` add up to {said}: leave this one out"
        yield Mismatch(message, ("take_profit", last, "close"))
    elif targets and targets[-1].close is None and closed >= whole:
        message = f"nothing is left for the last target: the `close` before it add up to {said}"
        yield Mismatch(message, ("take_profit", last))


class Risk(Section, frozen=True, kw_only=True):
    """Limits of the whole run."""

    max_drawdown: Fraction | None = None
    daily_loss_limit: Fraction | None = None
    max_position_size: PositionShare | None = None


class CommissionParts(Section, frozen=True, kw_only=True):
    """What every fill costs: the sum of the parts, at least ``minimum``."""

    percent: CostFraction = 0
    per_unit: Amount = 0
    per_order: Amount = 0
    minimum: Amount = 0


class SlippageTicks(Section, frozen=True, kw_only=True):
    """What market and stop fills lose: ticks, plus a share of the price."""

    ticks: Ticks = 0
    percent: CostFraction = 0


class Execution(Section, frozen=True, kw_only=True):
    """How orders fill and what they cost."""

    fill: Literal["next_open", "close"] = "next_open"
    same_bar: Literal["stop_first", "target_first"] = "stop_first"
    commission: CostFraction | CommissionParts | None = None
    slippage: CostFraction | SlippageTicks | None = None
    spread: Ticks | Literal["data"] | None = None
    leverage: Leverage = PERCENT_SCALE
    close_at_end: bool = False


class Strategy(Section, frozen=True, kw_only=True):
    """A whole strategy file."""

    name: str
    version: Annotated[str, "version"] = ""
    author: str = ""
    description: str = ""
    symbol: str | None = None
    timeframe: Annotated[str, Special.TIMEFRAME] | None = None
    dependencies: Dependencies = Dependencies()
    parameters: Annotated[dict[str, str], Special.PARAMETERS] = msgspec.field(default_factory=dict)
    signal_config: Annotated[dict[str, dict[str, ConfigValue]], Special.SIGNAL_CONFIG] = msgspec.field(
        default_factory=dict
    )
    entry: Entry | None = None
    entries: list[Entry] | None = None
    exit: Exit = Exit()
    risk: Risk = Risk()
    execution: Execution = Execution()

    def mismatches(self) -> Iterator[Mismatch]:
        """Hold the file to one way of giving its entry rules, and sizes of type risk to a stop."""
        if self.entry is not None and self.entries is not None:
            yield Mismatch("give either `entry` (one rule) or `entries` (a list of rules), not both")
        elif self.entry is None and not self.entries:
            yield Mismatch("there is no entry rule: give `entry` (one rule) or `entries` (a list of rules)")
        if self.entries is not None and len(self.entries) > MOST_RULES:
            yield Mismatch(f"at most {MOST_RULES} entry rules, found {len(self.entries)}", ("entries",))
        if self.exit.stop_loss is not None:
            return
        named: list[tuple[Entry, tuple[str | int, ...]]] = [] if self.entry is None else [(self.entry, ("entry",))]
        named += [(each, ("entries", index)) for index, each in enumerate(self.entries or ())]
        for entry, place in named:
            if isinstance(entry.size, Size) and entry.size.type == "risk":
                message = "a size of type risk is measured by the stop and needs `exit.stop_loss`"
                yield Mismatch(message, (*place, "size", "type"))
