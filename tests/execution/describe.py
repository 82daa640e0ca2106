"""Writes a world that was drawn as the scenario that a person would have written, see ``scenario``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import yaml

from sptrader_stream.execution.settings import Distance, ExecutionSettings, InstrumentSettings
from sptrader_stream.money import format_scaled
from tests.execution.scenario import ATR_DIGITS, MINUTE, NEW_YEAR, PARTS, line
from tests.execution.strategies import World
from tests.reference import Decision, Moment, run

NAMES = "ABCDEFGH"


def number(count: int, digits: int) -> int | float | str:
    """A decimal as short as YAML can have it."""
    text = format_scaled(count, digits)
    value = Decimal(text)
    if value == int(value):
        return int(value)
    return float(text) if Decimal(repr(float(text))) == value else text


def _changed(struct: msgspec.Struct, names: Mapping[str, int]) -> dict[str, Any]:
    """The numbers of a Struct that are not its defaults, with as many digits as ``names`` says."""
    defaults = {each.name: each.default for each in msgspec.structs.fields(struct)}
    return {
        name: number(getattr(struct, name), digits)
        for name, digits in names.items()
        if getattr(struct, name) is not None and getattr(struct, name) != defaults[name]
    }


def _distance(distance: Distance, ticks: int) -> Any:
    if distance.kind == "percentage":
        return number(distance.value, 8)
    return {distance.kind: number(distance.value, ticks if distance.kind == "offset" else 8)}


def _instrument(instrument: InstrumentSettings) -> dict[str, Any]:
    ticks, lots = instrument.price_precision, instrument.quantity_precision
    described: dict[str, Any] = {
        "price_precision": ticks,
        "quantity_precision": lots,
        "minimum": number(instrument.minimum_quantity, lots),
        "entries": [
            {
                "action": "buy" if each.side == 1 else "sell",
                each.sizing: number(each.size, lots if each.sizing == "quantity" else 8),
                "max_positions": each.max_positions,
            }
            for each in instrument.entries
        ],
    }
    if instrument.stop_loss is not None:
        described["stop_loss"] = _distance(instrument.stop_loss, ticks)
    if instrument.targets:
        described["take_profit"] = [
            {"at": _distance(each.distance, ticks)} | ({} if each.close is None else {"close": number(each.close, 8)})
            for each in instrument.targets
        ]
    described |= _changed(instrument, {"spread": 0, "slippage_ticks": 0, "slippage_percent": 8})
    if instrument.spread is None:
        described["spread"] = "data"
    if instrument.session:
        described["session"] = instrument.session // MINUTE
    charged = _changed(instrument.commission, {"percent": 8, "per_unit": 8, "per_order": 8, "minimum": 8})
    return described | ({"commission": charged} if charged else {})


def _settings(settings: ExecutionSettings) -> dict[str, Any]:
    described: dict[str, Any] = {
        "capital": number(settings.start_capital, 8),
        "exits": ["all" if each is None else number(each, 8) for each in settings.exits],
        **{name: getattr(settings, name) for name in ("fill", "same_bar", "close_at_end")},
        **_changed(settings, dict.fromkeys(PARTS, 8)),
        "strategy_minutes": settings.strategy_timeframe // MINUTE,
    }
    if settings.trailing_stop is not None:
        described["trailing_stop"] = _changed(settings.trailing_stop, {"activation": 8, "trail": 8})
    held = settings.max_holding_period
    if held is not None:
        described["max_holding"] = held.candles if held.duration is None else f"{held.duration // MINUTE}m"
    return described


def describe(world: World) -> str:
    """The world as YAML, with the events that the reference says."""
    settings, names = world.settings, tuple(NAMES[: len(world.markets)])
    candles: dict[str, dict[int, list[Any]]] = {}
    decided: dict[str, dict[str, dict[int | str, Any]]] = {"enter": {}, "exit": {}, "atr": {}}
    for name, market, instrument in zip(names, world.markets, settings.instruments, strict=True):
        ticks = instrument.price_precision
        minutes = [(each.time - NEW_YEAR) // MINUTE for each in market.candles]
        candles[name] = {
            minute: [*(number(price, ticks) for price in (each.open, each.high, each.low, each.close)), each.spread]
            for minute, each in zip(minutes, market.candles, strict=True)
        }

        def by_minute(
            value: Callable[[Decision], Any],
            decisions: Mapping[Moment, Decision] = market.decisions,
            minutes: list[int] = minutes,
        ) -> dict[int | str, Any]:
            said = {moment: value(each) for moment, each in decisions.items()}
            keys = {moment: f"late {minutes[moment.row]}" if moment.late else minutes[moment.row] for moment in said}
            return {keys[moment]: each for moment, each in said.items() if each is not None and each != []}

        decided["enter"][name] = by_minute(lambda each: _bits(each.entries))
        decided["exit"][name] = by_minute(lambda each: _bits(each.exits))

        def written(decision: Decision, digits: int = ticks + ATR_DIGITS) -> int | float | str | None:
            return number(decision.atr, digits) if decision.atr >= 0 else None

        decided["atr"][name] = by_minute(written)
    result = run(settings, world.markets)
    scenario = {
        "name": "drawn",
        "settings": _settings(settings),
        "instruments": dict(zip(names, map(_instrument, settings.instruments), strict=True)),
        "candles": candles,
        **decided,
        "events": [line(each, settings, names) for each in result.events],
    }
    return yaml.safe_dump([scenario], sort_keys=False, default_flow_style=None, width=120)


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
