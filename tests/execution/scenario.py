"""Scenarios as people write them: settings, candles, decisions and what is expected of them, as YAML.

Prices, quantities and money are decimals; percentages are fractions. One instrument has a list of candles, a minute
apart unless ``minutes`` says when, and its decisions are keyed by the index in that list. Several instruments have
``{name: {minute: candle}}``, and their decisions are keyed by the minute. ``late 5`` is the moment just before that
candle, when a strategy candle closes whose span ended without one of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from sptrader_stream.execution.records import ExecutionEvent, Fill, Halt, Rejection
from sptrader_stream.execution.settings import (
    Commission,
    Distance,
    Entry,
    ExecutionSettings,
    HoldingPeriod,
    InstrumentSettings,
    Target,
    TrailingStop,
)
from sptrader_stream.money import format_money, format_scaled, parse_scaled
from tests.reference import Candle, Decision, Market, Moment

Scenario: TypeAlias = Mapping[str, Any]

NEW_YEAR = 1_735_689_600_000_000_000
MINUTE = 60_000_000_000
ATR_DIGITS = 4
PARTS = ("break_even", "leverage", "max_drawdown", "daily_loss_limit", "max_position_size")
OF_INSTRUMENTS = (
    *("price_precision", "quantity_precision", "minimum", "spread", "slippage_ticks", "slippage_percent"),
    *("commission", "session", "entries", "stop_loss", "take_profit"),
)


def parts(value: Any) -> int:
    return parse_scaled(value, 8, "a fraction")


def names_of(scenario: Scenario) -> tuple[str, ...]:
    """The instruments' names; a single one has none."""
    return tuple(scenario["candles"]) if isinstance(scenario["candles"], dict) else ("",)


def settings_of(scenario: Scenario) -> ExecutionSettings:
    """Decimals as people write them into the integers of ExecutionSettings."""
    given = dict(scenario["settings"])
    common = {key: given.pop(key) for key in OF_INSTRUMENTS if key in given}
    own = scenario.get("instruments", {})
    instruments = tuple(_instrument({**common, **own.get(name, {})}) for name in names_of(scenario))
    made: dict[str, Any] = {key: parts(given.pop(key)) for key in PARTS if key in given}
    if "trailing_stop" in given:
        made["trailing_stop"] = TrailingStop(**{key: parts(each) for key, each in given.pop("trailing_stop").items()})
    if "max_holding" in given:
        made["max_holding_period"] = _holding_period(given.pop("max_holding"))
    return ExecutionSettings(
        start_capital=parse_scaled(given.pop("capital"), 8, "capital"),
        instruments=instruments,
        timeframe=MINUTE,
        strategy_timeframe=given.pop("strategy_minutes", 1) * MINUTE,
        session=instruments[0].session,
        exits=tuple(None if each == "all" else parts(each) for each in given.pop("exits", ["all"])),
        **made,
        **given,
    )


def _instrument(given: dict[str, Any]) -> InstrumentSettings:
    ticks, lots = given.pop("price_precision", 2), given.pop("quantity_precision", 0)
    made: dict[str, Any] = {
        "minimum_quantity": parse_scaled(given.pop("minimum", format_scaled(1, lots)), lots, "minimum"),
        "entries": tuple(_entry(each, lots) for each in given.pop("entries")),
        "targets": tuple(_targets(given.pop("take_profit", []), ticks)),
        "session": given.pop("session", 0) * MINUTE,
    }
    if "stop_loss" in given:
        made["stop_loss"] = _distance(given.pop("stop_loss"), ticks)
    if "commission" in given:
        rates = {key: parse_scaled(each, 8, key) for key, each in given.pop("commission").items()}
        made["commission"] = Commission(**rates)
    if "slippage_percent" in given:
        made["slippage_percent"] = parts(given.pop("slippage_percent"))
    if given.get("spread") == "data":
        given["spread"] = None
    return InstrumentSettings(price_precision=ticks, quantity_precision=lots, **made, **given)


def _entry(described: Mapping[str, Any], lots: int) -> Entry:
    (sizing,) = set(described) - {"action", "max_positions"}
    return Entry(
        side=1 if described["action"] == "buy" else -1,
        sizing=sizing,  # type: ignore[arg-type]
        size=parse_scaled(described[sizing], lots if sizing == "quantity" else 8, "size"),
        max_positions=described.get("max_positions", 1),
    )


