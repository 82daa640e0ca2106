"""Conditions over a higher timeframe: what is compiled, and where they are met."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.events import InstrumentSignals, Signals
from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.conditions import AllOf, Column, Comparison, Constant, OnTimeframe, Truth
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.rules.operands import FieldOperand, SignalOperand
from sptrader_stream.rules.plan import StrategyPlan
from tests.rules.plain import CONDITIONS, FIELDS, Part, Series
from tests.rules.support import compiled

CLOSE = FieldOperand("close")
X = Instrument(symbol="X", price_precision=2, quantity_precision=0)


def plan_of(when: str, head: str = "timeframe: 1h") -> StrategyPlan:
    return compiled(f"name: a\n{head}\nentry:\n  when: {when}\n  action: buy\n  size: 0.1\n")


def test_the_same_column_of_two_timeframes_is_two_columns() -> None:
    plan = plan_of(
        "[{expr: close > 1}, {expr: close > 2, tf: 4h}, {expr: close > 3, tf: 240m}, {expr: open > 1, tf: 1d}]"
    )
    assert plan.operands == (CLOSE, CLOSE, FieldOperand("open"))
    assert (plan.higher_timeframes, plan.operand_timeframes) == (("4h", "1d"), (0, 1, 2))
    assert plan.entries[0].condition == AllOf((
        Comparison(">", Column(0), Constant(1)),
        OnTimeframe(0, Comparison(">", Column(1), Constant(2))),
        OnTimeframe(0, Comparison(">", Column(1), Constant(3))),
        OnTimeframe(1, Comparison(">", Column(2), Constant(1))),
    ))  # fmt: skip


def test_a_signal_is_computed_on_the_timeframe_that_asks_for_it() -> None:
    plan = plan_of("{signal: ma_crossover, outputs: {crossover_type: golden_cross}, tf: 4h}")
    assert plan.operands == (SignalOperand("ma_crossover", "crossover_type"), CLOSE)
    assert plan.operand_timeframes == (1, 0)


@pytest.mark.parametrize(
    "when",
    [
        "{all: [{expr: close > 1}, {expr: open > 2}], tf: 4h}",
        "{not: {any: [{expr: close <= 1}, {expr: open <= 2}]}, tf: 4h}",
        "{expr: close > 1 and open > 2, tf: 4h}",
    ],
)
def test_any_form_of_condition_has_a_tf(when: str) -> None:
    parts = (Comparison(">", Column(0), Constant(1)), Comparison(">", Column(1), Constant(2)))
    assert plan_of(when).entries[0].condition == OnTimeframe(0, AllOf(parts))


def test_what_is_not_met_on_a_timeframe_is_the_opposite_there() -> None:
    plan = plan_of("{not: {expr: close > 1, tf: 4h}}")
    assert plan.entries[0].condition == OnTimeframe(0, Comparison("<=", Column(0), Constant(1)))


@pytest.mark.parametrize("tf", ["1h", "60m"])
def test_the_strategys_own_timeframe_is_nothing_special(tf: str) -> None:
    plan = plan_of(f"{{expr: close > 1, tf: {tf}}}")
    assert plan.entries[0].condition == Comparison(">", Column(0), Constant(1))
    assert (plan.higher_timeframes, plan.operand_timeframes) == ((), (0,))


def test_a_tf_is_taken_from_a_parameter() -> None:
    plan = plan_of("{expr: close > 1, tf: parameters.trend}", "parameters: {trend: 1d}")
    assert plan.higher_timeframes == ("1d",)


def test_what_parameters_decide_needs_no_candle_of_any_timeframe() -> None:
    plan = plan_of("{expr: parameters.on > 0, tf: 4h}", "parameters: {on: 1}")
    assert (plan.entries[0].condition, plan.higher_timeframes, plan.operands) == (Truth(True), (), (CLOSE,))


def run(
    plan: StrategyPlan, rows: int, sizes: list[int], columns: list[np.ndarray[Any, Any]], closes: list[list[int]]
) -> dict[int, int]:
    """The entry rules met, by moment of the whole run, in batches of so many rows of data."""
    matcher, first = RuleMatcher(plan, [X]), 0
    found: dict[int, int] = {}
    for size in [*sizes, rows]:
        last = min(first + size, rows)
        inside = [slice(*np.searchsorted(each, [2 * first, 2 * last])) for each in closes]
        batch = InstrumentSignals(
            [column[inside[own]] for column, own in zip(columns, plan.operand_timeframes, strict=True)],
            [np.array(each[part], np.int64) - 2 * first for each, part in zip(closes, inside, strict=True)],
        )
        decided = matcher.process(Signals(first, 0, [batch]))
        assert decided.closes is not None
        assert decided.closes.tolist() == batch.closes[0].tolist()
        assert decided.closes_ends == [len(batch.closes[0])]
        assert set(decided.moments.tolist()) <= set(batch.closes[0].tolist())
        found.update(zip((decided.moments + 2 * first).tolist(), decided.entries.tolist(), strict=True))
        first = last
    return found


ROWS = 12
MOMENTS = st.sets(st.integers(0, 2 * ROWS - 1), max_size=2 * ROWS).map(sorted)
VALUES = st.lists(
    st.tuples(*[st.sampled_from([0.0, 1.0, 1.5, 2.0, -3.0, math.nan])] * len(FIELDS)),
    min_size=2 * ROWS,
    max_size=2 * ROWS,
)


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(CONDITIONS, CONDITIONS, CONDITIONS),
    st.sampled_from(["all", "any"]),
    st.tuples(MOMENTS, MOMENTS, MOMENTS),
    st.tuples(VALUES, VALUES, VALUES),
    st.lists(st.integers(1, 5), max_size=ROWS),
)
def test_a_condition_holds_as_at_the_last_higher_candle_that_closed_by_then(
    parts: tuple[Part, Part, Part],
    form: str,
    closes: tuple[list[int], list[int], list[int]],
    values: tuple[list[tuple[float, ...]], ...],
    sizes: list[int],
) -> None:
    here, four_hours, day = (text for text, _ in parts)
    plan = plan_of(
        f"{{{form}: [{{expr: '{four_hours}', tf: 4h}}, {{expr: '{here}'}}, {{not: {{expr: '{day}'}}, tf: 1d}}]}}"
    )
    order = [None, *plan.higher_timeframes]
    used = [(None, "4h", "1d").index(each) for each in order]
    series: list[Series] = [{name: [row[k] for row in rows] for k, name in enumerate(FIELDS)} for rows in values]
    columns = []
    for operand, own in zip(plan.operands, plan.operand_timeframes, strict=True):
        assert isinstance(operand, FieldOperand)
        columns.append(np.array(series[used[own]][operand.field])[: len(closes[used[own]])])

    def known(index: int, moment: int, wanted: bool) -> bool:
        closed = sum(each <= moment for each in closes[index])
        return bool(closed) and parts[index][1](series[index], closed - 1) is wanted

    join = all if form == "all" else any
    met = [m for m in closes[0] if join([known(0, m, True), known(1, m, True), known(2, m, False)])]
    assert run(plan, ROWS, sizes, columns, [closes[each] for each in used]) == dict.fromkeys(met, 1)


def test_a_condition_is_neither_met_nor_refuted_before_a_higher_candle_has_closed() -> None:
    when = "{any: [{expr: close > 1, tf: 4h}, {not: {expr: close > 1, tf: 4h}}]}"
    plan = plan_of(when)
    own, higher = [1, 3, 5, 7], [4, 7]
    columns = {0: np.array([0.0] * 4), 1: np.array([2.0, 0.0])}
    for sizes in ([], [1] * 4, [2, 1]):
        given_columns = [columns[each] for each in plan.operand_timeframes]
        assert run(plan, 4, sizes, given_columns, [own, higher]) == {5: 1, 7: 1}
