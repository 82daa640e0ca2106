"""The strategies that come with the project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.conditions import AnyOf
from sptrader_stream.rules.folder import list_strategies
from sptrader_stream.rules.loader import load_strategy
from sptrader_stream.rules.matcher import RuleMatcher

FOLDER = Path("strategies")
SHIPPED = {
    "ma_crossover_strategy",
    "test_death_cross_strategy",
    "ema_crossover",
    "rsi_pullback",
    "macd_trend",
    "bollinger_reversion",
    "donchian_breakout",
}


def test_all_that_are_promised_are_there() -> None:
    assert set(list_strategies(FOLDER)) >= SHIPPED


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_each_is_compiled(name: str) -> None:
    plan = load_strategy(list_strategies(FOLDER)[name])
    assert plan.name == name
    assert plan.description
    assert plan.execution.stop_loss
    assert RuleMatcher(plan, [Instrument(symbol="X", price_precision=5, quantity_precision=2)])


@pytest.mark.parametrize("name", sorted(SHIPPED - {"test_death_cross_strategy"}))
def test_every_parameter_of_ours_counts(name: str) -> None:
    path = list_strategies(FOLDER)[name]
    plan = load_strategy(path)
    assert plan.unused_parameters == ()
    for parameter, value in plan.parameters.items():
        assert load_strategy(path, {parameter: value}).entries == plan.entries


def test_there_is_one_with_both_sides_and_one_with_nested_conditions() -> None:
    plans = [load_strategy(path) for path in list_strategies(FOLDER).values()]
    assert any({rule.side for rule in plan.entries} == {1, -1} for plan in plans)
    assert any(isinstance(rule.condition, AnyOf) for plan in plans for rule in plan.exits)
    texts = [path.read_text(encoding="utf-8") for path in list_strategies(FOLDER).values()]
    assert any(re.search(r"not:\n\s+any:\n", text) for text in texts)


def test_there_are_ones_with_a_higher_timeframe_with_scaling_in_and_with_scaling_out() -> None:
    plans = [load_strategy(path) for path in list_strategies(FOLDER).values()]
    assert any(plan.higher_timeframes for plan in plans)
    assert any(rule.max_positions > 1 and rule.sizing == "risk" for plan in plans for rule in plan.entries)
    kept = [plan.execution for plan in plans if plan.execution.targets and plan.execution.targets[-1].close]
    assert any(execution.trailing_stop for execution in kept)
