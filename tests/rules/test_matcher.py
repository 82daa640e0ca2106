"""Rules over columns, against a plain evaluator that looks at one candle after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.errors import AmountError
from sptrader_stream.events import Decisions, InstrumentSignals, Signals
from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.rules.operands import FieldOperand, SignalOperand
from sptrader_stream.rules.plan import StrategyPlan
from tests.rules.plain import CONDITIONS, FIELDS, Part, Series
from tests.rules.support import compiled, with_expression

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


X, Y = (Instrument(symbol=each, price_precision=2, quantity_precision=0) for each in "XY")


def decisions(plan: StrategyPlan, columns: Sequence[np.ndarray[Any, Any]], sizes: Sequence[int]) -> list[Decisions]:
    """What the matcher says of one instrument, in batches of the sizes given and one with what is left."""
    matcher, first, found = RuleMatcher(plan, [X]), 0, []
    length = len(columns[0])
    for size in [*sizes, length]:
        last = min(first + size, length)
        if last > first:
            batch = InstrumentSignals([each[first:last] for each in columns], [])
            found.append(matcher.process(Signals(first, 0, [batch])))
        first = last
    return found


def masks(batches: list[Decisions], columns: Sequence[np.ndarray[Any, Any]], kind: str = "entries") -> list[int]:
    """The rules met at the close of every candle."""
    found = [0] * len(columns[0])
    for batch in batches:
        assert [str(each.dtype) for each in (batch.moments, batch.entries, batch.exits)] == [
            "int64",
            "uint32",
            "uint32",
        ]
        assert batch.ends == [len(batch.moments)]
        assert np.all(batch.entries | batch.exits)
        assert np.all(np.diff(batch.moments) > 0)
        for moment, mask in zip(batch.moments.tolist(), getattr(batch, kind).tolist(), strict=True):
            row, remainder = divmod(moment, 2)
            assert remainder == 1
            found[batch.first + row] = mask
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


def test_nothing_is_said_where_no_rule_is_met() -> None:
    plan = _plan("entry: {when: {expr: close > 1}, action: buy, size: 0.1}\n")
    (found,) = decisions(plan, [np.array([0.0, math.nan])], [])
    assert (found.moments.tolist(), found.entries.tolist(), found.exits.tolist()) == ([], [], [])
    assert (found.ends, found.atr, found.closes, found.closes_ends) == ([0], None, None, [])


def test_a_batch_is_named_as_it_came() -> None:
    plan = _plan("entry: {when: {expr: close > 1}, action: buy, size: 0.1}\n")
    found = RuleMatcher(plan, [X]).process(Signals(7, 3, [InstrumentSignals([np.array([2.0])], [])]))
    assert (found.first, found.generated) == (7, 3)


def test_each_instrument_has_its_own_decisions_and_its_own_state() -> None:
    plan = _plan(
        "entry: {when: {expr: 'crosses_above(close, 1)'}, action: buy, size: 0.1}\n"
        "exit: {signal_exit: {when: {expr: close > 5}}}\n"
    )
    matcher = RuleMatcher(plan, [X, Y, X])

    def process(*closes: list[float]) -> tuple[list[int], list[int], list[int], list[int]]:
        found = matcher.process(Signals(0, 0, [InstrumentSignals([np.array(each)], []) for each in closes]))
        return found.ends, found.moments.tolist(), found.entries.tolist(), found.exits.tolist()

    assert process([0.0, 2.0, 0.0], [], [0.0, 0.0, 6.0]) == ([1, 1, 2], [3, 5], [1, 1], [0, 1])
    assert process([2.0], [0.0], [2.0, 7.0]) == ([1, 1, 2], [1, 3], [1, 0], [0, 1])
    assert process([2.0], [2.0], [2.0]) == ([0, 1, 1], [1], [1], [0])


def test_the_average_true_range_counts_ten_thousandths_of_a_tick_at_each_decision() -> None:
    plan = _plan("entry: {when: {expr: close > 1}, action: buy, size: 0.1}\nexit: {stop_loss: {type: atr, value: 2}}\n")
    assert plan.atr == 1
    columns = [np.array([0.0, 2.0, 2.0, 0.0, 2.0]), np.array([9.0, math.nan, 0.5, 9.0, 0.12345650001])]
    for sizes in ([], [1] * 5, [2]):
        batches = decisions(plan, columns, sizes)
        ranges = [each for batch in batches if batch.atr is not None for each in batch.atr.tolist()]
        assert ranges == [-1, 500_000, 123_457]
        assert all(batch.atr is not None and batch.atr.dtype == np.int64 for batch in batches)


def test_an_average_true_range_beyond_exact_arithmetic_is_refused_with_its_instrument() -> None:
    plan = _plan("entry: {when: {expr: close > 1}, action: buy, size: 0.1}\nexit: {stop_loss: {type: atr, value: 2}}\n")
    with pytest.raises(AmountError, match="X: the average true range 1e\\+14 is too large for exact arithmetic"):
        decisions(plan, [np.array([2.0, 2.0]), np.array([1.0, 1e14])], [])


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
