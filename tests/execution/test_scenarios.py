"""Every numbered rule of EXECUTION.md by an example computed by hand; the examples are data, in ``scenarios/``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from sptrader_stream.execution.records import ExecutionEvent, Fill, Halt, Rejection
from sptrader_stream.execution.settings import Commission, Entry, ExecutionSettings
from sptrader_stream.money import format_money, format_scaled, parse_scaled
from tests.execution.driver import run_core
from tests.reference import Candle, Decision, Result, run

Scenario: TypeAlias = Mapping[str, Any]
Engine: TypeAlias = Callable[[ExecutionSettings, list[Candle], list[Decision]], Result]

NEW_YEAR = 1_735_689_600_000_000_000
MINUTE = 60_000_000_000
PERCENTAGES = ("stop_loss", "take_profit", "max_drawdown", "daily_loss_limit", "max_position_size", "slippage_percent")


def scenarios() -> list[Any]:
    files = sorted((Path(__file__).parent / "scenarios").glob("*.yaml"))
    found = [(file.stem, each) for file in files for each in yaml.safe_load(file.read_text())]
    return [pytest.param(each, id=f"{file}-{each['name']}") for file, each in found]


def _entry(described: Mapping[str, Any], lots: int) -> Entry:
    (sizing,) = set(described) - {"action"}
    digits = lots if sizing == "quantity" else 8
    side = {"buy": 1, "sell": -1}[described["action"]]
    return Entry(side=side, sizing=sizing, size=parse_scaled(described[sizing], digits, "size"))  # type: ignore[arg-type]


def settings_of(scenario: Scenario) -> ExecutionSettings:
    """Decimals as people write them into the integers of ExecutionSettings."""
    given = dict(scenario["settings"])
    ticks, lots = given.pop("price_precision", 2), given.pop("quantity_precision", 0)
    commission = {key: parse_scaled(value, 8, key) for key, value in given.pop("commission", {}).items()}
    entries = tuple(_entry(each, lots) for each in given.pop("entries"))
    capital = parse_scaled(given.pop("capital"), 8, "capital")
    minimum = parse_scaled(given.pop("minimum", format_scaled(1, lots)), lots, "minimum")
    for key in set(given) & set(PERCENTAGES):
        given[key] = parse_scaled(given[key], 8, key)
    if given.get("spread") == "data":
        given["spread"] = None
    return ExecutionSettings(
        price_precision=ticks,
        quantity_precision=lots,
        minimum_quantity=minimum,
        start_capital=capital,
        entries=entries,
        commission=Commission(**commission),
        **given,
    )


def candles_of(scenario: Scenario, ticks: int) -> list[Candle]:
    """Rows of open, high, low, close and perhaps a spread in ticks; one minute apart unless ``minutes`` says when."""
    rows = scenario["candles"]
    minutes = scenario.get("minutes", range(len(rows)))
    return [
        Candle(NEW_YEAR + minute * MINUTE, *(parse_scaled(price, ticks, "price") for price in row[:4]), *row[4:])
        for minute, row in zip(minutes, rows, strict=True)
    ]


def decisions_of(scenario: Scenario) -> list[Decision]:
    """``enter: {candle: [rules]}`` and ``exit: [candles]``."""
    enter, leave = scenario.get("enter", {}), scenario.get("exit", [])
    return [
        Decision(entries=sum(1 << rule for rule in enter.get(index, [])), exits=int(index in leave))
        for index in range(len(scenario["candles"]))
    ]


def line(event: ExecutionEvent, settings: ExecutionSettings) -> str:
    """An event as the scenarios write it."""

    def price(count: int) -> str:
        return format_scaled(count, settings.price_precision)

    if isinstance(event, Halt):
        equity, reference = format_money(event.equity), format_money(event.reference)
        return f"{event.candle}: halt {event.reason}, equity {equity} against {reference}"
    quantity = format_scaled(event.quantity, settings.quantity_precision)
    if isinstance(event, Fill | Rejection):
        order = f"{'buy' if event.side == 1 else 'sell'} {quantity} at {price(event.price)}"
        if isinstance(event, Rejection):
            return f"{event.candle}: rejected rule {event.rule}, {order}, {event.reason}"
        paid = f", commission {format_money(event.commission)}" if event.commission else ""
        return f"{event.candle}: #{event.position} {order}{paid}, {event.reason}"
    return (
        f"{event.candle}: #{event.position} {'long' if event.side == 1 else 'short'} {quantity} "
        f"from {event.entry_candle}, "
        f"{price(event.entry_price)} to {price(event.price)}, best {price(event.best)}, worst {price(event.worst)}, "
        f"pnl {format_money(event.pnl)}, {event.reason}"
    )


def core_one_by_one(settings: ExecutionSettings, candles: list[Candle], decisions: list[Decision]) -> Result:
    return run_core(settings, candles, decisions, [1] * len(candles))


@pytest.mark.parametrize("engine", [run, run_core, core_one_by_one], ids=["reference", "core", "core_of_ones"])
@pytest.mark.parametrize("scenario", scenarios())
def test_scenario(scenario: Scenario, engine: Engine) -> None:
    settings = settings_of(scenario)
    result = engine(settings, candles_of(scenario, settings.price_precision), decisions_of(scenario))
    assert [line(each, settings) for each in result.events] == scenario["events"], scenario["shows"]
    if "equity" in scenario:
        assert result.equity == [parse_scaled(each, 8, "equity") for each in scenario["equity"]], scenario["shows"]
    assert result.open_positions[-1] == scenario.get("open", 0)
    assert format_money(result.cash[-1]) == format_money(parse_scaled(scenario["cash"], 8, "cash"))
