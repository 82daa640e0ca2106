from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sptrader_stream.columns import Floats
from sptrader_stream.indicators import build

Compute = Callable[..., tuple[Floats, ...]]

random = np.random.default_rng(11)
SERIES = {
    "flat": np.full(400, 110_000.0),
    "flat after a walk": np.r_[110_000.0 + np.cumsum(random.integers(-9, 10, 200)), np.full(200, 110_003.0)],
    "far from zero": 1e12 + random.integers(-3, 4, 400).astype(np.float64),
    "far from the first value": np.r_[1.0, 1e9 + random.integers(-3, 4, 400)],
    "jump, then flat": np.r_[random.random(100), np.full(300, 1234.567)],
    "small, not whole": random.random(400) * 1e-3,
    "small waves on a tall step": np.r_[np.zeros(100), 1e6 + random.random(300) * 1e-1],
    "one wild value": np.r_[random.random(50), 1e7, random.random(350)],
}


@pytest.mark.parametrize("period", [2, 20, 75])
@pytest.mark.parametrize("values", SERIES.values(), ids=SERIES.keys())
def test_stddev_equals_numpy_in_every_window(values: Floats, period: int, compute: Compute) -> None:
    (found,) = compute("stddev", {"source": values}, period=period)
    expected = np.lib.stride_tricks.sliding_window_view(values, period).std(axis=1)
    np.testing.assert_allclose(found[period - 1 :], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("values", SERIES.values(), ids=SERIES.keys())
def test_stddev_candle_by_candle_gives_the_same_bits(values: Floats, compute: Compute) -> None:
    (whole,) = compute("stddev", {"source": values}, period=20)
    single = build("stddev", {"period": 20}, 1.0)
    pieces = [single.update(values[i : i + 1])[0] for i in range(len(values))]
    assert np.concatenate(pieces).tobytes() == whole.tobytes()


@pytest.mark.parametrize("level", [110_003.0, 0.1, 1e15])
def test_stddev_of_a_flat_window_is_exactly_zero(level: float, compute: Compute) -> None:
    values = np.r_[random.random(50), np.full(100, level)]
    (found,) = compute("stddev", {"source": values}, period=20)
    assert (found[50 + 19 :] == 0.0).all()


def test_bollinger_middle_is_the_sma_to_the_last_bit(candles: dict[str, Floats], compute: Compute) -> None:
    middle, upper, lower = compute("bollinger", candles, 100_000.0, period=20, deviations=2.5)
    (mean,) = compute("sma", candles, 100_000.0, period=20)
    (deviation,) = compute("stddev", candles, 100_000.0, period=20)
    np.testing.assert_array_equal(middle, mean)
    np.testing.assert_allclose(upper - lower, 5.0 * deviation, atol=1e-14)
