"""Rules over columns, against a plain evaluator that looks at one candle after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.events import Decisions, Signals
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.rules.operands import FieldOperand, SignalOperand
from sptrader_stream.rules.plan import StrategyPlan
from tests.rules.support import compiled, with_expression

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
# Few values, so that they are often equal and often cross; undefined ones among them.
CANDLES = st.lists(
    st.tuples(*[st.sampled_from([0.0, 1.0, 1.5, 2.0, -3.0, math.nan])] * len(FIELDS)), min_size=1, max_size=25
)


def columns_of(plan: StrategyPlan, series: Series) -> list[np.ndarray[Any, Any]]:
    found = []
    for operand in plan.operands:
        assert isinstance(operand, FieldOperand)
        found.append(np.array(series[operand.field], np.float64))
    return found


def decisions(plan: StrategyPlan, columns: Sequence[np.ndarray[Any, Any]], sizes: Sequence[int]) -> list[Decisions]:
    matcher, first, found = RuleMatcher(plan), 0, []
    length = len(columns[0])
    for size in [*sizes, length]:
        last = min(first + size, length)
        if last > first:
            found.append(matcher.process(Signals(first, 0, 0, [each[first:last] for each in columns])))
        first = last
    return found


def masks(batches: list[Decisions], columns: Sequence[np.ndarray[Any, Any]], kind: str = "entries") -> list[int]:
    found: list[int] = []
    ends = [each.first for each in batches[1:]] + [len(columns[0])]
    for batch, end in zip(batches, ends, strict=True):
        mask = getattr(batch, kind)
        assert mask is None or (mask.dtype == np.uint32 and mask.any())
        found += [0] * (end - batch.first) if mask is None else mask.tolist()
    return found


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, CANDLES, st.lists(st.integers(1, 7), max_size=10))
def test_a_rule_is_met_exactly_where_it_is_known_to_hold(
    part: Part, candles: list[tuple[float, ...]], sizes: list[int]
) -> None:
    text, value = part
    series = {name: [candle[index] for candle in candles] for index, name in enumerate(FIELDS)}
    plan = compiled(with_expression(text))
    columns = columns_of(plan, series)
    wanted = [int(value(series, candle) is True) for candle in range(len(candles))]
    assert masks(decisions(plan, columns, sizes), columns) == wanted


def _plan(text: str) -> StrategyPlan:
    return compiled("name: a\n" + text)


def test_a_rule_is_its_bit() -> None:
    plan = _plan(
        "entries:\n"
        "  - {when: {expr: close > 1}, action: buy, size: 0.1}\n"
        "  - {when: {expr: close > 2}, action: buy, size: 0.1}\n"
        "  - {when: {expr: close > 100}, action: sell, size: 0.1}\n"
        "exit:\n  signal_exit:\n    - when: {expr: close > 100}\n    - when: {expr: close > 3}\n"
    )
    columns = [np.array([0.0, 1.5, 2.5, 3.5, math.nan])]
    batches = decisions(plan, columns, [])
    assert masks(batches, columns) == [0, 1, 3, 3, 0]
    assert masks(batches, columns, "exits") == [0, 0, 0, 2, 0]


def test_the_last_of_32_rules_has_the_last_bit() -> None:
    plan = _plan("entries:\n" + "  - {when: {expr: close > 1}, action: buy, size: 0.1}\n" * 32)
    columns = [np.array([2.0])]
    assert masks(decisions(plan, columns, []), columns) == [2**32 - 1]


def test_no_mask_is_sent_where_no_rule_is_met() -> None:
    plan = _plan("entry: {when: {expr: close > 1}, action: buy, size: 0.1}\n")
    (found,) = decisions(plan, [np.array([0.0, math.nan])], [])
    assert found.entries is None
    assert found.exits is None


def test_a_batch_is_named_as_it_came() -> None:
    plan = _plan("entry: {when: {expr: close > 1}, action: buy, size: 0.1}\n")
    found = RuleMatcher(plan).process(Signals(7, 3, 0, [np.array([2.0])]))
    assert (found.first, found.instrument) == (7, 3)


def test_a_signal_is_compared_by_the_name_of_its_choice() -> None:
    condition = "{{signal: ma_crossover, outputs: {{crossover_type: {}}}}}"
    rules = ["golden_cross", "death_cross", "none", "{'!=': none}", "{'!=': death_cross}"]
    plan = _plan(
        "entries:\n" + "".join(f"  - {{when: {condition.format(rule)}, action: buy, size: 0.1}}\n" for rule in rules)
    )
    assert plan.operands == (SignalOperand("ma_crossover", "crossover_type"),)
    columns = [np.array([0, 1, 2], np.int8)]
    assert masks(decisions(plan, columns, []), columns) == [0b10100, 0b11001, 0b01010]


@pytest.mark.parametrize("sizes", [[], [1] * 5, [2, 1]])
def test_signals_are_joined_whether_or_not_a_batch_has_any_of_them(sizes: list[int]) -> None:
    golden = "{signal: ma_crossover, outputs: {crossover_type: golden_cross}}"
    bullish = "{signal: macd_cross, outputs: {cross: bullish}}"
    rising = "{expr: 'crosses_above(close, 1)'}"
    rules = [
        *(f"{{all: [{golden}, {bullish}]}}", f"{{any: [{golden}, {bullish}]}}"),
        *(f"{{all: [{golden}, {rising}]}}", f"{{any: [{golden}, {rising}]}}"),
    ]
    plan = _plan("entries:\n" + "".join(f"  - {{when: {rule}, action: buy, size: 0.1}}\n" for rule in rules))
    columns = [np.array([0, 1, 0, 1, 0], np.int8), np.array([0, 0, 1, 1, 0], np.int8), np.array([1.0, 2, 1, 2, 1])]
    assert masks(decisions(plan, columns, sizes), columns) == [0, 0b1110, 0b0010, 0b1111, 0]


def test_a_signals_number_is_compared_like_any_other() -> None:
    plan = _plan(
        "entry:\n  when:\n    - signal: ma_crossover\n      outputs:\n        crossover_type: golden_cross\n"
        "        strength: {'>': 0.5, '<=': 2}\n  action: buy\n  size: 0.1\n"
    )
    columns = [np.array([1, 1, 1, 1, 2, 1], np.int8), np.array([0.5, 0.6, 2.0, 2.1, 1.0, math.nan])]
    assert masks(decisions(plan, columns, [2, 1]), columns) == [0, 1, 1, 0, 0, 0]


def test_a_cross_needs_a_defined_candle_before_it() -> None:
    plan = _plan("entry: {when: {expr: 'crosses_above(close, 1)'}, action: buy, size: 0.1}\n")
    columns = [np.array([2.0, 1.0, 2.0, math.nan, 2.0, 0.0, 3.0])]
    for sizes in ([], [1] * 7, [2, 2]):
        assert masks(decisions(plan, columns, sizes), columns) == [0, 0, 1, 0, 0, 0, 1]


def test_a_rule_that_its_parameters_decide_is_met_always_or_never() -> None:
    text = "parameters: {{on: {}}}\nentry: {{when: {{expr: parameters.on > 0}}, action: buy, size: 0.1}}\n"
    columns = [np.array([1.0, math.nan])]
    assert masks(decisions(_plan(text.format(1)), columns, []), columns) == [1, 1]
    assert masks(decisions(_plan(text.format(0)), columns, []), columns) == [0, 0]


def test_a_value_beyond_all_floats_is_compared_as_infinite() -> None:
    plan = _plan("entry: {when: {expr: close * close > 1 and close / volume > 0}, action: buy, size: 0.1}\n")
    columns = [np.array([1e300, 1e300, -1e300]), np.array([1.0, 0.0, 1.0])]
    assert masks(decisions(plan, columns, []), columns) == [1, 0, 0]
