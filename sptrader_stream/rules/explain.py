"""Why a rule was or was not met: its conditions with the values that they read, each true, false or undefined.

The rule matcher asks only where a rule is met. Here every condition is evaluated in three values (Kleene), over a
:class:`Frame`: the columns of a stretch of candles. A row of a frame says what it said in the run where at least
``lookback`` candles of the frame come before it, or where the frame begins with the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from sptrader_stream.columns import Codes, Flags, Floats, Ints
from sptrader_stream.rules.conditions import (
    AllOf,
    AnyOf,
    Arithmetic,
    CodeIs,
    Column,
    Comparison,
    Condition,
    Constant,
    Crosses,
    OnTimeframe,
    Shifted,
    Truth,
    Value,
)
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.rules.wording import Wording, number_text
from sptrader_stream.timeframes import format_time

# In this order "and" is the least of its parts and "or" the greatest.
FALSE: Final = 0
UNDEFINED: Final = 1
TRUE: Final = 2

_MET: Final = {FALSE: False, UNDEFINED: None, TRUE: True}
_COMPARE: Final[dict[str, Callable[[Any, Any], Flags]]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip
_COMBINE: Final[dict[str, Callable[[Any, Any], Any]]] = {"+": np.add, "-": np.subtract, "*": np.multiply}


class Frame(msgspec.Struct, frozen=True):
    """What the signals say of a stretch of one instrument's candles.

    Attributes:
        columns: by operand of the plan, each as long as there are candles of the operand's timeframe.
        opens: the candles' open times by timeframe, the strategy's own first, then the plan's higher ones.
        latest: by higher timeframe, for each of the strategy's candles the row of the candle of that timeframe that
            closed last, -1 before the first.
    """

    columns: Sequence[Floats | Codes]
    opens: Sequence[Ints]
    latest: Sequence[Ints]


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that a condition reads.

    Attributes:
        text: what it is, such as ``sma(50)``.
        value: a number, a signal's choice, or None where it is not defined yet.
        before: the same at the candle before, where the condition reads that as well.
    """

    text: str
    value: float | str | None
    before: float | str | None = None


