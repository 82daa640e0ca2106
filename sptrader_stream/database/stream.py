"""Candles on their way into the database: those that do not go with their series are refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sptrader_stream.candles import ReadyCandles, part_of
from sptrader_stream.database.binary import Column, candle_values, is_whole_microseconds
from sptrader_stream.database.series import Series
from sptrader_stream.errors import DataError
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.checks import LARGEST_TICKS
from sptrader_stream.timeframes import format_time


class CandleStream:
    """Candles on their way: checked, counted, and cut in two at a time.

    Attributes:
        count: how many came so far.
        first, last: open times of the first and of the last one so far, nanoseconds since 1970 UTC.
    """

    def __init__(
        self, first: ReadyCandles, others: Iterator[ReadyCandles], instrument: Instrument, series: Series, source: str
    ) -> None:
        self.count = 0
        self.first = self.last = int(first.time[0])
        self._pieces = self._checked(first, others)
        self._left: ReadyCandles | None = None
        self._series = series
        self._source = source
        self._factor = 10 ** max(0, series.price_precision - instrument.price_precision)
        self._divisor = 10 ** max(0, instrument.price_precision - series.price_precision)

    def up_to(self, last: int | None) -> Iterator[list[Column]]:
        """Give the columns of the candles up to an open time, a chunk at a time; none for None."""
        if last is None:
            return
        for piece in self._pieces:
            size = int(np.searchsorted(piece.time, last, side="right"))
            if size:
                yield self._values(part_of(piece, 0, size))
            if size < len(piece):
                self._left = part_of(piece, size, len(piece))
                return

    def rest(self) -> Iterator[list[Column]]:
        """Give the columns of the candles that are left."""
        if self._left is not None:
            yield self._values(self._left)
        for piece in self._pieces:
            yield self._values(piece)

    def _checked(self, first: ReadyCandles, others: Iterator[ReadyCandles]) -> Iterator[ReadyCandles]:
        piece: ReadyCandles | None = first
        while piece is not None:
            if len(piece):
                self._check(piece)
                self.count += len(piece)
                self.last = int(piece.time[-1])
                yield piece
            piece = next(others, None)

    def _check(self, piece: ReadyCandles) -> None:
        fine = ~is_whole_microseconds(piece.time)
        if fine.any():
            raise self._refused(piece, int(fine.argmax()), "its time is finer than a microsecond")
        has_spread = piece.spread is not None
        if has_spread != self._series.has_spread:
            has, lacks = (
                ("these have one", "those there have none")
                if has_spread
                else ("these have none", "those there have one")
            )
            raise self._refused(
                piece, 0, f"candles of a series all have a spread or none has: {has}, {lacks}: change the file"
            )
        columns = [piece.open, piece.high, piece.low, piece.close, *([] if piece.spread is None else [piece.spread])]
        precision = self._series.price_precision
        for column in columns:
            broken = column % self._divisor != 0
            if broken.any():
                raise self._refused(
                    piece, int(broken.argmax()), f"a price has more than the {precision} decimal places of the series"
                )
            large = column >= LARGEST_TICKS / self._factor
            if large.any():
                raise self._refused(piece, int(large.argmax()), f"a price is too large for {precision} decimal places")

    def _refused(self, piece: ReadyCandles, row: int, why: str) -> DataError:
        series = self._series
        return DataError(
            f"{self._source}: the candle of {format_time(int(piece.time[row]))} does not go with the series "
            f"{series.symbol} {series.timeframe} of the database: {why}; nothing was written"
        )

    def _values(self, piece: ReadyCandles) -> list[Column]:
        return candle_values(piece, self._factor, self._divisor)
