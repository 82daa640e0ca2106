"""Every indicator that TA-Lib has gives TA-Lib's values, in prices, from the same candle on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import talib

from sptrader_stream.columns import Floats

SCALE = 100_000.0

Candles = dict[str, Floats]
Compute = Callable[..., tuple[Floats, ...]]


def _prices(candles: Candles) -> Candles:
    plain = ("volume", "time")
    return {name: column if name in plain else column / SCALE for name, column in candles.items()}


def _deviation(candles: Candles, period: int) -> Floats:
    # TA-Lib's variance is mean(x^2) - mean(x)^2, which has few digits left far from zero.
    return np.asarray(talib.STDDEV(candles["source"] - candles["source"][0], period) / SCALE)


def _bollinger(candles: Candles, period: int, deviations: float) -> tuple[Floats, ...]:
    upper, middle, lower = talib.BBANDS(candles["source"] - candles["source"][0], period, deviations, deviations)
    return tuple((band + candles["source"][0]) / SCALE for band in (middle, upper, lower))


def _stochastic(candles: Candles, period: int, k_smoothing: int, d_smoothing: int) -> tuple[Floats, ...]:
    # In ticks: the differences of decimal prices carry rounding that a percentage of them magnifies.
    high, low, close = candles["high"], candles["low"], candles["close"]
    return tuple(talib.STOCH(high, low, close, period, k_smoothing, 0, d_smoothing, 0))


def _adx(candles: Candles, period: int) -> tuple[Floats, ...]:
    # In ticks: rounding of decimal prices makes one of two equal movements the larger.
    bars = candles["high"], candles["low"], candles["close"]
    return talib.ADX(*bars, period), talib.PLUS_DI(*bars, period), talib.MINUS_DI(*bars, period)


Case = tuple[str, Mapping[str, float], Callable[[Candles], tuple[Floats, ...]]]

CASES: list[Case] = [
    *[("sma", {"period": n}, lambda c, n=n: (talib.SMA(_prices(c)["source"], n),)) for n in (2, 10, 200)],
    *[("ema", {"period": n}, lambda c, n=n: (talib.EMA(_prices(c)["source"], n),)) for n in (2, 12, 200)],
    *[("wma", {"period": n}, lambda c, n=n: (talib.WMA(_prices(c)["source"], n),)) for n in (2, 9, 200)],
    *[("rsi", {"period": n}, lambda c, n=n: (talib.RSI(_prices(c)["source"], n),)) for n in (2, 14, 50)],
    *[("roc", {"period": n}, lambda c, n=n: (talib.ROC(_prices(c)["source"], n),)) for n in (1, 10)],
    *[("highest", {"period": n}, lambda c, n=n: (talib.MAX(_prices(c)["source"], n),)) for n in (2, 20, 333)],
    *[("lowest", {"period": n}, lambda c, n=n: (talib.MIN(_prices(c)["source"], n),)) for n in (2, 20, 333)],
    *[("stddev", {"period": n}, lambda c, n=n: (_deviation(c, n),)) for n in (2, 20, 100)],
    *[
        (
            "macd",
            {"fast": fast, "slow": slow, "signal": signal},
            lambda c, p=(fast, slow, signal): talib.MACD(_prices(c)["source"], *p),
        )
        for fast, slow, signal in ((12, 26, 9), (2, 3, 1), (5, 35, 5))
    ],
    *[
        (
            "atr",
            {"period": n},
            lambda c, n=n: (talib.ATR(*(_prices(c)[field] for field in ("high", "low", "close")), n),),
        )
        for n in (1, 2, 14)
    ],
    *[("adx", {"period": n}, lambda c, n=n: _adx(c, n)) for n in (2, 14)],
    *[
        ("bollinger", {"period": n, "deviations": k}, lambda c, n=n, k=k: _bollinger(c, n, k))
        for n, k in ((20, 2.0), (5, 1.5))
    ],
    *[
        (
            "stochastic",
            {"period": n, "k_smoothing": k, "d_smoothing": d},
            lambda c, p=(n, k, d): _stochastic(c, *p),
        )
        for n, k, d in ((14, 3, 3), (5, 1, 4), (1, 2, 1))
    ],
    ("obv", {}, lambda c: (talib.OBV(_prices(c)["close"], c["volume"]),)),
]


@pytest.mark.parametrize(
    ("name", "parameters", "reference"),
    CASES,
    ids=[f"{name}{tuple(parameters.values())}" for name, parameters, _ in CASES],
)
def test_equals_ta_lib(
    name: str,
    parameters: Mapping[str, float],
    reference: Callable[[Candles], tuple[Floats, ...]],
    candles: Candles,
    compute: Compute,
) -> None:
    found = compute(name, candles, SCALE, **parameters)
    expected = reference(candles)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_donchian_is_the_highest_high_and_the_lowest_low(candles: Candles, compute: Compute) -> None:
    middle, upper, lower = compute("donchian", candles, SCALE, period=20)
    price = _prices(candles)
    np.testing.assert_array_equal(upper, talib.MAX(price["high"], 20))
    np.testing.assert_array_equal(lower, talib.MIN(price["low"], 20))
    np.testing.assert_allclose(middle, (upper + lower) / 2.0, rtol=1e-15)


def test_roc_from_zero_is_zero(compute: Compute) -> None:
    values = np.array([0.0, 5.0, 0.0, 0.0, 4.0, 8.0])
    (found,) = compute("roc", {"source": values}, period=1)
    np.testing.assert_array_equal(found, talib.ROC(values, 1))
    assert found[1] == 0.0