class Explained(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A condition at one candle.

    Attributes:
        text: the condition; ``all`` and ``any`` where it is made of ``parts``, ``on 4h candles`` over its only part.
        met: None where it is not defined yet.
        readings: the two sides of a comparison or a cross that are not plain numbers, and what they are computed
            from; the output of a signal.
        parts: the conditions that it is made of.
        candle: open time of the higher timeframe's candle that it is evaluated at, RFC 3339; None before the first.
    """

    text: str
    met: bool | None
    readings: tuple[Reading, ...] = ()
    parts: tuple[Explained, ...] = ()
    candle: str | None = None


def lookback(node: Condition | Value) -> int:
    """How many earlier candles ``node`` reads, of the timeframe that it is on."""
    match node:
        case Comparison(_, left, right) | Arithmetic(_, left, right):
            return max(lookback(left), lookback(right))
        case Crosses(left, right):
            return 1 + max(lookback(left), lookback(right))
        case Shifted(value, candles):
            return candles + lookback(value)
        case AllOf(parts) | AnyOf(parts):
            return max(map(lookback, parts))
        case OnTimeframe(_, condition):
            return lookback(condition)
        case _:
            return 0


def truths(condition: Condition, frame: Frame, timeframe: int = 0) -> Codes:
    """Evaluate a condition at every candle of a frame.

    Args:
        condition: of a rule of the plan.
        frame: the candles.
        timeframe: which candles: 0 for the strategy's own, else 1 + the index of a higher timeframe.

    Returns:
        FALSE, UNDEFINED or TRUE by candle of the timeframe, int8.
    """
    match condition:
        case Truth(met):
            return np.full(len(frame.opens[timeframe]), TRUE if met else FALSE, np.int8)
        case CodeIs(index, code, equal):
            return _known(np.equal(frame.columns[index], code) == equal)
        case Comparison(sign, left, right):
            one, other = sides(left, right, frame, timeframe)
            found = _known(_COMPARE[sign](one, other))
            found[np.isnan(one) | np.isnan(other)] = UNDEFINED
            return found
        case Crosses(left, right, negated):
            above = truths(Comparison(">", left, right), frame, timeframe)
            was_below = np.concatenate((_UNKNOWN, TRUE - above))[:-1]
            crossed: Codes = np.minimum(above, was_below)
            # A cross is refuted only where all four values are defined.
            crossed[(above == UNDEFINED) | (was_below == UNDEFINED)] = UNDEFINED
            return TRUE - crossed if negated else crossed
        case AllOf(parts):
            least: Codes = np.minimum.reduce([truths(part, frame, timeframe) for part in parts])
            return least
        case AnyOf(parts):
            greatest: Codes = np.maximum.reduce([truths(part, frame, timeframe) for part in parts])
            return greatest
        case OnTimeframe(index, inner):
            latest = frame.latest[index]
            # Row -1 takes what stands behind the last one.
            return np.concatenate((truths(inner, frame, 1 + index), _UNKNOWN))[latest]


_UNKNOWN: Final[Codes] = np.full(1, UNDEFINED, np.int8)


def _known(met: Flags) -> Codes:
    found: Codes = met.astype(np.int8)
    found *= TRUE
    return found


def sides(left: Value, right: Value, frame: Frame, timeframe: int) -> tuple[Floats, Floats]:
    """The two sides of a comparison at every candle of a frame; NaN where they are undefined."""
    size = len(frame.opens[timeframe])
    # Overflow to infinity compares as one expects; infinity less infinity is undefined.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        one, other = _values(left, frame), _values(right, frame)
    return np.broadcast_to(one, size), np.broadcast_to(other, size)


def _values(value: Value, frame: Frame) -> Any:
    match value:
        case Constant(number):
            return np.float64(number)
        case Column(index):
            return frame.columns[index]
        case Shifted(inner, candles):
            column = _values(inner, frame)
            return np.concatenate((np.full(candles, np.nan), column))[: len(column)]
        case Arithmetic("/", left, right):
            divisor = _values(right, frame)
            return np.divide(_values(left, frame), np.where(divisor == 0.0, np.nan, divisor))
        case Arithmetic(sign, left, right):
            return _COMBINE[sign](_values(left, frame), _values(right, frame))


class Explainer:
    """Explains the conditions of one plan.

    Args:
        plan: the strategy.
    """

    def __init__(self, plan: StrategyPlan) -> None:
        self._words = Wording(plan)
        self._timeframes = plan.higher_timeframes

    def explain(self, condition: Condition, frame: Frame, row: int, timeframe: int = 0) -> Explained:
        """Say what a condition is at one candle.

        Args:
            condition: of a rule of the plan.
            frame: the candles.
            row: which of them, in the timeframe.
            timeframe: see :func:`truths`.
        """
        met = _MET[int(truths(condition, frame, timeframe)[row])]
        match condition:
            case Truth():
                return Explained(text="decided by the parameters alone", met=met)
            case CodeIs(index, code, equal):
                text = f"{self._words.operand(index)} is {'' if equal else 'not '}{self._words.choice(index, code)}"
                said = self._words.choice(index, int(frame.columns[index][row]))
                return Explained(text=text, met=met, readings=(Reading(text=self._words.operand(index), value=said),))
            case Comparison(sign, left, right):
                text = f"{self._words.value(left)} {sign} {self._words.value(right)}"
                readings = self._readings(left, right, frame, row, timeframe)
                return Explained(text=text, met=met, readings=readings)
            case Crosses(left, right, negated):
                call = f"crosses_above({self._words.value(left)}, {self._words.value(right)})"
                readings = self._readings(left, right, frame, row, timeframe, before=True)
                return Explained(text=f"not {call}" if negated else call, met=met, readings=readings)
            case AllOf(parts) | AnyOf(parts):
                explained = tuple(self.explain(part, frame, row, timeframe) for part in parts)
                return Explained(text="all" if isinstance(condition, AllOf) else "any", met=met, parts=explained)
            case OnTimeframe(index, inner):
                return self._on_timeframe(index, inner, frame, row, met)

    def _on_timeframe(self, index: int, inner: Condition, frame: Frame, row: int, met: bool | None) -> Explained:
        text = f"on {self._timeframes[index]} candles"
        latest = int(frame.latest[index][row])
        if latest < 0:
            return Explained(text=text, met=met)
        part = self.explain(inner, frame, latest, 1 + index)
        return Explained(text=text, met=met, parts=(part,), candle=format_time(int(frame.opens[1 + index][latest])))

    def _readings(
        self, left: Value, right: Value, frame: Frame, row: int, timeframe: int, *, before: bool = False
    ) -> tuple[Reading, ...]:
        shown: list[Value] = [each for each in (left, right) if not isinstance(each, Constant)]
        for side in tuple(shown):
            shown += [each for each in dict.fromkeys(_computed_from(side)) if each not in shown]
        readings = []
        for each in shown:
            column, _ = sides(each, Constant(0.0), frame, timeframe)
            earlier = _number(column[row - 1]) if before and row > 0 else None
            readings.append(Reading(text=self._words.value(each), value=_number(column[row]), before=earlier))
        return tuple(readings)


def _computed_from(value: Value) -> list[Value]:
    """The columns that arithmetic is done on; none for a plain column."""
    if not isinstance(value, Arithmetic):
        return []
    found: list[Value] = []
    for side in (value.left, value.right):
        found += [side] if isinstance(side, Column | Shifted) else _computed_from(side)
    return found


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def reading_text(value: float | str | None) -> str:
    """Write what a condition reads."""
    if value is None:
        return "not yet defined"
    return value if isinstance(value, str) else number_text(value)
