"""At which candles the rules of a strategy are met: the conditions as operations on whole columns."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from sptrader_stream.columns import Codes, Flags, Floats, Masks
from sptrader_stream.events import Decisions, Signals
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
    Shifted,
    Truth,
    Value,
    calculates,
    carries_state,
)
from sptrader_stream.rules.plan import StrategyPlan

Columns: TypeAlias = Sequence[Floats | Codes]
# None stands for: met at no candle of the batch.
Met: TypeAlias = Callable[[Columns], Flags | None]
# A series, or one number for all candles.
Evaluated: TypeAlias = Callable[[Columns], Any]


class RuleMatcher:
    """Evaluates a strategy's rules over the columns of one instrument, batch by batch.

    What crosses and shifts need of earlier candles is carried, so any split of the candles gives the same decisions.

    Args:
        plan: the strategy.
    """

    def __init__(self, plan: StrategyPlan) -> None:
        entries = [rule.condition for rule in plan.entries]
        exits = [rule.condition for rule in plan.exits]
        self._entries = _rules(entries)
        self._exits = _rules(exits)
        self._calculates = any(calculates(condition) for condition in (*entries, *exits))

    def process(self, signals: Signals) -> Decisions:
        """Give the decisions of the next batch.

        Args:
            signals: one column per operand of the plan, equally long, float64 (NaN where undefined) or int8.
        """
        if not self._calculates:
            return self._decided(signals)
        # Overflow to infinity compares as one expects; infinity less infinity is undefined.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._decided(signals)

    def _decided(self, signals: Signals) -> Decisions:
        entries, exits = _masks(self._entries, signals.columns), _masks(self._exits, signals.columns)
        return Decisions(signals.first, signals.instrument, signals.generated, entries, exits)


def _rules(conditions: Sequence[Condition]) -> list[tuple[int, Met]]:
    """Each rule's position and test; rules that can never be met are left out."""
    return [(index, _met(condition)) for index, condition in enumerate(conditions) if condition != Truth(False)]


def _masks(rules: list[tuple[int, Met]], columns: Columns) -> Masks | None:
    masks: Masks | None = None
    for index, test in rules:
        met = test(columns)
        if met is None or not np.count_nonzero(met):
            continue
        bits: Masks = met.astype(np.uint32)
        if index:
            bits <<= index
        masks = bits if masks is None else masks | bits
    return masks


def _met(condition: Condition) -> Met:
    """The test for where ``condition`` is known to be met."""
    match condition:
        case Truth(met):
            return lambda columns: np.full(len(columns[0]), met)
        case CodeIs(index, code, equal):
            return _code_is(index, code) if equal else _code_is_not(index, code)
        case Comparison(sign, left, right):
            return _comparison(sign, left, right)
        case Crosses():
            return _Crossing(condition)
        case AllOf(parts):
            return _all(parts)
        case AnyOf(parts):
            return _any([_met(part) for part in parts])


def _code_is(index: int, code: int) -> Met:
    # numpy compares with an array of no dimension faster than with a scalar.
    wanted = np.array(code, np.int8)

    def met(columns: Columns) -> Flags | None:
        codes = columns[index]
        # Codes are rare, and bytes are searched several times faster than arrays are compared.
        return np.equal(codes, wanted) if code in codes.tobytes() else None

    return met


def _code_is_not(index: int, code: int) -> Met:
    other = np.array(code, np.int8)
    return lambda columns: np.not_equal(columns[index], other)


def _all(parts: Sequence[Condition]) -> Met:
    # Parts that carry state must see every batch; the others are only asked while something is left to refute.
    first, *others = parts
    always = [_met(part) for part in others if carries_state(part)]
    optional = [_met(part) for part in others if not carries_state(part)]
    start = _met(first)

    def met(columns: Columns) -> Flags | None:
        found = start(columns)
        for test in always:
            found = _both(found, test(columns))
        for test in optional:
            if found is None or not np.count_nonzero(found):
                return None
            found = _both(found, test(columns))
        return found

    return met


def _both(found: Flags | None, other: Flags | None) -> Flags | None:
    return None if found is None or other is None else found & other


def _any(tests: Sequence[Met]) -> Met:
    first, *others = tests

    def met(columns: Columns) -> Flags | None:
        found = first(columns)
        for test in others:
            other = test(columns)
            found = other if found is None else found if other is None else found | other
        return found

    return met


_COMPARE: dict[str, Callable[[Any, Any], Flags]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    # NaN differs from everything, but an undefined value must not meet a rule.
    "!=": lambda left, right: np.less(left, right) | np.greater(left, right),
}


def _comparison(sign: str, left: Value, right: Value) -> Met:
    compare, one, other = _COMPARE[sign], _evaluated(left), _evaluated(right)
    if isinstance(left, Column) and isinstance(right, Constant):
        index, limit = left.index, float(right.value)
        return lambda columns: compare(columns[index], limit)
    return lambda columns: compare(one(columns), other(columns))


class _Crossing:
    """Carries whether the left side was above the right one, and whether it was known not to be, one candle back."""

    def __init__(self, condition: Crosses) -> None:
        self._left = _evaluated(condition.left)
        self._right = _evaluated(condition.right)
        self._negated = condition.negated
        self._above = self._not_above = np.zeros(1, np.bool_)

    def __call__(self, columns: Columns) -> Flags:
        left, right = self._left(columns), self._right(columns)
        above = np.greater(left, right)
        not_above = np.less_equal(left, right)
        was_not_above = np.concatenate((self._not_above, not_above))
        self._not_above = was_not_above[-1:]
        if not self._negated:
            crossed: Flags = was_not_above[:-1] & above
            return crossed
        was_above = np.concatenate((self._above, above))
        self._above = was_above[-1:]
        stayed: Flags = (was_not_above[:-1] & not_above) | (was_above[:-1] & (above | not_above))
        return stayed


def _evaluated(value: Value) -> Evaluated:
    match value:
        case Constant(number):
            fixed = float(number)
            return lambda columns: fixed
        case Column(index):
            return operator.itemgetter(index)
        case Shifted(inner, candles):
            return _Shift(_evaluated(inner), candles)
        case Arithmetic("/", left, right):
            return _quotient(_evaluated(left), _evaluated(right))
        case Arithmetic(sign, left, right):
            return _combined(_ARITHMETIC[sign], _evaluated(left), _evaluated(right))


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"+": np.add, "-": np.subtract, "*": np.multiply}


def _combined(combine: Callable[[Any, Any], Any], left: Evaluated, right: Evaluated) -> Evaluated:
    return lambda columns: combine(left(columns), right(columns))


def _quotient(left: Evaluated, right: Evaluated) -> Evaluated:
    def quotient(columns: Columns) -> Any:
        divisor = right(columns)
        return np.divide(left(columns), np.where(divisor == 0.0, np.nan, divisor))

    return quotient


class _Shift:
    """Carries the last values of a series."""

    def __init__(self, inner: Evaluated, candles: int) -> None:
        self._inner = inner
        self._candles = candles
        self._earlier: Floats = np.full(candles, np.nan)

    def __call__(self, columns: Columns) -> Floats:
        values = np.concatenate((self._earlier, self._inner(columns)))
        self._earlier = values[-self._candles :].copy()
        return values[: -self._candles]
