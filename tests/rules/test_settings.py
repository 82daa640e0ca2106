"""What the position core is told, from a strategy and an instrument."""

from __future__ import annotations

import pytest

from sptrader_stream.errors import AmountError
from sptrader_stream.execution.settings import Commission, Entry, ExecutionSettings
from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.settings import execution_settings
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
)
CAPITAL = 10_000 * 10**8


def resolved(text: str) -> ExecutionSettings:
    return execution_settings(compiled(text), EURUSD, CAPITAL)


def test_costs_that_the_strategy_leaves_open_are_the_instruments() -> None:
    assert resolved(VALID) == ExecutionSettings(
        price_precision=5,
        quantity_precision=2,
        minimum_quantity=100,
        start_capital=CAPITAL,
        entries=(Entry(side=1, sizing="percent", size=2_000_000),),
        stop_loss=1_000_000,
        spread=None,
        slippage_ticks=1,
        slippage_percent=3,
        commission=Commission(percent=2_000, minimum=100_000_000),
    )


def test_costs_that_the_strategy_names_replace_the_instruments_as_a_whole() -> None:
    found = resolved(VALID + "execution: {commission: 0.001, slippage: {ticks: 4}, spread: 12, fill: close}\n")
    assert found.commission == Commission(percent=100_000)
    assert (found.slippage_ticks, found.slippage_percent, found.spread, found.fill) == (4, 0, 12, "close")


def test_costs_are_switched_off_by_zero() -> None:
    found = resolved(VALID + "execution: {commission: 0, slippage: 0, spread: 0}\n")
    assert (found.commission, found.slippage_ticks, found.slippage_percent, found.spread) == (Commission(), 0, 0, 0)


def test_the_spread_of_the_data_is_none() -> None:
    instrument = Instrument(symbol="X", price_precision=2, quantity_precision=0, spread=3)
    plan = compiled(VALID + "execution: {spread: data}\n")
    assert execution_settings(plan, instrument, CAPITAL).spread is None


def test_sizes_count_parts_money_or_lots() -> None:
    for text, sizing, size in (
        ("{type: percent, value: 0.5}", "percent", 50_000_000),
        ("{type: notional, value: 2500.25}", "notional", 250_025_000_000),
        ("{type: quantity, value: 1.25}", "quantity", 125),
    ):
        (entry,) = resolved(VALID.replace("size: 0.02", f"size: {text}")).entries
        assert (entry.sizing, entry.size) == (sizing, size)


def test_a_quantity_finer_than_a_lot_is_refused() -> None:
    with pytest.raises(AmountError, match=r"sample.yaml: entry.size \(a quantity of EURUSD\): 0.001 has more than 2"):
        resolved(VALID.replace("size: 0.02", "size: {type: quantity, value: 0.001}"))


def test_limits_are_passed_on() -> None:
    found = resolved(VALID + "risk: {max_drawdown: 0.15, daily_loss_limit: 0.03, max_position_size: 0.1}\n")
    limits = (found.max_drawdown, found.daily_loss_limit, found.max_position_size)
    assert limits == (15_000_000, 3_000_000, 10_000_000)


def test_a_run_needs_capital() -> None:
    with pytest.raises(AmountError, match="starting capital must be more than 0"):
        execution_settings(compiled(VALID), EURUSD, 0)
