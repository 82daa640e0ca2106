from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.columns import Floats
from sptrader_stream.metrics import statistics

Statistic: TypeAlias = Callable[[Floats], float | None]

SAME: list[tuple[Statistic, Callable[[Floats], float]]] = [
    (statistics.cagr, empyrical.cagr),
    (statistics.annual_volatility, empyrical.annual_volatility),
    (statistics.sharpe_ratio, empyrical.sharpe_ratio),
    (statistics.sortino_ratio, empyrical.sortino_ratio),
    (statistics.max_drawdown, lambda returns: -empyrical.max_drawdown(returns)),
    (statistics.calmar_ratio, empyrical.calmar_ratio),
]
ALL: list[Statistic] = [ours for ours, _ in SAME]

# Hundredths of a percent: smaller drawdowns would leave less than twelve digits to compare.
daily = st.lists(st.integers(-900, 900).map(lambda points: points / 10_000), min_size=2, max_size=300)


@pytest.mark.parametrize(("ours", "theirs"), SAME)
@given(values=daily)
@settings(deadline=None, max_examples=60)
def test_equals_empyrical(ours: Statistic, theirs: Callable[[Floats], float], values: list[float]) -> None:
    returns = np.array(values)
    found, wanted = ours(returns), theirs(returns)
    if math.isfinite(wanted):
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-13)
    else:
        assert found is None


@pytest.mark.parametrize("statistic", ALL)
@pytest.mark.parametrize("values", [[], [0.01]])
def test_is_undefined_before_the_second_day(statistic: Statistic, values: list[float]) -> None:
    assert statistic(np.array(values)) is None


@pytest.mark.parametrize("value", [0.0, 0.01, -0.01])
def test_sharpe_is_undefined_when_nothing_varies(value: float) -> None:
    returns = np.full(10, value)
    # In floats the mean of ten times 0.01 is not 0.01, and the deviation from it is not zero.
    assert value == 0.0 or np.std(returns, ddof=1) > 0.0
    assert statistics.sharpe_ratio(returns) is None
    assert statistics.annual_volatility(returns) == 0.0


def test_sortino_and_calmar_are_undefined_without_a_loss() -> None:
    returns = np.array([0.01, 0.0, 0.02])
    assert statistics.sortino_ratio(returns) is None
    assert statistics.calmar_ratio(returns) is None
    assert statistics.max_drawdown(returns) == 0.0


def test_growth_is_minus_one_when_all_is_lost_and_undefined_when_more_is() -> None:
    assert statistics.cagr(np.array([0.5, -1.0])) == -1.0
    assert statistics.cagr(np.array([0.5, -1.5])) is None


def test_growth_beyond_a_float_is_undefined() -> None:
    assert statistics.cagr(np.array([1e6, 1e6])) is None


def test_the_first_day_is_held_against_the_start_capital() -> None:
    returns = statistics.daily_returns(np.array([1100, 1100, 990], np.int64), 1000)
    assert returns.tolist() == [0.1, 0.0, -0.1]


def test_returns_end_with_the_day_that_leaves_nothing() -> None:
    returns = statistics.daily_returns(np.array([500, 0, 700], np.int64), 1000)
    assert returns.tolist() == [-0.5, -1.0]


def test_a_small_change_of_a_large_equity_keeps_its_digits() -> None:
    returns = statistics.daily_returns(np.array([2**61 + 3], np.int64), 2**61)
    assert returns.tolist() == [3 / 2**61]
