"""Candles as plain numbers: made, put into columns, and read back from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources import CandleSource
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.timeframes import MINUTE, parse_time

EURUSD = Instrument(symbol="EURUSD", price_precision=5, quantity_precision=2)
NOON = parse_time("2025-01-06T12:00:00Z")

# Time, open, high, low, close in ticks, volume, spread in ticks.
Plain: TypeAlias = tuple[int, int, int, int, int, float, int | None]


def plain(
    count: int, first: int = 0, *, spread: int | None = None, start: int = NOON, step: int = MINUTE
) -> list[Plain]:
    """Candles a step apart that are all different."""
    return [
        (start + i * step, 110_000 + i, 110_020 + i, 109_990 + i, 110_010 + i, i + 0.5, spread)
        for i in range(first, first + count)
    ]


def ready(rows: Sequence[Plain]) -> ReadyCandles:
    time, open_, high, low, close, volume, spread = map(list, zip(*rows, strict=True))

    def ints(values: list[Any]) -> Any:
        return np.array(values, np.int64)

    return ReadyCandles(
        time=ints(time),
        open=ints(open_),
        high=ints(high),
        low=ints(low),
        close=ints(close),
        volume=np.array(volume, np.float64),
        spread=None if spread[0] is None else ints(spread),
    )


def rows_of(chunks: Iterable[ReadyCandles]) -> list[Plain]:
    """Candles as plain numbers."""
    found: list[Plain] = []
    for chunk in chunks:
        spreads = [None] * len(chunk) if chunk.spread is None else chunk.spread.tolist()
        columns = [getattr(chunk, name).tolist() for name in ("time", "open", "high", "low", "close", "volume")]
        found += zip(*columns, spreads, strict=True)
    return found


def through_the_contract(source: CandleSource, instrument: Instrument = EURUSD) -> list[Plain]:
    """What a run sees of a source."""
    return rows_of(ready_chunks(source, Intake(source, instrument)))
