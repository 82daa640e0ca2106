"""A series of ticks in the catalog, read month by month for the candles that they make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import numpy as np

from sptrader_stream.catalog.manifest import read_manifest
from sptrader_stream.catalog.month_files import read_blocks
from sptrader_stream.catalog.rows import ASK, BID, VOLUME, Rows
from sptrader_stream.columns import Floats
from sptrader_stream.errors import DataError
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.source import SourceInfo
from sptrader_stream.sources.ticks import Ticks
from sptrader_stream.timeframes import TICK, parse_time

_COLUMNS: Final = [BID, ASK, VOLUME]


class CatalogTicks:
    """The ticks of a series, see ``TickReader``.

    Args:
        folder: the series'.
        instrument: what it is of.
        start: of those wanted, nanoseconds since 1970 UTC, inclusive; None for the first there is.
        end: likewise; None for the last there is.

    Attributes:
        info: what is known of them.
        precision: decimal places of their prices.

    Raises:
        DataError: the folder holds none, or those of another instrument.
    """

    def __init__(self, folder: Path, instrument: Instrument, start: int | None = None, end: int | None = None) -> None:
        manifest = read_manifest(folder)
        if manifest is None or not manifest.months:
            raise DataError(f"{folder}: holds no ticks: see what there is with `sptrader data list`")
        if manifest.symbol != instrument.symbol:
            raise DataError(f"{folder}: holds ticks of {manifest.symbol}, not of {instrument.symbol}")
        self._folder = folder
        self._start = start
        self._end = end
        self._months = [
            each
            for each in manifest.months
            if (start is None or parse_time(each.end) >= start) and (end is None or parse_time(each.start) <= end)
        ]
        self.precision = manifest.price_precision
        self._scale = 10.0**self.precision
        self.info = SourceInfo(
            kind="catalog",
            name=str(folder),
            symbol=manifest.symbol,
            timeframe=TICK,
            start=None if manifest.span is None else manifest.span[0],
            end=None if manifest.span is None else manifest.span[1],
            has_spread=True,
            trust=manifest.trust,
            retrieved_at=parse_time(manifest.origins[-1].retrieved_at) if manifest.origins else None,
        )

    def ticks(self) -> Iterator[Ticks]:
        """Read the range, see ``TickReader``."""
        row = 0
        for rows in self.rows():
            bid, ask, volume = (rows.values[name] for name in _COLUMNS)
            # The quotients are the float64 nearest to the decimals, which keep them exactly (see ``price_checks``).
            yield Ticks(row, rows.time, bid / self._scale, ask / self._scale, cast("Floats", volume))
            row += len(rows)

    def rows(self) -> Iterator[Rows]:
        """Read the range with its exact prices.

        Raises:
            DataError: a file is gone or broken.
        """
        for month in self._months:
            for block in read_blocks(self._folder, month, _COLUMNS):
                first = 0 if self._start is None else int(np.searchsorted(block.time, self._start))
                last = len(block) if self._end is None else int(np.searchsorted(block.time, self._end, side="right"))
                if first < last:
                    yield block.part(slice(first, last))
