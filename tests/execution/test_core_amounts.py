"""Amounts beyond exact arithmetic are refused, by name and candle; never does one come out wrong."""

from __future__ import annotations

import re
from itertools import repeat

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.errors import AmountError
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.execution.records import Fill, Halt
from sptrader_stream.execution.settings import Commission, Entry, ExecutionSettings
from sptrader_stream.money import LARGEST_AMOUNT
from tests.execution.driver import run_core
from tests.execution.strategies import MINUTE, NEW_YEAR
from tests.reference import Candle, Decision, Result, run

ALL_IN = ExecutionSettings(
    price_precision=2,
    quantity_precision=0,
    minimum_quantity=1,
    start_capital=2**61,
    entries=(Entry(side=1, size=100_000_000), Entry(side=-1, size=100_000_000)),
)


def flat(prices: list[int]) -> list[Candle]:
    return [Candle(NEW_YEAR + index * MINUTE, price, price, price, price) for index, price in enumerate(prices)]


def candle_of(error: BaseException) -> int:
    found = re.search(r"candle (\d+)", str(error))
    assert found, f"the message names no candle: {error}"
    return int(found[1])


def amounts_by_candle(result: Result, chosen: ExecutionSettings) -> list[int]:
    """The largest amount of money that the reference's events and columns show at each candle."""
    largest = [max(abs(equity), abs(cash)) for equity, cash in zip(result.equity, result.cash, strict=True)]
    tick_times_lot = 10 ** (8 - chosen.price_precision - chosen.quantity_precision)
    for each in result.events:
        if isinstance(each, Fill):
            notional = each.price * each.quantity * tick_times_lot
            largest[each.candle] = max(largest[each.candle], notional + each.commission)
        elif isinstance(each, Halt):
            largest[each.candle] = max(largest[each.candle], each.reference)
    return largest


@pytest.mark.parametrize("capital", [LARGEST_AMOUNT, 2**63 - 1, 2**63, 10**30])
def test_capital_beyond_exact_arithmetic_is_refused_before_the_run(capital: int) -> None:
    with pytest.raises(AmountError):
        PositionCore(msgspec.structs.replace(ALL_IN, start_capital=capital))


def test_precisions_beyond_money_are_refused_before_the_run() -> None:
    with pytest.raises(AmountError):
        PositionCore(msgspec.structs.replace(ALL_IN, price_precision=5, quantity_precision=4))


@pytest.mark.parametrize("batch", [1, 2, 8192])
def test_a_position_that_grows_too_large_fails_where_it_does(batch: int) -> None:
    """Half of the largest amount, all in, trebles at candle 3."""
    candles = flat([100, 100, 100, 300, 300])
    with pytest.raises(AmountError) as failed:
        run_core(ALL_IN, candles, [Decision(entries=1)] * 5, repeat(batch))
    assert candle_of(failed.value) == 3


def test_large_amounts_below_the_border_are_exact() -> None:
    chosen = msgspec.structs.replace(
        ALL_IN,
        start_capital=2**60 + 12_345,
        entries=(Entry(side=1, size=99_999_999), Entry(side=-1, size=33_333_333)),
        commission=Commission(percent=3_333_333),
        stop_loss=1_234_567,
    )
    candles = flat([7, 7, 9, 11, 5, 5, 13, 12, 12, 11, 14, 14])
    decisions = [Decision(entries=1 + index % 3, exits=index % 2) for index in range(len(candles))]
    found, expected = run_core(chosen, candles, decisions), run(chosen, candles, decisions)
    assert (found.events, found.equity) == (expected.events, expected.equity)
    assert max(amounts_by_candle(expected, chosen)) > 2**60


prices = st.sampled_from([1, 2, 3, 7, 100, 103_503, 10**8, 10**12, 10**16])
capitals = st.sampled_from([10**8, 10**15, 2**55 + 1, 2**60 + 7, LARGEST_AMOUNT - 1])
sizes = st.one_of(
    st.tuples(st.just("percent"), st.sampled_from([1, 2_000_000, 99_999_999, 10**8, 10**10])),
    st.tuples(st.just("notional"), st.sampled_from([10**8, 10**15, LARGEST_AMOUNT - 1])),
    st.tuples(st.just("quantity"), st.sampled_from([1, 10**8, 10**13, LARGEST_AMOUNT - 1])),
)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(prices, min_size=2, max_size=12),
    capitals,
    sizes,
    st.sampled_from([1, -1]),
    st.sampled_from([(0, 0), (2, 0), (5, 3), (8, 0)]),
    st.sampled_from([Commission(), Commission(percent=99_999_999), Commission(per_unit=4 * 10**10, minimum=10**10)]),
    st.sampled_from([{}, {"max_position_size": 10**8}, {"max_drawdown": 99_999_999, "daily_loss_limit": 10**8}]),
    st.sampled_from([{}, {"stop_loss": 99_999_999, "take_profit": 10**10, "slippage_percent": 99_999_999}]),
)
def test_huge_amounts_are_exact_or_refused(
    walk: list[int],
    capital: int,
    size: tuple[str, int],
    side: int,
    precisions: tuple[int, int],
    commission: Commission,
    limits: dict[str, int],
    levels: dict[str, int],
) -> None:
    """Where the core gives an answer it is the reference's; where it refuses, an amount was near the border."""
    chosen = msgspec.structs.replace(
        ALL_IN,
        price_precision=precisions[0],
        quantity_precision=precisions[1],
        start_capital=capital,
        entries=(Entry(side=side, sizing=size[0], size=size[1]),),  # type: ignore[arg-type]
        commission=commission,
        **limits,
        **levels,
    )
    candles = flat(walk)
    decisions = [Decision(entries=1, exits=index % 3 == 2) for index in range(len(walk))]
    expected = run(chosen, candles, decisions)
    try:
        found = run_core(chosen, candles, decisions)
    except AmountError as refused:
        failed_at = candle_of(refused)
        before = run_core(chosen, candles[:failed_at], decisions[:failed_at])
        assert before.events == [each for each in expected.events if each.candle < failed_at]
        assert before.equity == expected.equity[:failed_at]
        # What one lot costs is an amount, too, even where nobody can pay it; slippage may double its price. Half of the
        # border, because cash between an exit and an entry of one moment is in no column.
        lot_cost = 2 * walk[failed_at] * 10 ** (8 - sum(precisions))
        asked = expected.equity[failed_at] * size[1] // 10**8 if size[0] == "percent" else 0
        assert max(amounts_by_candle(expected, chosen)[failed_at], lot_cost, asked) >= LARGEST_AMOUNT // 2
    else:
        assert found.events == expected.events
        assert found.equity == expected.equity
        assert max(amounts_by_candle(expected, chosen)) < 2**63
