"""The position core says exactly what the plain reference of EXECUTION.md says, however its input is cut."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Literal, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.execution.core import OpenPosition
from sptrader_stream.execution.records import (
    Assumption,
    ExitReason,
    Halt,
    Rejection,
    RejectionReason,
    Trade,
)
from tests.execution.describe import describe
from tests.execution.driver import CoreResult, cuts_by_rows, cuts_by_timestamps, run_core
from tests.execution.strategies import World, cuts, worlds
from tests.execution.walks import EURUSD, EVERYTHING, HOURLY, crossover, long_walk, real_candles
from tests.reference import Market, Result, run

BATCH_SIZES = (1, 2, 7, 64, 1000, 8192)
ends = st.sampled_from(["end_of_data", "cancelled"])


def run_reference(world: World, end: Literal["end_of_data", "cancelled"] = "end_of_data") -> Result:
    return run(world.settings, world.markets, end)


def open_in(world: World, result: Result) -> list[OpenPosition]:
    """The reference's open positions as the core reports them."""
    found = []
    for each in result.positions:
        last = world.markets[each.instrument].candles[-1]
        mark = last.close + (world.spread(each.instrument, last) if each.side < 0 else 0)
        found.append(
            OpenPosition(
                position=each.number,
                instrument=each.instrument,
                rule=each.rule,
                side=each.side,
                quantity=each.quantity,
                entry_price=each.entry_price,
                entry_time=each.entry_time,
                entry_candle=each.entry_candle,
                entry_commission=each.entry_commission - each.charged,
                stop=each.stop,
                target=each.targets[0].price if each.targets else None,
                mark=mark,
                unrealised_pnl=each.side * (mark - each.entry_price) * each.quantity * world.unit(each.instrument),
            )
        )
    return found


def assert_same(found: CoreResult, expected: Result, world: World, *, drawn: bool = True) -> None:
    def scenario() -> str:
        return describe(world) if drawn else ""

    assert found.events == expected.events, scenario()
    assert found.times == expected.times, scenario()
    assert found.equity == expected.equity, scenario()
    assert found.open_positions == expected.open_positions, scenario()
    assert found.cash[-1] == expected.cash[-1], scenario()
    assert found.settlement == expected.settlement, scenario()
    assert found.still_open == open_in(world, expected), scenario()


@settings(max_examples=1200, deadline=None)
@given(worlds(), cuts(), ends)
def test_core_equals_reference_for_any_split(
    world: World, sizes: list[int], end: Literal["end_of_data", "cancelled"]
) -> None:
    expected = run_reference(world, end)
    cut = list(cuts_by_timestamps(world.markets, sizes))
    found = run_core(world.settings, world.markets, cut, end)
    assert_same(found, expected, world)
    assert found.cash == [expected.cash[bisect_right(expected.times, time) - 1] for time in cut]


@settings(max_examples=700, deadline=None)
@given(worlds(most_instruments=1))
def test_one_instrument_equals_reference(world: World) -> None:
    """The common case, which the core may take short cuts for, whole and one by one."""
    expected = run_reference(world)
    assert_same(run_core(world.settings, world.markets), expected, world)
    ones = run_core(world.settings, world.markets, cuts_by_rows(world.markets, 1))
    assert_same(ones, expected, world)
    assert ones.cash == expected.cash


@settings(max_examples=120, deadline=None)
@given(worlds(largest=70))
def test_batch_sizes_do_not_matter(world: World) -> None:
    """Cut as the feed cuts: where the first instrument reaches its n-th candle."""
    expected = run_reference(world)
    for size in BATCH_SIZES:
        assert_same(run_core(world.settings, world.markets, cuts_by_rows(world.markets, size)), expected, world)


@settings(max_examples=300, deadline=None)
@given(worlds(), st.integers(1, 40))
def test_nothing_looks_ahead(world: World, timestamps: int) -> None:
    whole = run_core(world.settings, world.markets)
    cut = whole.times[:timestamps]
    part = run_core(world.settings, [until(market, cut[-1]) for market in world.markets])
    assert part.events == [each for each in whole.events if each.candle < len(cut)], describe(world)
    assert part.equity == whole.equity[: len(cut)]
    assert part.open_positions == whole.open_positions[: len(cut)]


def until(market: Market, time: int) -> Market:
    rows = sum(candle.time <= time for candle in market.candles)
    return Market(market.candles[:rows], {each: said for each, said in market.decisions.items() if each.row < rows})


def test_the_worlds_contain_everything() -> None:
    """The comparisons above are only worth what their worlds make happen."""
    seen: set[str] = set()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(worlds(), ends)
    def look(world: World, end: Literal["end_of_data", "cancelled"]) -> None:
        result = run_reference(world, end)
        for each in [*result.events, *(result.settlement.events if result.settlement else [])]:
            seen.add(f"{type(each).__name__} {each.reason}")
            if isinstance(each, Trade):
                seen.add(f"Assumption {each.assumption}")
        if any(moment.late for market in world.markets for moment in market.decisions):
            seen.add("late decisions")

    look()
    assert seen == {
        "Fill entry",
        "late decisions",
        *(f"{kind} {reason}" for kind in ("Fill", "Trade") for reason in get_args(ExitReason)),
        *(f"{Rejection.__name__} {reason}" for reason in get_args(RejectionReason)),
        *(f"{Halt.__name__} {reason}" for reason in ("max_drawdown", "daily_loss")),
        *(f"Assumption {each}" for each in get_args(Assumption)),
    }


@pytest.mark.parametrize("size", BATCH_SIZES)
def test_long_walk_over_many_batches(size: int) -> None:
    """Thousands of candles, so that state is carried over borders of every batch size."""
    world, expected = long_walk()
    assert sum(isinstance(each, Trade) for each in expected.events) > 500
    found = run_core(world.settings, world.markets, cuts_by_rows(world.markets, size))
    assert_same(found, expected, world, drawn=False)


@pytest.mark.parametrize("size", [1, 64, 8192])
@pytest.mark.parametrize(("instruments", "strategy_minutes"), [(3, 1), (3, 5), (10, 2)])
def test_long_walks_of_several_instruments(instruments: int, strategy_minutes: int, size: int) -> None:
    world, expected = long_walk(600, instruments, strategy_minutes)
    assert sum(isinstance(each, Trade) for each in expected.events) > 50
    found = run_core(world.settings, world.markets, cuts_by_rows(world.markets, size))
    assert_same(found, expected, world, drawn=False)


@pytest.mark.skipif(not EURUSD.exists(), reason="the real candles are not here")
@pytest.mark.parametrize(
    "variant", [{}, {"fill": "close", "same_bar": "target_first", "max_drawdown": None}, HOURLY], ids=str
)
def test_real_candles(variant: dict[str, Any]) -> None:
    """A moving average crossover over real one-minute candles with their own spread, everything on."""
    candles = real_candles(6000)
    chosen = msgspec.structs.replace(EVERYTHING, **variant)
    world = World(chosen, [crossover(chosen, candles)])
    expected = run_reference(world)
    trades = [each for each in expected.events if isinstance(each, Trade)]
    assert {each.side for each in trades} == {1, -1}
    assert {each.reason for each in trades} >= {"signal", "break_even", "trailing_stop"}
    for size in (1, 997, 8192):
        found = run_core(world.settings, world.markets, cuts_by_rows(world.markets, size))
        assert_same(found, expected, world, drawn=False)