def _distance(described: Any, ticks: int) -> Distance:
    """A fraction of the price, ``{offset: price units}`` or ``{atr: multiple}``."""
    if not isinstance(described, dict):
        return Distance(value=parts(described))
    ((kind, value),) = described.items()
    return Distance(kind=kind, value=parse_scaled(value, ticks if kind == "offset" else 8, kind))


def _targets(described: Any, ticks: int) -> list[Target]:
    """One distance, or a list of ``{at: distance, close: fraction}``."""
    if not isinstance(described, list):
        return [Target(distance=_distance(described, ticks))]
    return [
        Target(distance=_distance(each["at"], ticks), close=parts(each["close"]) if "close" in each else None)
        for each in described
    ]


def _holding_period(described: int | str) -> HoldingPeriod:
    """A number of candles, or minutes as in ``90m``."""
    if isinstance(described, int):
        return HoldingPeriod(candles=described)
    return HoldingPeriod(duration=int(described.removesuffix("m")) * MINUTE)


def markets_of(scenario: Scenario) -> list[Market]:
    """Each instrument's candles, open, high, low, close and perhaps a spread in ticks, and its decisions."""
    settings = settings_of(scenario)
    if names_of(scenario) == ("",):
        rows = scenario["candles"]
        minutes = scenario.get("minutes", range(len(rows)))
        decided = {key: scenario.get(key, {}) for key in ("enter", "exit", "atr")}
        return [_market(dict(zip(minutes, rows, strict=True)), range(len(rows)), decided, settings, 0)]
    return [
        _market(
            scenario["candles"][name],
            list(scenario["candles"][name]),
            {key: scenario.get(key, {}).get(name, {}) for key in ("enter", "exit", "atr")},
            settings,
            index,
        )
        for index, name in enumerate(names_of(scenario))
    ]


def _market(
    rows: Mapping[int, list[Any]], keys: Any, decided: dict[str, Any], settings: ExecutionSettings, index: int
) -> Market:
    ticks = settings.instruments[index].price_precision
    candles = [
        Candle(NEW_YEAR + minute * MINUTE, *(parse_scaled(price, ticks, "price") for price in row[:4]), *row[4:])
        for minute, row in rows.items()
    ]
    row_of = {key: row for row, key in enumerate(keys)}

    def moment(key: int | str) -> Moment:
        late = isinstance(key, str)
        return Moment(row_of[int(str(key).removeprefix("late "))], late)

    enter, leave, atr = decided["enter"], decided["exit"], decided["atr"]
    if isinstance(leave, list):
        leave = {key: [0] for key in leave}
    decisions = {
        moment(key): Decision(
            entries=sum(1 << rule for rule in enter.get(key, [])),
            exits=sum(1 << rule for rule in leave.get(key, [])),
            atr=parse_scaled(atr[key], ticks + ATR_DIGITS, "atr") if key in atr else -1,
        )
        for key in {**enter, **leave}
    }
    return Market(candles, decisions)


def line(event: ExecutionEvent, settings: ExecutionSettings, names: tuple[str, ...]) -> str:
    """An event as the scenarios write it."""
    if isinstance(event, Halt):
        equity, reference = format_money(event.equity), format_money(event.reference)
        return f"{event.candle}: halt {event.reason}, equity {equity} against {reference}"
    instrument = settings.instruments[event.instrument]

    def price(count: int) -> str:
        return format_scaled(count, instrument.price_precision)

    place = f"{event.candle}: {names[event.instrument]}".rstrip()
    quantity = format_scaled(event.quantity, instrument.quantity_precision)
    if isinstance(event, Fill | Rejection):
        order = f"{'buy' if event.side == 1 else 'sell'} {quantity} at {price(event.price)}"
        if isinstance(event, Rejection):
            return f"{place} rejected rule {event.rule}, {order}, {event.reason}"
        paid = f", commission {format_money(event.commission)}" if event.commission else ""
        return f"{place} #{event.position} {order}{paid}, {event.reason}"
    assumed = "" if event.assumption == "none" else f", {event.assumption}"
    return (
        f"{place} #{event.position} {'long' if event.side == 1 else 'short'} {quantity} "
        f"from {event.entry_candle}, "
        f"{price(event.entry_price)} to {price(event.price)}, best {price(event.best)}, worst {price(event.worst)}, "
        f"pnl {format_money(event.pnl)}, {event.reason}{assumed}"
    )
