"""Random expressions with a plain evaluator that looks at one candle after the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

FIELDS = ("open", "high", "low", "close")
Series = dict[str, list[float]]
Number = float | None
Truth = bool | None

# A part of an expression: its text, and its value at a candle.
Part = tuple[str, Callable[[Series, int], Any]]


def _field(name: str) -> Part:
    def value(series: Series, candle: int) -> Number:
        found = series[name][candle]
        return None if math.isnan(found) else found

    return name, value


def _constant(number: float) -> Part:
    return repr(number), lambda series, candle: number


def _shifted(inner: Part, candles: int) -> Part:
    def value(series: Series, candle: int) -> Number:
        return inner[1](series, candle - candles) if candle >= candles else None

    return f"shift({inner[0]}, {candles})", value


def _calculated(left: Part, sign: str, right: Part) -> Part:
    def value(series: Series, candle: int) -> Number:
        one, other = left[1](series, candle), right[1](series, candle)
        if one is None or other is None or (sign == "/" and other == 0):
            return None
        found = {
            "+": lambda: one + other,
            "-": lambda: one - other,
            "*": lambda: one * other,
            "/": lambda: one / other,
        }[sign]()
        return None if math.isnan(found) else found

    return f"({left[0]} {sign} {right[0]})", value


def _compare(one: Number, sign: str, other: Number) -> Truth:
    if one is None or other is None:
        return None
    return {
        "<": one < other,
        "<=": one <= other,
        ">": one > other,
        ">=": one >= other,
        "==": one == other,
        "!=": one != other,
    }[sign]


def _compared(left: Part, sign: str, right: Part) -> Part:
    return f"{left[0]} {sign} {right[0]}", lambda s, i: _compare(left[1](s, i), sign, right[1](s, i))


def _crosses(left: Part, right: Part, above: bool) -> Part:
    def value(series: Series, candle: int) -> Truth:
        if candle == 0:
            return None
        was = left[1](series, candle - 1), right[1](series, candle - 1)
        now = left[1](series, candle), right[1](series, candle)
        if None in was or None in now:
            return None
        return bool(was[0] <= was[1] and now[0] > now[1] if above else was[0] >= was[1] and now[0] < now[1])

    return f"crosses_{'above' if above else 'below'}({left[0]}, {right[0]})", value


def _both(left: Part, word: str, right: Part) -> Part:
    def value(series: Series, candle: int) -> Truth:
        found = left[1](series, candle), right[1](series, candle)
        decisive = word == "or"
        if decisive in found:
            return decisive
        return None if None in found else not decisive

    return f"({left[0]} {word} {right[0]})", value


def _denied(inner: Part) -> Part:
    def value(series: Series, candle: int) -> Truth:
        found = inner[1](series, candle)
        return None if found is None else not found

    return f"(not {inner[0]})", value


SERIES = st.recursive(
    st.sampled_from(FIELDS).map(_field),
    lambda inner: st.one_of(
        st.builds(_shifted, inner, st.integers(1, 4)),
        st.builds(_calculated, inner, st.sampled_from("+-*/"), inner),
        st.builds(_calculated, inner, st.sampled_from("+-*/"), st.sampled_from([0.5, 2.0, 3.0]).map(_constant)),
    ),
    max_leaves=4,
)
CONDITIONS = st.recursive(
    st.one_of(
        st.builds(_compared, SERIES, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), SERIES),
        st.builds(_compared, SERIES, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.just(_constant(1.0))),
        st.builds(_crosses, SERIES, st.one_of(SERIES, st.just(_constant(1.0))), st.booleans()),
    ),
    lambda inner: st.one_of(st.builds(_both, inner, st.sampled_from(["and", "or"]), inner), st.builds(_denied, inner)),
    max_leaves=4,
)
