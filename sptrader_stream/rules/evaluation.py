"""Where a condition is met: compiled conditions as operations on whole columns of one instrument.

A test is given every batch of an instrument in order and answers for each candle of the strategy's timeframe that
closed in it. What crosses, shifts and higher timeframes need of earlier candles is carried, so any split of the candles
gives the same answers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from sptrader_stream.columns import Codes, Flags, Floats
from sptrader_stream.events import InstrumentSignals
from sptrader_stream.rules.conditions import (
    AllOf,
    AnyOf,
    Arithmetic,
    ArithmeticSign,
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
    carries_state,
)

Columns: TypeAlias = Sequence[Floats | Codes]
# None stands for: met at no candle of the batch.
Met: TypeAlias = Callable[[InstrumentSignals], Flags | None]
# A series, or one number for all candles.
Evaluated: TypeAlias = Callable[[Columns], Any]


def evaluator(condition: Condition, own_column: int) -> Met:
    """The test for where ``condition`` is known to be met; carries what it needs of earlier candles.

    Args:
        condition: of a plan.
        own_column: a column of the strategy's own timeframe, as long as the answer.
    """
    if isinstance(condition, Truth):
        return lambda batch: np.full(len(batch.columns[own_column]), condition.met)
    return _met(condition)


def _met(condition: Condition) -> Met:
    match condition:
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
        case OnTimeframe(timeframe, inner):
            return _Held(timeframe, _met(inner))
        case Truth():
            raise AssertionError("all_of and any_of leave no truth inside of a condition")


def _code_is(index: int, code: int) -> Met:
    # numpy compares with an array of no dimension faster than with a scalar.
    wanted = np.array(code, np.int8)

    def met(batch: InstrumentSignals) -> Flags | None:
        codes = batch.columns[index]
        # Codes are rare, and bytes are searched several times faster than arrays are compared.
        return np.equal(codes, wanted) if code in codes.tobytes() else None

    return met


def _code_is_not(index: int, code: int) -> Met:
    other = np.array(code, np.int8)
    return lambda batch: np.not_equal(batch.columns[index], other)


def _all(parts: Sequence[Condition]) -> Met:
    # Parts that carry state must see every batch; the others are only asked while something is left to refute.
    first, *others = parts
    always = [_met(part) for part in others if carries_state(part)]
    optional = [_met(part) for part in others if not carries_state(part)]
    start = _met(first)

    def met(batch: InstrumentSignals) -> Flags | None:
        found = start(batch)
        for test in always:
            found = _both(found, test(batch))
        for test in optional:
            if found is None or not np.count_nonzero(found):
                return None
            found = _both(found, test(batch))
        return found

    return met


def _both(found: Flags | None, other: Flags | None) -> Flags | None:
    return None if found is None or other is None else found & other


def _any(tests: Sequence[Met]) -> Met:
    first, *others = tests

    def met(batch: InstrumentSignals) -> Flags | None:
        found = first(batch)
        for test in others:
            other = test(batch)
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
        return lambda batch: compare(batch.columns[index], limit)
    return lambda batch: compare(one(batch.columns), other(batch.columns))


class _Crossing:
    """Carries whether the left side was above the right one, and whether it was known not to be, one candle back."""

    def __init__(self, condition: Crosses) -> None:
        self._left = _evaluated(condition.left)
        self._right = _evaluated(condition.right)
        self._negated = condition.negated
        self._above = self._not_above = np.zeros(1, np.bool_)

    def __call__(self, batch: InstrumentSignals) -> Flags:
        left, right = self._left(batch.columns), self._right(batch.columns)
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


class _Held:
    """Carries what a condition over a higher timeframe came to at the last of its candles that closed."""

    def __init__(self, timeframe: int, inner: Met) -> None:
        self._timeframe = 1 + timeframe
        self._inner = inner
        self._last = np.zeros(1, np.bool_)

    def __call__(self, batch: InstrumentSignals) -> Flags | None:
        higher, own = batch.closes[self._timeframe], batch.closes[0]
        met = self._inner(batch) if len(higher) else None
        if met is None:
            if not self._last[0]:
                return None
            met = np.zeros(len(higher), np.bool_)
        truths = np.concatenate((self._last, met))
        self._last = truths[-1:]
        # Of the higher candles, those count that have closed by the moment at which the strategy's own one closes.
        held: Flags = truths[np.searchsorted(higher, own, "right")]
        return held


def _evaluated(value: Value) -> Evaluated:
    match value:
        case Constant(number):
            fixed = float(number)
            return lambda columns: fixed
        case Column(index):
            return operator.itemgetter(index)
        case Shifted(inner, candles):
            return _Shift(_evaluated(inner), candles)
        case Arithmetic(sign, left, right):
            return _combined(ARITHMETIC[sign], _evaluated(left), _evaluated(right))


def _quotient(dividend: Any, divisor: Any) -> Any:
    return np.divide(dividend, np.where(divisor == 0.0, np.nan, divisor))


# Of numbers and arrays; what is divided by zero is undefined.
ARITHMETIC: Final[dict[ArithmeticSign, Callable[[Any, Any], Any]]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": _quotient,
}  # fmt: skip


def _combined(combine: Callable[[Any, Any], Any], left: Evaluated, right: Evaluated) -> Evaluated:
    return lambda columns: combine(left(columns), right(columns))


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
