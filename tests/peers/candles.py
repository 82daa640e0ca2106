"""The candles that all engines walk: a real year's, and rough ones in which what is rare happens often."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.candles import REAL
from tests.peers.shapes import PRICE_SCALE, Columns

MINUTE = 60 * 10**9
NEW_YEAR = 1_735_689_600 * 10**9


def real(step: int, count: int) -> Columns:
    """Candles of EURUSD, each of ``step`` candles of the file, the last ``count`` of them."""
    if not REAL.exists():
        pytest.skip(f"no real candles: {REAL} is not there")
    import pyarrow.parquet as parquet

    table = parquet.read_table(REAL, columns=["time", "open", "high", "low", "close"])
    table = table.slice(max(0, len(table) - count * step))
    seconds = table["time"].to_pylist()
    open_, high, low, close = ([round(price * PRICE_SCALE) for price in table[each].to_pylist()] for each in _PRICES)
    firsts = range(0, len(seconds), step)
    return Columns(
        [second * 10**9 for second in seconds[::step]],
        open_[::step],
        [max(high[first : first + step]) for first in firsts],
        [min(low[first : first + step]) for first in firsts],
        [close[min(first + step, len(close)) - 1] for first in firsts],
    )


def rough(count: int, seed: int = 7) -> Columns:
    """Candles with gaps beyond stops and targets, and now and then a range that holds both."""
    random = Random(seed)
    columns = Columns([], [], [], [], [])
    close = PRICE_SCALE
    for row in range(count):
        open_ = close + (round(random.gauss(0, 200)) if random.random() < 0.25 else 0)
        close = open_ + round(random.gauss(0, 25)) - round((open_ - PRICE_SCALE) / 200)
        reach = 500 if random.random() < 0.2 else 15
        high = max(open_, close) + round(random.random() * reach)
        low = min(open_, close) - round(random.random() * reach)
        for column, value in zip(columns, (NEW_YEAR + row * MINUTE, open_, high, low, close), strict=True):
            column.append(value)
    return columns


_PRICES = ("open", "high", "low", "close")
