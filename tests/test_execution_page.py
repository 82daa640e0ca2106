"""The examples of docs/execution.md are scenarios: the YAML shown makes their settings, the numbers are theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml

from sptrader_stream.execution.records import Fill, Trade
from sptrader_stream.execution.settings import ExecutionSettings
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import format_money, format_scaled
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.settings import execution_settings
from tests.execution.scenario import MINUTE, Scenario, markets_of, settings_of
from tests.execution.test_scenarios import scenarios
from tests.reference import run
from tests.test_readme import PROJECT, blocks

PAGE = PROJECT / "docs" / "execution.md"
SCENARIOS = {f"{file}/{each['name']}": each for file, each in scenarios()}
FILES = {file for file, _ in scenarios()}
NAMED = re.compile(r"`([a-z]+)/([a-z0-9_]+)`")


def named(text: str) -> list[str]:
    """The scenarios that a text names, each once."""
    return list(dict.fromkeys(f"{file}/{name}" for file, name in NAMED.findall(text) if file in FILES))


def sections() -> list[str]:
    return re.split(r"^#{2,3} ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def laid_over(base: Any, given: Any) -> Any:
    if isinstance(base, dict) and isinstance(given, dict):
        return {key: laid_over(base.get(key), given.get(key, base.get(key))) for key in {**base, **given}}
    return given


def examples() -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Each section that shows YAML, the whole strategy up to each block, and the scenarios named behind it."""
    for section in sections():
        (base,) = map(yaml.safe_load, blocks(PAGE, "yaml"))
        _, *parts = re.split(r"^```yml\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
        for shown, behind in zip(parts[::2], parts[1::2], strict=True):
            given = yaml.safe_load(shown)
            if "entries" in given:
                del base["entry"]
            base = laid_over(base, given)
            yield section, base, named(behind)


EXAMPLES = list(examples())


def settings_shown(strategy: dict[str, Any], scenario: ExecutionSettings) -> ExecutionSettings:
    """The settings that the strategy makes for the scenario's instruments and capital."""
    plan = compile_strategy(yaml.safe_dump(strategy, sort_keys=False), PAGE.name)
    instruments = [
        Instrument(
            symbol=f"MARKET{index}",
            price_precision=each.price_precision,
            quantity_precision=each.quantity_precision,
            minimum_quantity=each.minimum_quantity,
        )
        for index, each in enumerate(scenario.instruments)
    ]
    made = execution_settings(plan, instruments, MINUTE, scenario.start_capital)
    unnamed = tuple(msgspec.structs.replace(each, symbol=scenario.instruments[0].symbol) for each in made.instruments)
    return msgspec.structs.replace(made, instruments=unnamed)


def numbers_of(scenario: Scenario) -> Iterator[str]:
    """What a reader wants to find: the price of each fill, why it was made, what each trade came to."""
    settings = settings_of(scenario)
    result = run(settings, markets_of(scenario), scenario.get("end", "end_of_data"))
    for event in [*result.events, *(result.settlement.events if result.settlement else [])]:
        if isinstance(event, Fill | Trade):
            yield format_scaled(event.price, settings.instruments[event.instrument].price_precision)
            if event.reason != "entry":
                yield f"`{event.reason}`"
        if isinstance(event, Trade):
            yield format_money(event.pnl)


def test_every_scenario_named_exists() -> None:
    assert set(named(PAGE.read_text())) <= set(SCENARIOS)


@pytest.mark.parametrize(
    ("section", "strategy", "behind"), EXAMPLES, ids=[each[0].splitlines()[0] for each in EXAMPLES]
)
def test_an_example_is_its_scenario(section: str, strategy: dict[str, Any], behind: list[str]) -> None:
    of_these_settings = []
    for name in behind:
        wanted = settings_of(SCENARIOS[name])
        if settings_shown(strategy, wanted) == wanted:
            of_these_settings.append(name)
    assert of_these_settings, f"the YAML under {section.splitlines()[0]!r} makes none of {behind}"
    # The prices beside a drawing say nothing about what filled.
    told = re.sub(r"^```text\n.*?^```$", "", section, flags=re.MULTILINE | re.DOTALL)
    for name in of_these_settings:
        wanted_numbers = numbers_of(SCENARIOS[name])
        missing = [each for each in wanted_numbers if not re.search(rf"(?<![\d.-]){re.escape(each)}(?!\d)", told)]
        assert not missing, f"{name}: {section.splitlines()[0]!r} does not say {missing}"


def test_the_page_has_an_example_for_each_rule_of_filling() -> None:
    assert len(EXAMPLES) >= 18
