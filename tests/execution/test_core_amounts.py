"""Amounts beyond exact arithmetic are refused, by name and candle; never does one come out wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import repeat
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.errors import AmountError
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.execution.records import Fill, Halt
from sptrader_stream.execution.settings import (
    Commission,
    Distance,
    Entry,
    ExecutionSettings,
    InstrumentSettings,
    Target,
    TrailingStop,
)
from sptrader_stream.money import LARGEST_AMOUNT
from tests.execution.driver import cuts_by_timestamps, run_core
from tests.execution.strategies import MINUTE, NEW_YEAR, WHOLE
from tests.reference import Candle, Decision, Market, Moment, Result, run

INSTRUMENT = InstrumentSettings(
    price_precision=2,
    quantity_precision=0,
    minimum_quantity=1,
    entries=(Entry(side=1, size=WHOLE), Entry(side=-1, size=WHOLE)),
)
ALL_IN = ExecutionSettings(
    start_capital=2**61, instruments=(INSTRUMENT,), timeframe=MINUTE, strategy_timeframe=MINUTE, exits=(None,)
)


def with_instrument(chosen: ExecutionSettings, **changes: Any) -> ExecutionSettings:
    changed = tuple(msgspec.structs.replace(each, **changes) for each in chosen.instruments)
    return msgspec.structs.replace(chosen, instruments=changed)


def flat(prices: Sequence[int], decisions: Sequence[Decision]) -> Market:
    candles = [Candle(NEW_YEAR + index * MINUTE, price, price, price, price) for index, price in enumerate(prices)]
    decided = {Moment(row): each for row, each in enumerate(decisions) if each.entries or each.exits}
    return Market(candles, decided)


def until(market: Market, rows: int) -> Market:
    return Market(market.candles[:rows], {each: said for each, said in market.decisions.items() if each.row < rows})


def candle_of(error: BaseException) -> int:
    found = re.search(r"candle (\d+)", str(error))
    assert found, f"the message names no candle: {error}"
    return int(found[1])


def amounts_by_candle(result: Result, chosen: ExecutionSettings) -> list[int]:
    """The largest amount of money that the reference's events and columns show at each candle."""
    largest = [max(abs(equity), abs(cash)) for equity, cash in zip(result.equity, result.cash, strict=True)]
    for each in result.events:
        if isinstance(each, Fill):
            instrument = chosen.instruments[each.instrument]
            unit = 10 ** (8 - instrument.price_precision - instrument.quantity_precision)
            largest[each.candle] = max(largest[each.candle], each.price * each.quantity * unit + each.commission)
        elif isinstance(each, Halt):
            largest[each.candle] = max(largest[each.candle], each.reference)
    return largest


@pytest.mark.parametrize("capital", [LARGEST_AMOUNT, 2**63 - 1, 2**63, 10**30])
def test_capital_beyond_exact_arithmetic_is_refused_before_the_run(capital: int) -> None:
    with pytest.raises(AmountError, match="capital"):
        PositionCore(msgspec.structs.replace(ALL_IN, start_capital=capital))


def test_precisions_beyond_money_are_refused_before_the_run() -> None:
    with pytest.raises(AmountError, match="precision"):
        PositionCore(with_instrument(ALL_IN, price_precision=5, quantity_precision=4))


@pytest.mark.parametrize("beyond", [2**62, 2**63, 10**30])
@pytest.mark.parametrize(
    "change",
    [
        lambda size: {"leverage": size},
        lambda size: {"trailing_stop": TrailingStop(trail=size)},
        lambda size: {"trailing_stop": TrailingStop(activation=size, trail=1)},
        lambda size: {"break_even": size},
        lambda size: {"max_drawdown": size},
        lambda size: {"max_position_size": size},
        lambda size: {"instruments": (msgspec.structs.replace(INSTRUMENT, stop_loss=Distance(value=size)),)},
        lambda size: {"instruments": (msgspec.structs.replace(INSTRUMENT, spread=size),)},
        lambda size: {"instruments": (msgspec.structs.replace(INSTRUMENT, slippage_ticks=size),)},
        lambda size: {"instruments": (msgspec.structs.replace(INSTRUMENT, entries=(Entry(side=1, size=size),)),)},
        lambda size: {
            "instruments": (
                msgspec.structs.replace(
                    INSTRUMENT, targets=(Target(distance=Distance(kind="offset", value=size), close=None),)
                ),
            )
        },
        lambda size: {
            "instruments": (msgspec.structs.replace(INSTRUMENT, stop_loss=Distance(kind="atr", value=size)),)
        },
        lambda size: {"instruments": (msgspec.structs.replace(INSTRUMENT, commission=Commission(per_order=size)),)},
    ],
    ids=[
        *("leverage", "trail", "activation", "break_even", "max_drawdown", "max_position_size", "stop_loss", "spread"),
        *("slippage", "size", "offset", "atr", "commission"),
    ],
)
def test_settings_beyond_exact_arithmetic_are_refused_before_the_run(change: Any, beyond: int) -> None:
    with pytest.raises(AmountError):
        PositionCore(msgspec.structs.replace(ALL_IN, **change(beyond)))


