"""Every numbered rule of EXECUTION.md by an example computed by hand; the examples are data, in ``scenarios/``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest
import yaml
from hypothesis import given, settings

from sptrader_stream.execution.records import ExecutionEvent
from sptrader_stream.execution.settings import ExecutionSettings
from sptrader_stream.money import format_money, parse_scaled
from tests.execution.describe import describe
from tests.execution.driver import cuts_by_rows, run_core
from tests.execution.page import ELSEWHERE, RULES
from tests.execution.scenario import Scenario, line, markets_of, names_of, settings_of
from tests.execution.strategies import World, worlds
from tests.reference import Market, Result, run

Engine: TypeAlias = Callable[[ExecutionSettings, list[Market], Any], Result]
ROOT = Path(__file__).parents[2]


@cache
def scenarios() -> list[tuple[str, Scenario]]:
    files = sorted((Path(__file__).parent / "scenarios").glob("*.yaml"))
    return [(file.stem, each) for file in files for each in yaml.load(file.read_text(), yaml.CSafeLoader)]


def reference(settings: ExecutionSettings, markets: list[Market], end: Literal["end_of_data", "cancelled"]) -> Result:
    return run(settings, markets, end)


def core(settings: ExecutionSettings, markets: list[Market], end: Literal["end_of_data", "cancelled"]) -> Result:
    return run_core(settings, markets, end=end)


def core_one_by_one(
    settings: ExecutionSettings, markets: list[Market], end: Literal["end_of_data", "cancelled"]
) -> Result:
    return run_core(settings, markets, cuts_by_rows(markets, 1), end)


@pytest.mark.parametrize("engine", [reference, core, core_one_by_one])
@pytest.mark.parametrize("scenario", [pytest.param(each, id=f"{file}-{each['name']}") for file, each in scenarios()])
def test_scenario(scenario: Scenario, engine: Engine) -> None:
    chosen = settings_of(scenario)
    result = engine(chosen, markets_of(scenario), scenario.get("end", "end_of_data"))
    shows, settlement = scenario["shows"], result.settlement

    def lines(events: list[ExecutionEvent]) -> list[str]:
        return [line(each, chosen, names_of(scenario)) for each in events]

    assert lines(result.events) == scenario["events"], shows
    if "equity" in scenario:
        assert [format_money(each) for each in result.equity] == [money(each) for each in scenario["equity"]], shows
    assert result.open_positions[-1] == scenario.get("open", 0)
    assert (settlement is not None) == ("settles" in scenario), shows
    cash = result.cash[-1]
    if settlement is not None:
        assert lines(settlement.events) == scenario["settles"], shows
        assert format_money(settlement.equity) == money(scenario["cash"]), shows
        assert settlement.open_positions == 0
        cash = settlement.cash
    assert format_money(cash) == money(scenario["cash"])


def money(value: Any) -> str:
    return format_money(parse_scaled(value, 8, "money"))


def rules_of(scenario: Scenario) -> list[str]:
    rule = scenario["rule"]
    return rule if isinstance(rule, list) else [rule]


def test_every_rule_of_the_page_has_a_scenario() -> None:
    """What no scenario can show is shown by another test, by name."""
    shown = {rule for _, scenario in scenarios() for rule in rules_of(scenario)}
    assert shown <= set(RULES), "a scenario names a rule that the list does not have"
    assert set(RULES) - shown - set(ELSEWHERE) == set()
    for place in ELSEWHERE.values():
        file, test = place.split("::")
        assert f"def {test}(" in (ROOT / file).read_text(), place


def test_the_table_is_large_and_its_names_are_unique() -> None:
    names = [f"{file}-{each['name']}" for file, each in scenarios()]
    assert len(names) == len(set(names)) >= 90
    assert all(len(scenario["shows"].splitlines()) == 1 for _, scenario in scenarios())


@settings(max_examples=60, deadline=None)
@given(worlds(largest=10))
def test_a_drawn_world_is_written_as_a_scenario(world: World) -> None:
    """What a failing property prints can be read, and put into the table."""
    (scenario,) = yaml.safe_load(describe(world))
    assert settings_of(scenario) == world.settings
    assert markets_of(scenario) == world.markets
