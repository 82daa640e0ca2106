"""The position core says exactly what the plain reference of EXECUTION.md says, however its input is cut."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.execution.records import ExecutionEvent, Fill, Halt, Rejection, Trade
from tests.execution.driver import run_core
from tests.execution.strategies import World, worlds
from tests.execution.walks import EURUSD, LONG_AND_SHORT, crossover_decisions, long_walk, real_candles
from tests.reference import Result, run

BATCH_SIZES = (1, 2, 7, 64, 1000, 8192)


def run_reference(world: World) -> Result:
    return run(world.settings, world.candles, world.decisions)


def assert_same(found: Result, expected: Result) -> None:
    assert found.events == expected.events
    assert found.equity == expected.equity
    assert found.open_positions == expected.open_positions
    assert found.cash[-1] == expected.cash[-1]


@settings(max_examples=400, deadline=None)
@given(worlds(), st.lists(st.integers(1, 9), min_size=40, max_size=40))
def test_core_equals_reference_for_any_split(world: World, sizes: list[int]) -> None:
    assert_same(run_core(world.settings, world.candles, world.decisions, sizes), run_reference(world))


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_cash_equals_reference_at_every_candle(world: World) -> None:
    ones = run_core(world.settings, world.candles, world.decisions, repeat(1))
    expected = run_reference(world)
    assert_same(ones, expected)
    assert ones.cash == expected.cash


@settings(max_examples=60, deadline=None)
@given(worlds(largest=90))
def test_batch_sizes_do_not_matter(world: World) -> None:
    expected = run_reference(world)
    for size in BATCH_SIZES:
        assert_same(run_core(world.settings, world.candles, world.decisions, repeat(size)), expected)


@settings(max_examples=150, deadline=None)
@given(worlds(), st.integers(1, 40))
def test_nothing_looks_ahead(world: World, cut: int) -> None:
    whole = run_core(world.settings, world.candles, world.decisions)
    part = run_core(world.settings, world.candles[:cut], world.decisions[:cut])
    assert part.events == [each for each in whole.events if each.candle < cut]
    assert part.equity == whole.equity[:cut]
    assert part.open_positions == whole.open_positions[:cut]


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_accounting_identities_at_every_candle(world: World) -> None:
    """Section 7 from the core's own events: nothing but fills and trades explains its cash and its equity."""
    result = run_core(world.settings, world.candles, world.decisions, repeat(1))
    tick_times_lot = 10 ** (8 - world.settings.price_precision - world.settings.quantity_precision)
    start = world.settings.start_capital
    for index, candle in enumerate(world.candles):
        so_far = [each for each in result.events if each.candle <= index]
        trades = [each for each in so_far if isinstance(each, Trade)]
        closed = {each.position for each in trades}
        still_open = [
            each for each in so_far if isinstance(each, Fill) and each.reason == "entry" and each.position not in closed
        ]
        assert result.open_positions[index] == len(still_open)
        realised = sum(each.pnl for each in trades)
        paid = sum(each.commission for each in still_open)
        cost = sum(each.side * each.price * each.quantity for each in still_open) * tick_times_lot
        assert result.cash[index] == start + realised - paid - cost

        spread = candle.spread if world.settings.spread is None else world.settings.spread
        marks = [candle.close if each.side == 1 else candle.close + spread for each in still_open]
        unrealised = tick_times_lot * sum(
            each.side * (mark - each.price) * each.quantity for each, mark in zip(still_open, marks, strict=True)
        )
        assert result.equity[index] - start == realised + unrealised - paid


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_trades_are_made_of_their_fills(world: World) -> None:
    """A trade joins the entry and the exit fill of its position, and its best and worst price enclose both."""
    result = run_core(world.settings, world.candles, world.decisions)
    entered: dict[int, Fill] = {}
    before: ExecutionEvent | None = None
    for each in result.events:
        if isinstance(each, Fill) and each.reason == "entry":
            assert each.position == len(entered) + 1
            entered[each.position] = each
        elif isinstance(each, Trade):
            assert isinstance(before, Fill)
            entry = entered[each.position]
            assert (each.entry_candle, each.entry_time, each.entry_price) == (entry.candle, entry.time, entry.price)
            assert (each.quantity, each.side, each.rule) == (entry.quantity, entry.side, entry.rule)
            assert (each.position, each.price, -each.side) == (before.position, before.price, before.side)
            assert (each.quantity, each.rule, each.reason) == (before.quantity, before.rule, before.reason)
            assert each.commission == entry.commission + before.commission
            low, high = sorted((each.best, each.worst))
            assert low <= min(entry.price, each.price) <= max(entry.price, each.price) <= high
        before = each


def test_the_worlds_contain_everything() -> None:
    """The comparisons above are only worth what their worlds make happen."""
    seen: set[str] = set()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(worlds())
    def look(world: World) -> None:
        for each in run_reference(world).events:
            if isinstance(each, Fill | Trade | Rejection | Halt):
                seen.add(f"{type(each).__name__} {each.reason}")

    look()
    reasons = {"signal", "stop_loss", "take_profit", "max_drawdown", "daily_loss"}
    assert seen == {
        *(f"{kind} {reason}" for kind in ("Fill", "Trade") for reason in reasons),
        "Fill entry",
        "Rejection below_minimum",
        "Rejection insufficient_funds",
        "Halt max_drawdown",
        "Halt daily_loss",
    }


@pytest.mark.parametrize("size", BATCH_SIZES)
def test_long_walk_over_many_batches(size: int) -> None:
    """Ten thousand candles, so that state is carried over borders of every batch size."""
    world, expected = long_walk()
    assert sum(isinstance(each, Trade) for each in expected.events) > 500
    assert_same(run_core(world.settings, world.candles, world.decisions, repeat(size)), expected)


@pytest.mark.skipif(not EURUSD.exists(), reason="the real candles are not here")
@pytest.mark.parametrize("variant", [{}, {"fill": "close", "same_bar": "target_first", "spread": 3}])
def test_real_candles(variant: dict[str, Any]) -> None:
    """A moving average crossover over real one-minute candles with their own spread, long and short."""
    candles = real_candles(6000)
    chosen = msgspec.structs.replace(LONG_AND_SHORT, stop_loss=60_000, take_profit=90_000, **variant)
    world = World(chosen, candles, crossover_decisions(candles))
    expected = run_reference(world)
    trades = [each for each in expected.events if isinstance(each, Trade)]
    assert {each.side for each in trades} == {1, -1}
    assert {each.reason for each in trades} >= {"signal", "stop_loss", "take_profit"}
    for size in (1, 997, 8192):
        assert_same(run_core(world.settings, world.candles, world.decisions, repeat(size)), expected)
