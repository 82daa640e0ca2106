from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.columns import Floats
from sptrader_stream.indicators import build

Compute = Callable[..., tuple[Floats, ...]]

ticks = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(values=ticks, period=st.integers(1, 12), digits=st.integers(0, 5))
def test_sma_of_ticks_is_the_exact_mean_rounded_once(values: list[int], period: int, digits: int) -> None:
    (found,) = build("sma", {"period": period}, 10.0**digits).update(np.array(values, np.float64))
    for i in range(period - 1, len(values)):
        assert found[i] == float(Fraction(sum(values[i + 1 - period : i + 1]), period * 10**digits))


@settings(max_examples=60, deadline=None)
@given(values=ticks, period=st.integers(1, 12))
def test_wma_of_ticks_is_the_exact_weighted_mean_rounded_once(values: list[int], period: int) -> None:
    (found,) = build("wma", {"period": period}, 100.0).update(np.array(values, np.float64))
    for i in range(period - 1, len(values)):
        window = values[i + 1 - period : i + 1]
        weighted = sum(weight * value for weight, value in enumerate(window, start=1))
        assert found[i] == float(Fraction(weighted, period * (period + 1) // 2 * 100))


@pytest.mark.parametrize("name", ["sma", "ema", "rma", "wma"])
@pytest.mark.parametrize("ticks", [7, 99_999, 113_717, 6_543_210])
def test_averages_of_a_price_that_stands_still_are_that_price(name: str, ticks: int, compute: Compute) -> None:
    still = {"source": np.full(500, float(ticks))}
    for period in (3, 10, 13, 30):
        (found,) = compute(name, still, 100_000.0, period=period)
        assert set(found[period - 1 :]) == {ticks / 100_000}


@pytest.mark.parametrize("name", ["sma", "wma"])
def test_rounding_does_not_pile_up_over_values_that_are_not_whole(name: str, compute: Compute) -> None:
    values = np.random.default_rng(3).random(5000)
    values[100] = 1e15
    (found,) = compute(name, {"source": values}, period=9)
    weights = np.ones(9) if name == "sma" else np.arange(1.0, 10.0)
    for i in range(200, 5000):
        assert found[i] == pytest.approx(fsum(values[i - 8 : i + 1] * weights) / weights.sum(), rel=1e-14)


def test_rma_is_wilders_average_from_the_mean_of_the_first_values(walk: dict[str, Floats], compute: Compute) -> None:
    period = 14
    values = list(walk["source"])
    expected = [sum(values[:period]) / period]
    for value in values[period:]:
        expected.append((expected[-1] * (period - 1) + value) / period)
    (found,) = compute("rma", walk, 1.0, period=period)
    assert np.isnan(found[: period - 1]).all()
    np.testing.assert_allclose(found[period - 1 :], expected, rtol=1e-12)
