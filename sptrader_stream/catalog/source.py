"""A series of the catalog as a source of candles, read month by month."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

from sptrader_stream.catalog.manifest import read_manifest
from sptrader_stream.catalog.month_files import read_blocks
from sptrader_stream.catalog.rows import PRICES, SPREAD, VOLUME, Rows
from sptrader_stream.columns import Floats, Ints
from sptrader_stream.errors import DataError
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.source import ExactCandles, SourceInfo
from sptrader_stream.sources.tables import nothing_in_range
from sptrader_stream.timeframes import is_made_of, parse_time, parse_timeframe

_COLUMNS = [*PRICES, VOLUME]


class CatalogSource:
    """A series, or a range of one.

    Args:
        folder: the series'.
        instrument: what it holds.
        timeframe: such as ``1h``, one that its candles make up; None for their own.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the first there is.
        end: last open time wanted, inclusive; None for the last there is.

    Raises:
        DataError: the folder holds no series or one of another instrument or of a timeframe that does not do.
    """

    def __init__(
        self,
        folder: Path,
        instrument: Instrument,
        *,
        timeframe: str | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> None:
        manifest = read_manifest(folder)
        if manifest is None or manifest.span is None:
            raise DataError(f"{folder}: holds no candles: see what there is with `sptrader data list`")
        if manifest.symbol != instrument.symbol:
            raise DataError(f"{folder}: holds candles of {manifest.symbol}, not of {instrument.symbol}")
        if timeframe is not None and not is_made_of(parse_timeframe(timeframe), parse_timeframe(manifest.timeframe)):
            raise DataError(f"{folder}: holds {manifest.timeframe} candles, which do not make up {timeframe}")
        first, last = manifest.span
        self._folder = folder
        self._columns = [*_COLUMNS, SPREAD] if manifest.has_spread else _COLUMNS
        self._precision = manifest.price_precision
        self._start = first if start is None else max(first, start)
        self._end = last if end is None else min(last, end)
        self._months = [
            each
            for each in manifest.months
            if parse_time(each.end) >= self._start and parse_time(each.start) <= self._end
        ]
        is_empty = not self._months or self._end < self._start
        self.info = SourceInfo(
            kind="catalog",
            name=str(folder),
            symbol=instrument.symbol,
            timeframe=manifest.timeframe,
            rows=manifest.rows if (self._start, self._end) == (first, last) else None,
            start=None if is_empty else self._start,
            end=None if is_empty else self._end,
            has_spread=manifest.has_spread,
            trust=manifest.trust,
            retrieved_at=parse_time(manifest.origins[-1].retrieved_at) if manifest.origins else None,
        )

    def place(self, row: int) -> str:
        """Say where a row is: ``candle 1`` is the first of the range."""
        return f"candle {row + 1}"

    def chunks(self) -> Iterator[ExactCandles]:
        """Read the candles of the range, see ``CandleSource``."""
        row = 0
        for month in self._months:
            for block in read_blocks(self._folder, month, self._columns):
                first = int(np.searchsorted(block.time, self._start))
                last = int(np.searchsorted(block.time, self._end, side="right"))
                if first < last:
                    yield self._candles(block.part(slice(first, last)), row)
                    row += last - first
        if row == 0:
            raise nothing_in_range(str(self._folder), self._start, self._end)

    def _candles(self, rows: Rows, row: int) -> ExactCandles:
        values = rows.values
        open_, high, low, close = (cast("Ints", values[name]) for name in PRICES)
        spread = values.get(SPREAD)
        return ExactCandles(
            row=row,
            precision=self._precision,
            time=rows.time,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=cast("Floats", values[VOLUME]),
            spread=None if spread is None else cast("Ints", spread),
        )