@pytest.mark.parametrize("batch", [1, 2, 8192])
def test_a_position_that_grows_too_large_fails_where_it_does(batch: int) -> None:
    """Half of the largest amount, all in, trebles at candle 3."""
    market = flat([100, 100, 100, 300, 300], [Decision(entries=1)] * 5)
    with pytest.raises(AmountError) as failed:
        run_core(ALL_IN, [market], cuts_by_timestamps([market], repeat(batch)))
    assert candle_of(failed.value) == 3


@pytest.mark.parametrize("batch", [1, 2, 8192])
def test_positions_that_grow_too_large_together_fail_where_they_do(batch: int) -> None:
    """Ten instruments with a tenth of 2^61 each: none of them alone passes 2^62 where all of them together do."""
    tenth = tuple(
        msgspec.structs.replace(INSTRUMENT, entries=(Entry(side=side, size=WHOLE // 10),)) for side in (1,) * 10
    )
    chosen = msgspec.structs.replace(ALL_IN, instruments=tenth)
    markets = [flat([100, 100, 150, 250, 250], [Decision(entries=1)] * 5) for _ in tenth]
    with pytest.raises(AmountError) as failed:
        run_core(chosen, markets, cuts_by_timestamps(markets, repeat(batch)))
    assert candle_of(failed.value) == 3


def test_leverage_beyond_the_border_fails_instead_of_shrinking_the_entry() -> None:
    """A hundred times 2^60 pay for all that is asked, but notional and commission together pass 2^63."""
    chosen = with_instrument(
        msgspec.structs.replace(ALL_IN, start_capital=2**60 + 7, leverage=100 * WHOLE),
        price_precision=0,
        entries=(Entry(side=1, sizing="notional", size=LARGEST_AMOUNT - 1),),
        commission=Commission(percent=99_999_999),
    )
    with pytest.raises(AmountError) as failed:
        run_core(chosen, [flat([1, 1], [Decision(entries=1)] * 2)])
    assert candle_of(failed.value) == 1


def test_large_amounts_below_the_border_are_exact() -> None:
    chosen = with_instrument(
        msgspec.structs.replace(
            ALL_IN, start_capital=2**60 + 12_345, exits=(50_000_001,), trailing_stop=TrailingStop(trail=7_654_321)
        ),
        entries=(Entry(side=1, size=49_999_999, max_positions=3), Entry(side=-1, size=33_333_333)),
        commission=Commission(percent=3_333_333),
        stop_loss=Distance(value=1_234_567),
        targets=(Target(distance=Distance(value=2_345_678), close=33_333_333), Target(distance=Distance(value=WHOLE))),
    )
    prices = [7, 7, 9, 11, 5, 5, 13, 12, 12, 11, 14, 14]
    market = flat(prices, [Decision(entries=1 + index % 3, exits=index % 2) for index in range(len(prices))])
    found, expected = run_core(chosen, [market]), run(chosen, [market])
    assert (found.events, found.equity) == (expected.events, expected.equity)
    assert max(amounts_by_candle(expected, chosen)) > 2**60


prices = st.sampled_from([1, 2, 3, 7, 100, 103_503, 10**8, 10**12, 10**16])
capitals = st.sampled_from([10**8, 10**15, 2**55 + 1, 2**60 + 7, LARGEST_AMOUNT - 1])
sizes = st.one_of(
    st.tuples(st.just("percent"), st.sampled_from([1, 2_000_000, 99_999_999, 10**8, 10**10])),
    st.tuples(st.just("risk"), st.sampled_from([1, 2_000_000, 10**8, 10**10])),
    st.tuples(st.just("notional"), st.sampled_from([10**8, 10**15, LARGEST_AMOUNT - 1])),
    st.tuples(st.just("quantity"), st.sampled_from([1, 10**8, 10**13, LARGEST_AMOUNT - 1])),
)
of_portfolio = st.sampled_from(
    [
        {},
        {"max_position_size": 10**8},
        {"max_drawdown": 99_999_999, "daily_loss_limit": 10**8},
        {"leverage": 10**10, "exits": (33_333_333,)},
        {"leverage": 3 * 10**9, "trailing_stop": TrailingStop(trail=99_999_999), "break_even": 10**10},
        {"fill": "close", "close_at_end": True},
    ]
)
levels = st.sampled_from(
    [
        {"stop_loss": Distance(value=50_000_000)},
        {"stop_loss": Distance(value=99_999_999), "slippage_percent": 99_999_999},
        {"stop_loss": Distance(kind="offset", value=1), "slippage_ticks": 10**12},
        {"stop_loss": Distance(kind="atr", value=10**10), "spread": 10**12},
        {
            "stop_loss": Distance(kind="offset", value=10**16),
            "targets": (Target(distance=Distance(value=10**10), close=33_333_333), Target(distance=Distance(value=1))),
        },
    ]
)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.lists(prices, min_size=2, max_size=8), min_size=1, max_size=3),
    capitals,
    sizes,
    st.sampled_from([1, -1]),
    st.sampled_from([1, 3]),
    st.sampled_from([(0, 0), (2, 0), (5, 3), (8, 0)]),
    st.sampled_from([Commission(), Commission(percent=99_999_999), Commission(per_unit=4 * 10**10, minimum=10**10)]),
    of_portfolio,
    levels,
)
def test_huge_amounts_are_exact_or_refused(
    walks: list[list[int]],
    capital: int,
    size: tuple[Any, int],
    side: Any,
    most: int,
    precisions: tuple[int, int],
    commission: Commission,
    portfolio: dict[str, Any],
    distances: dict[str, Any],
) -> None:
    """Where the core gives an answer it is the reference's; where it refuses, an amount was near the border."""
    instrument = msgspec.structs.replace(
        INSTRUMENT,
        price_precision=precisions[0],
        quantity_precision=precisions[1],
        entries=(Entry(side=side, sizing=size[0], size=size[1], max_positions=most),),
        commission=commission,
        **distances,
    )
    chosen = msgspec.structs.replace(ALL_IN, start_capital=capital, instruments=(instrument,) * len(walks), **portfolio)
    markets = [
        flat(walk, [Decision(entries=1, exits=index % 3 == 2, atr=10_000 * index) for index in range(len(walk))])
        for walk in walks
    ]
    expected = run(chosen, markets)
    try:
        found = run_core(chosen, markets)
    except AmountError as refused:
        stays_open = msgspec.structs.replace(chosen, close_at_end=False)
        if "end of the data" in str(refused):
            # Everything went well but for closing what was open.
            found = run_core(stays_open, markets)
            assert (found.events, found.equity) == (expected.events, expected.equity)
            assert near_the_border(chosen, expected, walks, len(expected.times) - 1)
            return
        failed_at = candle_of(refused)
        before = run_core(stays_open, [until(market, failed_at) for market in markets]) if failed_at else Result()
        assert before.events == [each for each in expected.events if each.candle < failed_at]
        assert before.equity == expected.equity[:failed_at]
        assert near_the_border(chosen, expected, walks, failed_at)
    else:
        assert found.events == expected.events
        assert found.equity == expected.equity
        assert found.settlement == expected.settlement
        assert max(amounts_by_candle(expected, chosen)) < 2**63


def near_the_border(chosen: ExecutionSettings, expected: Result, walks: list[list[int]], failed_at: int) -> bool:
    """Whether any amount at the candle comes near what int64 can hold exactly.

    What one lot costs is an amount, even where nobody can pay it, slipped and at the ask; so is what was asked for,
    and equity times leverage. An eighth of the border, because sums on the way to a result are in no column.
    """
    last = max(walk[min(failed_at, len(walk) - 1)] for walk in walks)
    instrument = chosen.instruments[0]
    unit = 10 ** (8 - instrument.price_precision - instrument.quantity_precision)
    lot = 3 * (last + (instrument.spread or 0) + instrument.slippage_ticks) * unit
    entry = instrument.entries[0]
    equity = max(abs(expected.equity[failed_at]), abs(expected.equity[max(failed_at - 1, 0)]))
    asked = equity * max(entry.size if entry.sizing in ("percent", "risk") else 0, chosen.leverage) // WHOLE
    stop = instrument.stop_loss
    assert stop is not None
    ends = 2 * last + (stop.value if stop.kind == "offset" else 0)
    # A quantity that is decided counts at the decision's close and at the price that it then meets.
    decided = entry.size * unit if entry.sizing == "quantity" else 0
    # At an open everything counts at that open, though it may be gone, and for less, before the candle ends.
    bought = [each for each in expected.events if isinstance(each, Fill) and each.reason == "entry"]
    held = sum(each.quantity for each in bought if each.candle <= failed_at) * last * unit
    shown = max(amounts_by_candle(expected, chosen)[failed_at], lot, asked, ends * unit, decided, held)
    return bool(shown * len(walks) >= LARGEST_AMOUNT // 8)
