"""What a source of candles offers: a description of itself, and its candles in chunks, in the order of the file.

A chunk is small (``LARGE_CHUNK_ROWS`` at most) whatever the size of the source, so that memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.columns import Floats, Ints

CHUNK_ROWS: Final = 8_192
# Of a source that gives as many in the time that it takes to wake another thread.
LARGE_CHUNK_ROWS: Final = 32_768

# The open time of a candle that has none, and the spread in ticks.
NO_TIME: Final = -(2**63)
NO_SPREAD: Final = -(2**63)

# How far the candles of a source can be believed: somebody has looked them through and vouched for them; they are from
# a server or database; from a file of the user's; or made up.
Trust: TypeAlias = Literal["verified", "external", "user-supplied", "synthetic"]


class SourceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a source before its candles are read.

    Attributes:
        kind: where the candles come from.
        name: the path as the user gave it, or what the source is called.
        symbol: the instrument's symbol.
        timeframe: such as ``1m``.
        rows: how many candles will come, or None where only reading tells.
        start: open time of the first candle, nanoseconds since 1970 UTC, where known.
        end: open time of the last candle, likewise.
        synthetic: whether the candles are made up.
        has_spread: whether a candle says its spread.
        trust: how far the candles can be believed.
        retrieved_at: when they were obtained, nanoseconds since 1970 UTC, where that is known.
        built_from: the finer timeframe of the candles that ``chunks`` gives, where those of ``timeframe`` are built
            from them; else None.
    """

    kind: Literal["parquet", "csv", "json", "catalog", "synthetic", "database", "http"]
    name: str
    symbol: str
    timeframe: str
    rows: int | None = None
    start: int | None = None
    end: int | None = None
    synthetic: bool = False
    has_spread: bool = True
    trust: Trust = "user-supplied"
    retrieved_at: int | None = None
    built_from: str | None = None


class RawCandles(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Candles as a file has them; columns of equal length, nothing checked.

    Attributes:
        row: index of the first candle among the rows of the source, from 0.
        time: open times, nanoseconds since 1970 UTC; ``NO_TIME`` where there is none.
        open, high, low, close: prices, float64.
        volume: float64; NaN where missing.
        spread: in units of price, float64; None where the source has none.
    """

    row: int
    time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    spread: Floats | None


def raw_part(candles: RawCandles, first: int, last: int) -> RawCandles:
    """Give the candles from ``first`` to ``last`` (exclusive), without copying."""
    return RawCandles(
        row=candles.row + first,
        time=candles.time[first:last],
        open=candles.open[first:last],
        high=candles.high[first:last],
        low=candles.low[first:last],
        close=candles.close[first:last],
        volume=candles.volume[first:last],
        spread=None if candles.spread is None else candles.spread[first:last],
    )


class ExactCandles(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Candles whose prices are whole numbers already; columns of equal length, nothing checked.

    Attributes:
        row: index of the first candle among the rows of the source, from 0.
        precision: decimal places of a tick; where the instrument has others, they are converted.
        time: open times, nanoseconds since 1970 UTC; ``NO_TIME`` where there is none.
        open, high, low, close: ticks.
        volume: float64; NaN where missing.
        spread: ticks, ``NO_SPREAD`` where missing; None where the source has none.
    """

    row: int
    precision: int
    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    spread: Ints | None

    def in_prices(self) -> RawCandles:
        """Give the same with the float64 nearest to each price, which keeps it exactly (see ``price_checks``)."""
        scale = 10.0**self.precision
        spread = self.spread
        return RawCandles(
            row=self.row,
            time=self.time,
            open=self.open / scale,
            high=self.high / scale,
            low=self.low / scale,
            close=self.close / scale,
            volume=self.volume,
            spread=None if spread is None else np.where(spread == NO_SPREAD, np.nan, spread / scale),
        )


Chunk: TypeAlias = RawCandles | ExactCandles | ReadyCandles


@runtime_checkable
class StoppableSource(Protocol):
    """A source that may wait for somebody else, such as a server, and can be told not to."""

    def stop(self) -> None:
        """End reading at once, from any thread: ``chunks`` raises DataError, whatever it is waiting for."""
        ...


class CandleSource(Protocol):
    """A source of candles of one instrument and timeframe."""

    @property
    def info(self) -> SourceInfo:
        """What is known before the candles are read."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start: at most ``LARGE_CHUNK_ROWS`` candles at a time.

        ``RawCandles`` and ``ExactCandles`` have to pass an ``Intake``; ``ReadyCandles`` keep the contract already.

        Raises:
            DataError: the source cannot be read on; names file and line or row.
        """
        ...

    def place(self, row: int) -> str:
        """Say where a row is for somebody who opens the file: ``row 18`` or ``line 19``.

        Args:
            row: index among the rows of the source, from 0.
        """
        ...
