"""Conditions in three values, against a plain evaluator that looks at one candle after the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

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
from sptrader_stream.rules.truths import FALSE, TRUE, UNDEFINED, Frame, lookback, truths
from sptrader_stream.timeframes import HOUR

TRUTHS = {True: TRUE, False: FALSE, None: UNDEFINED}
# Columns 0 and 1 are numbers, 2 codes, all of the strategy's candles; 3 and 4 are numbers of a higher timeframe.
OWN, HIGHER = (0, 1), (3, 4)

Number = float | None


def defined(number: float) -> Number:
    return None if math.isnan(number) else number


def value_at(value: Value, frame: Frame, row: int) -> Number:
    if row < 0:
        return None
    match value:
        case Constant(number):
            return number
        case Column(index):
            return defined(float(frame.columns[index][row]))
        case Shifted(inner, candles):
            return value_at(inner, frame, row - candles)
        case Arithmetic(sign, left, right):
            one, other = value_at(left, frame, row), value_at(right, frame, row)
            if one is None or other is None or (sign == "/" and other == 0):
                return None
            calculate: dict[str, Callable[[], float]] = {
                "+": lambda: one + other, "-": lambda: one - other, "*": lambda: one * other, "/": lambda: one / other,
            }  # fmt: skip
            return defined(calculate[sign]())


def truth_at(condition: Condition, frame: Frame, row: int) -> bool | None:
    match condition:
        case Truth(met):
            return met
        case CodeIs(index, code, equal):
            return (int(frame.columns[index][row]) == code) == equal
        case Comparison(sign, left, right):
            one, other = value_at(left, frame, row), value_at(right, frame, row)
            if one is None or other is None:
                return None
            return {
                "<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other, "==": one == other,
                "!=": one != other,
            }[sign]  # fmt: skip
        case Crosses(left, right, negated):
            values = [value_at(each, frame, row - back) for back in (1, 0) for each in (left, right)]
            if None in values:
                return None
            was, was_other, now, now_other = values
            return (was <= was_other and now > now_other) != negated  # type: ignore[operator]
        case AllOf(parts):
            found = [truth_at(each, frame, row) for each in parts]
            return False if False in found else None if None in found else True
        case AnyOf(parts):
            found = [truth_at(each, frame, row) for each in parts]
            return True if True in found else None if None in found else False
        case OnTimeframe(index, inner):
            latest = int(frame.latest[index][row])
            return truth_at(inner, frame, latest) if latest >= 0 else None


def values(columns: tuple[int, ...]) -> st.SearchStrategy[Value]:
    return st.recursive(
        st.sampled_from(columns).map(Column),
        lambda inner: st.one_of(
            st.builds(Shifted, inner, st.integers(1, 3)),
            st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner),
            st.builds(Arithmetic, st.sampled_from("+-*/"), inner, st.sampled_from([0.5, 2.0]).map(Constant)),
        ),
        max_leaves=3,
    )


def conditions(columns: tuple[int, ...], *leaves: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    value = values(columns)
    comparison = st.builds(
        Comparison, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), value, value | st.just(Constant(1.0))
    )
    return st.recursive(
        st.one_of(comparison, st.builds(Crosses, value, value, st.booleans()), *leaves),
        lambda inner: st.builds(
            lambda kind, parts: kind(tuple(parts)),
            st.sampled_from([AllOf, AnyOf]),
            st.lists(inner, min_size=2, max_size=3),
        ),
        max_leaves=4,
    )


CODE = st.builds(CodeIs, st.just(2), st.integers(0, 2), st.booleans())
ON_HIGHER = st.builds(OnTimeframe, st.just(0), conditions(HIGHER))
CONDITIONS = conditions(OWN, CODE, st.booleans().map(Truth), ON_HIGHER)


@st.composite
def frames(draw: Any) -> Frame:
    """Few different numbers, so that equality and undefined values are common."""
    number = st.sampled_from([math.nan, -1.0, 0.0, 0.5, 1.0, 2.0, math.inf])
    size, higher = draw(st.integers(1, 8)), draw(st.integers(0, 4))

    def column(length: int) -> Any:
        return np.array(draw(st.lists(number, min_size=length, max_size=length)), np.float64)

    codes = np.array(draw(st.lists(st.integers(0, 2), min_size=size, max_size=size)), np.int8)
    latest = sorted(draw(st.lists(st.integers(-1, higher - 1), min_size=size, max_size=size)))
    return Frame(
        [column(size), column(size), codes, column(higher), column(higher)],
        [np.arange(size) * HOUR, np.arange(higher) * 4 * HOUR],
        [np.array(latest, np.int64)],
    )


@settings(max_examples=300, deadline=None)
@given(CONDITIONS, frames())
def test_truths_are_those_of_one_candle_after_the_other(condition: Condition, frame: Frame) -> None:
    expected = [TRUTHS[truth_at(condition, frame, row)] for row in range(len(frame.opens[0]))]
    assert truths(condition, frame).tolist() == expected


@settings(max_examples=100, deadline=None)
@given(conditions(OWN, CODE), frames(), st.data())
def test_a_condition_reads_no_further_back_than_it_says(
    condition: Condition, frame: Frame, data: st.DataObject
) -> None:
    """With that many candles before it, a row is the same in a part of the frame."""
    size = len(frame.opens[0])
    start = data.draw(st.integers(0, size - 1))
    part = Frame([column[start:] for column in frame.columns[:3]], [frame.opens[0][start:]], [])
    whole = truths(condition, frame).tolist()
    back = lookback(condition)
    assert truths(condition, part).tolist()[back:] == whole[start + back :]
