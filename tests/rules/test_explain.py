"""Why a rule is or is not met: the tree of its conditions in words, with the values that they read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sptrader_stream.rules.explain import Explained, Explainer
from sptrader_stream.rules.truths import Frame
from sptrader_stream.timeframes import HOUR
from tests.rules.support import compiled

STRATEGY = """
name: sample
parameters: {limit: 30}
signal_config: {ma_crossover: {fast: 5, slow: 20}}
entry:
  when:
    - signal: ma_crossover
      outputs: {crossover_type: golden_cross}
    - expr: rsi(14) < parameters.limit
    - not: {expr: "close - open > 2 * (high - shift(low, 1))"}
    - any:
        - expr: crosses_above(close, sma(high, 50))
        - expr: macd(12, 26, 9, output="histogram") > 0
  action: buy
  size: 0.02
"""


def explained(text: str, **values_of: float) -> Explained:
    """A strategy's rule at a candle at which every operand has the value of the field or indicator it is of."""
    plan = compiled(text)
    columns: list[Any] = []
    for operand in plan.operands:
        name = getattr(operand, "field", None) or getattr(operand, "name", None)
        columns.append(np.full(2, values_of[name]) if name else np.array([0, 1], np.int8))
    frame = Frame(columns, [np.array([0, HOUR])], [])
    return Explainer(plan).explain(plan.entries[0].condition, frame, 1)


def test_a_rule_is_a_tree_of_conditions_as_an_author_writes_them() -> None:
    tree = explained(STRATEGY, rsi=35.25, close=1.1, open=1.0, high=1.2, low=0.9, sma=math.nan, macd=0.5)
    assert (tree.text, tree.met) == ("all", False)
    signal, index, spike, either = tree.parts
    assert (signal.text, signal.met) == ("ma_crossover.crossover_type is golden_cross", True)
    assert [(each.text, each.value) for each in signal.readings] == [("ma_crossover.crossover_type", "golden_cross")]
    assert (index.text, index.met) == ("rsi(14) < 30", False)
    assert [(each.text, each.value) for each in index.readings] == [("rsi(14)", 35.25)]
    assert (spike.text, spike.met) == ("close - open <= 2 * (high - shift(low, 1))", True)
    assert [each.text for each in spike.readings] == [
        "close - open", "2 * (high - shift(low, 1))", "close", "open", "high", "shift(low, 1)",
    ]  # fmt: skip
    assert (either.text, either.met) == ("any", True)
    cross, histogram = either.parts
    assert (cross.text, cross.met) == ("crosses_above(close, sma(high, 50))", None)
    assert [(each.value, each.before) for each in cross.readings] == [(1.1, 1.1), (None, None)]
    assert (histogram.text, histogram.met) == ('macd(12, 26, 9, output="histogram") > 0', True)


@pytest.mark.parametrize(
    "expression",
    ["close - (open - low) > 0", "(close - open) - low > 0", "close / (open * low) > 0", "close * (open + low) > 0"],
)
def test_parentheses_stand_where_they_matter(expression: str) -> None:
    text = f"name: sample\nentry: {{when: [{{expr: '{expression}'}}], action: buy, size: 0.1}}\n"
    tree = explained(text, close=7.0, open=2.0, low=3.0)
    shown = tree.readings[0]
    assert shown.value == eval(tree.text.removesuffix(" > 0"), {}, {"close": 7.0, "open": 2.0, "low": 3.0})
    assert shown.value == eval(expression.removesuffix(" > 0"), {}, {"close": 7.0, "open": 2.0, "low": 3.0})


def test_a_higher_timeframe_names_its_candle() -> None:
    plan = compiled(
        "name: sample\ntimeframe: 1h\n"
        "entry: {when: [{tf: 4h, expr: close > open}, {expr: close > 1}], action: buy, size: 0.1}\n"
    )
    explainer, condition = Explainer(plan), plan.entries[0].condition
    columns = [np.array([2.0, 1.0]) if number == 1 else np.array([5.0, 5.0, 5.0]) for number in plan.operand_timeframes]
    columns[[getattr(each, "field", "") for each in plan.operands].index("open")][:] = [1.0, 3.0]
    frame = Frame(columns, [np.arange(3) * HOUR, np.array([0, 4 * HOUR])], [np.array([-1, 0, 1])])
    found = [explainer.explain(condition, frame, row).parts[0] for row in range(3)]
    assert [each.text for each in found] == ["on 4h candles"] * 3
    assert [each.met for each in found] == [None, True, False]
    assert [each.candle for each in found] == [None, "1970-01-01T00:00:00Z", "1970-01-01T04:00:00Z"]
    assert found[0].parts == ()
    assert [(each.text, each.value) for each in found[2].parts[0].readings] == [("close", 1.0), ("open", 3.0)]
