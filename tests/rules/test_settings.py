"""What the position core is told, from a strategy and its instruments."""

from __future__ import annotations

import pytest

from sptrader_stream.errors import AmountError, UserError
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
from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.settings import execution_settings, strategy_timeframe
from sptrader_stream.timeframes import DAY, HOUR, MINUTE, WEEK
from tests.rules.support import VALID, compiled

EURUSD = Instrument(
    symbol="EURUSD",
    price_precision=5,
    quantity_precision=2,
    minimum_quantity=100,
    commission=Commission(percent=2_000, minimum=100_000_000),
    slippage_ticks=1,
    slippage_percent=3,
    spread=None,
    session=-2 * HOUR,
)
USDJPY = Instrument(symbol="USDJPY", price_precision=3, quantity_precision=1, spread=7, session=HOUR)
CAPITAL = 10_000 * 10**8


def resolved(text: str, *instruments: Instrument, timeframe: int = HOUR) -> ExecutionSettings:
    return execution_settings(compiled(text), instruments or (EURUSD,), timeframe, CAPITAL)


def one(text: str) -> InstrumentSettings:
    (found,) = resolved(text).instruments
    return found


def test_costs_that_the_strategy_leaves_open_are_the_instruments() -> None:
    assert resolved(VALID) == ExecutionSettings(
        start_capital=CAPITAL,
        instruments=(
            InstrumentSettings(
                symbol="EURUSD",
                price_precision=5,
                quantity_precision=2,
                minimum_quantity=100,
                entries=(Entry(side=1, sizing="percent", size=2_000_000),),
                stop_loss=Distance(kind="percentage", value=1_000_000),
                spread=None,
                slippage_ticks=1,
                slippage_percent=3,
                commission=Commission(percent=2_000, minimum=100_000_000),
                session=-2 * HOUR,
            ),
        ),
        timeframe=HOUR,
        strategy_timeframe=HOUR,
        session=-2 * HOUR,
    )


def test_costs_that_the_strategy_names_replace_the_instruments_as_a_whole() -> None:
    text = VALID + "execution: {commission: 0.001, slippage: {ticks: 4}, spread: 12, fill: close}\n"
    found = one(text)
    assert found.commission == Commission(percent=100_000)
    assert (found.slippage_ticks, found.slippage_percent, found.spread) == (4, 0, 12)
    assert resolved(text).fill == "close"


def test_costs_are_switched_off_by_zero() -> None:
    found = one(VALID + "execution: {commission: 0, slippage: 0, spread: 0}\n")
    assert (found.commission, found.slippage_ticks, found.slippage_percent, found.spread) == (Commission(), 0, 0, 0)


def test_the_spread_of_the_data_is_none() -> None:
    (found,) = resolved(VALID + "execution: {spread: data}\n", USDJPY).instruments
    assert found.spread is None


def test_sizes_count_parts_money_or_lots() -> None:
    for text, sizing, size in (
        ("{type: percent, value: 0.5}", "percent", 50_000_000),
        ("{type: notional, value: 2500.25}", "notional", 250_025_000_000),
        ("{type: quantity, value: 1.25}", "quantity", 125),
        ("{type: risk, value: 0.01}", "risk", 1_000_000),
    ):
        (entry,) = one(VALID.replace("size: 0.02", f"size: {text}")).entries
        assert (entry.sizing, entry.size) == (sizing, size)


def test_a_quantity_finer_than_a_lot_is_refused() -> None:
    with pytest.raises(AmountError, match=r"sample.yaml: entry.size \(a quantity of EURUSD\): 0.001 has more than 2"):
        resolved(VALID.replace("size: 0.02", "size: {type: quantity, value: 0.001}"))


def test_limits_are_passed_on() -> None:
    found = resolved(VALID + "risk: {max_drawdown: 0.15, daily_loss_limit: 0.03, max_position_size: 0.1}\n")
    limits = (found.max_drawdown, found.daily_loss_limit, found.max_position_size)
    assert limits == (15_000_000, 3_000_000, 10_000_000)


