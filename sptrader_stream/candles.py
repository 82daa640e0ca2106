"""Candles inside the engine: columns of int64 nanoseconds and ticks, and the views that indicators compute on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints

if TYPE_CHECKING:
    from sptrader_stream.events import Candles

FIELDS = ("open", "high", "low", "close", "volume", "hl2", "hlc3", "ohlc4")
PRICE_FIELDS = ("open", "high", "low", "close", "hl2", "hlc3", "ohlc4")


class CandleColumns(Protocol):
    """What a batch of candles offers: equally long columns, one value per candle.

    ``time`` is the open time in nanoseconds since 1970 UTC; the prices are int64 ticks; ``volume`` is float64;
    ``spread`` is in ticks, or None where the source has none.
    """

    @property
    def time(self) -> Ints:
        """Open times, nanoseconds since 1970 UTC."""
        ...

    @property
    def open(self) -> Ints:
        """Ticks."""
        ...

    @property
    def high(self) -> Ints:
        """Ticks."""
        ...

    @property
    def low(self) -> Ints:
        """Ticks."""
        ...

    @property
    def close(self) -> Ints:
        """Ticks."""
        ...

    @property
    def volume(self) -> Floats:
        """In the source's units."""
        ...

    @property
    def spread(self) -> Ints | None:
        """Ticks, None where the source has none."""
        ...


class ReadyCandles(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Candles of one instrument that keep the data contract, as the engine computes on them (see ``CandleColumns``)."""

    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    spread: Ints | None

    def __len__(self) -> int:
        return len(self.time)


def block_of(candles: Candles, index: int) -> CandleColumns:
    """Give the candles of one instrument in a batch, without copying.

    Args:
        candles: a batch.
        index: the instrument's place in the run.
    """
    ends = candles.ends
    if len(ends) == 1:
        return candles
    return part_of(candles, ends[index - 1] if index else 0, ends[index])


def part_of(candles: CandleColumns, start: int, end: int) -> ReadyCandles:
    """Give the candles from ``start`` to ``end`` (exclusive), without copying."""
    return ReadyCandles(
        time=candles.time[start:end],
        open=candles.open[start:end],
        high=candles.high[start:end],
        low=candles.low[start:end],
        close=candles.close[start:end],
        volume=candles.volume[start:end],
        spread=None if candles.spread is None else candles.spread[start:end],
    )


def up_to(chunks: Iterator[ReadyCandles], last: int) -> Iterator[ReadyCandles]:
    """Cut candles off behind the open time ``last``; nothing is read beyond it."""
    for chunk in chunks:
        size = int(np.searchsorted(chunk.time, last, side="right"))
        if size == len(chunk):
            yield chunk
            if int(chunk.time[-1]) == last:
                return
            continue
        if size:
            yield part_of(chunk, 0, size)
        return


class CandleView:
    """One batch of candles as indicators and signals see it: float64 columns, made once and kept.

    Indicators compute in ticks, because sums of whole numbers are exact in float64 (up to 2^53) where sums of
    decimal prices are not, and divide by ``scale`` at the end.

    Attributes:
        columns: the batch.
        scale: ticks per price unit, 10^price_precision.
    """

    def __init__(self, columns: CandleColumns, scale: float) -> None:
        self.columns = columns
        self.scale = scale
        self._ticks: dict[str, Floats] = {}

    def __len__(self) -> int:
        return len(self.columns.time)

    @property
    def time(self) -> Ints:
        """Open times, nanoseconds since 1970 UTC."""
        return self.columns.time

    def ticks(self, field: str) -> Floats:
        """A field of ``FIELDS`` as float64, prices in ticks, volume as it is."""
        found = self._ticks.get(field)
        if found is None:
            found = self._ticks[field] = self._make(field)
        return found

    def prices(self, field: str) -> Floats:
        """A field of ``FIELDS`` in the user's units: prices as the float64 nearest to the decimal, volume as it is."""
        values = self.ticks(field)
        return values if field == "volume" else values / self.scale

    def _make(self, field: str) -> Floats:
        if field == "volume":
            return self.columns.volume
        if field == "hl2":
            return (self.ticks("high") + self.ticks("low")) / 2.0
        if field == "hlc3":
            return (self.ticks("high") + self.ticks("low") + self.ticks("close")) / 3.0
        if field == "ohlc4":
            return (self.ticks("open") + self.ticks("high") + self.ticks("low") + self.ticks("close")) / 4.0
        column: Ints = getattr(self.columns, field)
        return column.astype(np.float64)
