"""Why a rule was or was not met: its conditions with the values that they read, each true, false or undefined."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

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
from sptrader_stream.rules.truths import FALSE, TRUE, UNDEFINED, Frame, sides, truths
from sptrader_stream.rules.wording import Wording, number_text
from sptrader_stream.timeframes import format_time

_MET: Final = {FALSE: False, UNDEFINED: None, TRUE: True}


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
