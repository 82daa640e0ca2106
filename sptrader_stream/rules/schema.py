"""What may stand in a strategy file: the sections as Structs, read by ``reader``.

The Structs are the schema: a field is a key, its annotation says what may stand there, and a field without a default
must be given. ``Number`` and ``Special`` in an annotation carry what a type alone cannot say.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Annotated, ClassVar, Literal

import msgspec

from sptrader_stream.rules.conditions import Condition
from sptrader_stream.rules.plan import MOST_RULES, ConfigValue


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """How a number's decimal text is read and bounded.

    Attributes:
        what: in an error, what is expected here.
        digits: the value becomes an integer count of 10^-digits; None keeps an exact Decimal.
        above: the value is larger than this, if given.
        least: the value is at least this, if given.
        below: the value is smaller than this, if given.
        most: the value is at most this, if given.
        hint: said when the value is out of bounds.
    """

    what: str
    digits: int | None = 8
    above: Decimal | None = None
    least: Decimal | None = None
    below: Decimal | None = None
    most: Decimal | None = None
    hint: str = ""


class Special(Enum):
    """Values that need more than a type to be read."""

    CONDITION = "a list of conditions, or a mapping with all, any, not, signal or expr"
    SIGNAL = "the name of a signal"
    SIGNAL_CONFIG = "a mapping of signals to their settings"
    PARAMETERS = "a mapping of names to values"
    TIMEFRAME = "a timeframe such as 1m, 15m, 4h or 1d"


_PERCENT_HINT = "1 stands for 100 %, so 2 % is 0.02"

Fraction = Annotated[int, Number(what="a fraction such as 0.02", above=Decimal(0), most=Decimal(1), hint=_PERCENT_HINT)]
StopDistance = Annotated[
    int, Number(what="a fraction such as 0.02", above=Decimal(0), below=Decimal(1), hint=_PERCENT_HINT)
]
TargetDistance = Annotated[
    int, Number(what="a fraction such as 0.04", above=Decimal(0), most=Decimal(10), hint=_PERCENT_HINT)
]
PositionShare = Annotated[
    int, Number(what="a fraction such as 0.1", above=Decimal(0), most=Decimal(100), hint=_PERCENT_HINT)
]
CostFraction = Annotated[
    int, Number(what="a fraction such as 0.001", least=Decimal(0), below=Decimal(1), hint=_PERCENT_HINT)
]
Amount = Annotated[int, Number(what="an amount of money such as 2.50", least=Decimal(0))]
Ticks = Annotated[int, Number(what="a whole number of ticks", digits=0, least=Decimal(0), most=Decimal(1_000_000))]
SizeFraction = Annotated[
    Decimal,
    Number(
        what="a fraction of equity such as 0.02", digits=None, above=Decimal(0), most=Decimal(1), hint=_PERCENT_HINT
    ),
]
SizeValue = Annotated[Decimal, Number(what="a number", digits=None, above=Decimal(0))]


# Words of the execution contract that strategies already use elsewhere and that nothing here obeys yet: said plainly,
# because a near name would be a wrong answer to someone who spelt a right one.
UNSUPPORTED_KEYS = frozenset(
    {
        "scale_in", "max_positions", "trailing_stop", "break_even", "max_holding_period", "leverage", "close_at_end",
        "scale_out", "partial_close_pct",
    }
)  # fmt: skip


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a strategy file. ``__post_init__`` raises ValueError where fields do not go together.

    Attributes:
        unsupported_types: what ``type`` may not say yet, though it has a meaning.
    """

    unsupported_types: ClassVar[tuple[str, ...]] = ()


class Dependencies(Section, frozen=True, kw_only=True):
    """Names that the strategy needs; checked, and needed for nothing else."""

    signals: list[Annotated[str, Special.SIGNAL]] = []


class Size(Section, frozen=True, kw_only=True):
    """How much an entry buys or sells, where it is not simply a fraction of equity."""

    unsupported_types: ClassVar[tuple[str, ...]] = ("risk",)

    type: Literal["percent", "notional", "quantity"]
    value: SizeValue

    def __post_init__(self) -> None:
        """Bound a share of equity like the short form."""
        if self.type == "percent" and self.value > 1:
            raise ValueError(f"a percent size is a fraction of at most 1, found {self.value}: {_PERCENT_HINT}")


class Entry(Section, frozen=True, kw_only=True):
    """One entry rule."""

    when: Annotated[Condition, Special.CONDITION]
    action: Literal["buy", "sell"]
    size: SizeFraction | Size
    name: str | None = None


class SignalExit(Section, frozen=True, kw_only=True):
    """One exit rule."""

    when: Annotated[Condition, Special.CONDITION]
    action: Literal["close_all"] = "close_all"
    name: str | None = None


class StopLoss(Section, frozen=True, kw_only=True):
    """Where a loss is cut."""

    unsupported_types: ClassVar[tuple[str, ...]] = ("atr", "offset")

    type: Literal["percentage"]
    value: StopDistance


class TakeProfit(Section, frozen=True, kw_only=True):
    """Where a profit is taken."""

    unsupported_types: ClassVar[tuple[str, ...]] = ("atr", "offset")

    type: Literal["percentage"]
    value: TargetDistance


class Exit(Section, frozen=True, kw_only=True):
    """How positions are closed."""

    signal_exit: SignalExit | list[SignalExit] | None = None
    stop_loss: StopLoss | None = None
    take_profit: TakeProfit | None = None

    def __post_init__(self) -> None:
        """Bound the number of rules to the bits of a mask."""
        if isinstance(self.signal_exit, list) and len(self.signal_exit) > MOST_RULES:
            raise ValueError(f"at most {MOST_RULES} exit rules, found {len(self.signal_exit)}")


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


class Strategy(Section, frozen=True, kw_only=True):
    """A whole strategy file."""

    name: str
    version: Annotated[str, "version"] = ""
    author: str = ""
    description: str = ""
    symbol: str | None = None
    timeframe: Annotated[str, Special.TIMEFRAME] | None = None
    dependencies: Dependencies = Dependencies()
    parameters: Annotated[dict[str, str], Special.PARAMETERS] = {}
    signal_config: Annotated[dict[str, dict[str, ConfigValue]], Special.SIGNAL_CONFIG] = {}
    entry: Entry | None = None
    entries: list[Entry] | None = None
    exit: Exit = Exit()
    risk: Risk = Risk()
    execution: Execution = Execution()

    def __post_init__(self) -> None:
        """Hold the file to one way of giving its entry rules."""
        if self.entry is not None and self.entries is not None:
            raise ValueError("give either `entry` (one rule) or `entries` (a list of rules), not both")
        if self.entry is None and not self.entries:
            raise ValueError("there is no entry rule: give `entry` (one rule) or `entries` (a list of rules)")
        if self.entries is not None and len(self.entries) > MOST_RULES:
            raise ValueError(f"at most {MOST_RULES} entry rules, found {len(self.entries)}")