def test_what_holds_for_all_instruments_is_passed_on() -> None:
    found = resolved("""\
name: sample
entry: {when: {expr: close > 1}, action: sell, size: 0.5, scale_in: true, max_positions: 3}
exit:
  signal_exit:
    - {when: {expr: close > 2}, action: close_partial, percent: 0.25}
    - {when: {expr: close > 3}}
  trailing_stop: {activation_pct: 0.01, trail_pct: 0.005}
  break_even: {trigger_pct: 0.02}
  max_holding_period: 36h
execution: {leverage: 30, close_at_end: true, same_bar: target_first}
""")
    assert found.instruments[0].entries == (Entry(side=-1, sizing="percent", size=50_000_000, max_positions=3),)
    assert found.exits == (25_000_000, None)
    assert found.trailing_stop == TrailingStop(activation=1_000_000, trail=500_000)
    assert (found.break_even, found.max_holding_period) == (2_000_000, HoldingPeriod(duration=36 * HOUR))
    assert (found.leverage, found.close_at_end, found.same_bar) == (3_000_000_000, True, "target_first")


LEVELS = """\
name: sample
entry: {when: {expr: close > 1}, action: buy, size: {type: quantity, value: 1.5}}
exit:
  stop_loss: {type: offset, value: 0.25}
  take_profit:
    - {type: atr, value: 1.5, close: 0.5}
    - {value: 0.02, close: 0.25}
    - {type: offset, value: 0.5}
"""


def test_distances_and_quantities_are_in_each_instruments_own_ticks_and_lots() -> None:
    found = resolved(LEVELS, EURUSD, USDJPY)
    assert [each.stop_loss for each in found.instruments] == [Distance(kind="offset", value=v) for v in (25_000, 250)]
    assert [each.entries[0].size for each in found.instruments] == [150, 15]
    assert [each.spread for each in found.instruments] == [None, 7]
    for instrument, offset in zip(found.instruments, (50_000, 500), strict=True):
        assert instrument.targets == (
            Target(distance=Distance(kind="atr", value=150_000_000), close=50_000_000),
            Target(distance=Distance(kind="percentage", value=2_000_000), close=25_000_000),
            Target(distance=Distance(kind="offset", value=offset)),
        )


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("offset, value: 0.25", "offset, value: 0.00025", "exit.stop_loss.value"),
        ("offset, value: 0.5", "offset, value: 0.00025", r"exit.take_profit\[2\].value"),
    ],
)
def test_a_distance_finer_than_a_tick_of_any_instrument_is_refused(old: str, new: str, place: str) -> None:
    message = rf"sample.yaml: {place} \(a distance in prices of USDJPY\): 0.00025 has more than 3 decimal"
    with pytest.raises(AmountError, match=message):
        resolved(LEVELS.replace(old, new), EURUSD, USDJPY)


def test_the_runs_day_is_that_of_its_first_instrument() -> None:
    assert resolved(VALID, USDJPY, EURUSD).session == HOUR


def test_a_run_needs_capital() -> None:
    with pytest.raises(AmountError, match="starting capital must be more than 0"):
        execution_settings(compiled(VALID), [EURUSD], HOUR, 0)


@pytest.mark.parametrize(
    ("timeframe", "data", "wanted"), [(None, 7 * MINUTE, 7 * MINUTE), ("1h", MINUTE, HOUR), ("60m", HOUR, HOUR)]
)
def test_a_strategys_timeframe_is_its_own_else_that_of_the_data(timeframe: str | None, data: int, wanted: int) -> None:
    plan = compiled(VALID + (f"timeframe: {timeframe}\n" if timeframe else ""))
    assert strategy_timeframe(plan, data) == wanted
    assert execution_settings(plan, [EURUSD], data, CAPITAL).strategy_timeframe == wanted


@pytest.mark.parametrize(
    ("timeframe", "data", "message"),
    [
        ("15m", HOUR, "for candles of 15m, and those of the data are of 1h: give it data of 15m or finer, or change"),
        ("1h", 7 * MINUTE, "for candles of 1h, which are not made of whole candles of the data, 7m"),
        ("3w", 3 * DAY, "for candles of 3w, which are not made of whole candles of the data, 3d"),
    ],
)
def test_data_that_the_strategys_candles_are_not_made_of_is_refused(timeframe: str, data: int, message: str) -> None:
    plan = compiled(VALID + f"timeframe: {timeframe}\n")
    with pytest.raises(UserError, match=f"^sample.yaml: timeframe: the strategy is {message}"):
        strategy_timeframe(plan, data)


def test_a_tf_is_held_to_the_data_where_the_strategy_has_no_timeframe() -> None:
    plan = compiled(VALID.replace("signal: ma_crossover\n", "signal: ma_crossover\n      tf: 1w\n"))
    assert strategy_timeframe(plan, WEEK) == WEEK
    assert strategy_timeframe(plan, HOUR) == HOUR
    with pytest.raises(UserError, match="`tf: 1w`, whose candles are not made of whole candles of 2w"):
        strategy_timeframe(plan, 2 * WEEK)
