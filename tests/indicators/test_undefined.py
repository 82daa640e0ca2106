"""Undefined is NaN: while warming up, and wherever an input is undefined, which otherwise changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib

from sptrader_stream.columns import Floats
from sptrader_stream.indicators import INDICATORS, build
from tests.indicators.conftest import make_candles
from tests.indicators.test_batches import PARAMETERS

Compute = Callable[..., tuple[Floats, ...]]

INPUTS = [(name, field) for name, info in INDICATORS.items() for field in info.inputs if field != "time"]


@pytest.mark.parametrize(("name", "field"), INPUTS)
def test_a_candle_with_an_undefined_input_is_skipped(name: str, field: str, compute: Compute) -> None:
    candles = make_candles("walk", 300)
    undefined = np.zeros(300, np.bool_)
    undefined[[0, 1, 2, 17, 150, 151, 299]] = True
    without = {key: column[~undefined] for key, column in candles.items()}
    expected = compute(name, without, 1000.0, **PARAMETERS[name])
    candles[field][undefined] = np.nan
    found = compute(name, candles, 1000.0, **PARAMETERS[name])
    for ours, wanted in zip(found, expected, strict=True):
        assert np.isnan(ours[undefined]).all()
        np.testing.assert_array_equal(ours[~undefined], wanted)


def test_an_indicator_over_an_indicator_warms_up_after_it(walk: dict[str, Floats], compute: Compute) -> None:
    (inner,) = compute("rsi", walk, 100_000.0, period=14)
    (outer,) = compute("ema", {"source": inner}, 1.0, period=5)
    np.testing.assert_allclose(outer, talib.EMA(talib.RSI(walk["source"], 14), 5), rtol=1e-9)
    assert np.isnan(outer[: 14 + 4]).all()
    assert not np.isnan(outer[14 + 4 :]).any()


@pytest.mark.parametrize("name", INDICATORS)
def test_an_empty_batch_gives_empty_outputs(name: str) -> None:
    info = INDICATORS[name]
    candles = make_candles("walk", 10)
    empty = [candles[field][:0] for field in info.inputs]
    assert [len(each) for each in build(name, PARAMETERS[name], 1.0).update(*empty)] == [0] * len(info.outputs)
