"""Views of candles: exact in ticks, nearest to the decimal in prices."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.candles import FIELDS, PRICE_FIELDS, CandleView, block_of
from sptrader_stream.events import Candles

OPEN, HIGH, LOW, CLOSE = [103_500, 103_510], [103_520, 103_511], [103_490, 103_501], [103_503, 103_510]


def view(scale: float = 10.0**5) -> CandleView:
    time, first, high, low, last = (np.array(each, np.int64) for each in ([60, 120], OPEN, HIGH, LOW, CLOSE))
    return CandleView(Candles(0, [2], time, first, high, low, last, np.array([1.5, 2.5])), scale)


def test_ticks_are_the_prices_of_the_candles_as_floats() -> None:
    found = view()
    assert len(found) == 2
    assert found.time.tolist() == [60, 120]
    for name, wanted in zip(("open", "high", "low", "close"), (OPEN, HIGH, LOW, CLOSE), strict=True):
        assert found.ticks(name).tolist() == wanted
        assert found.ticks(name).dtype == np.float64
    assert found.ticks("volume").tolist() == found.prices("volume").tolist() == [1.5, 2.5]


def test_averages_of_prices() -> None:
    found = view()
    for index in range(2):
        open_, high, low, close = OPEN[index], HIGH[index], LOW[index], CLOSE[index]
        assert found.ticks("hl2")[index] == float(Fraction(high + low, 2))
        assert found.ticks("hlc3")[index] == float(Fraction(high + low + close, 3))
        assert found.ticks("ohlc4")[index] == float(Fraction(open_ + high + low + close, 4))


@given(st.integers(1, 2**52), st.integers(0, 8))
def test_a_price_is_the_float_nearest_to_its_decimal(ticks: int, precision: int) -> None:
    column = np.array([ticks], np.int64)
    found = CandleView(Candles(0, [1], column, column, column, column, column, np.zeros(1)), 10.0**precision)
    assert found.prices("close")[0] == float(Fraction(ticks, 10**precision))


@pytest.mark.parametrize("name", FIELDS)
def test_a_column_is_made_once_and_contiguous(name: str) -> None:
    found = view()
    assert found.ticks(name) is found.ticks(name)
    assert found.ticks(name).flags.c_contiguous
    assert found.ticks(name).dtype == np.float64


def test_every_field_but_volume_is_a_price() -> None:
    assert {*FIELDS} - {*PRICE_FIELDS} == {"volume"}


def batch_of(ends: list[int], *, spread: bool) -> Candles:
    rows = np.arange(ends[-1])
    return Candles(0, ends, rows, rows + 10, rows + 20, rows, rows + 15, rows / 2.0, rows + 90 if spread else None)


@pytest.mark.parametrize("spread", [False, True])
def test_a_block_has_the_rows_of_its_instrument_and_is_not_a_copy(spread: bool) -> None:
    batch = batch_of([3, 3, 7], spread=spread)
    for index, wanted in enumerate([[0, 1, 2], [], [3, 4, 5, 6]]):
        block = block_of(batch, index)
        assert block.time.tolist() == wanted
        assert block.close.tolist() == [each + 15 for each in wanted]
        assert block.volume.tolist() == [each / 2 for each in wanted]
        if spread:
            assert block.spread is not None
            assert block.spread.tolist() == [each + 90 for each in wanted]
        else:
            assert block.spread is None
        assert not wanted or np.shares_memory(block.time, batch.time)


def test_the_block_of_a_single_instrument_is_the_batch() -> None:
    batch = batch_of([4], spread=False)
    assert block_of(batch, 0) is batch
