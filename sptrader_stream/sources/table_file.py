"""Files that are read as a stream of record batches, and the candles in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

import msgspec

from sptrader_stream.errors import DataError
from sptrader_stream.sources.headers import CandleHeader, match_header
from sptrader_stream.sources.source import CHUNK_ROWS, RawCandles, SourceInfo
from sptrader_stream.sources.tables import (
    SAMPLE_ROWS,
    changed_at,
    nothing_in_range,
    raw_candles,
    settle_timeframe,
    within,
)
from sptrader_stream.sources.time_column import TimeColumn, times_of


class TableFile(Protocol):
    """A file of rows and named columns."""

    @property
    def kind(self) -> Literal["csv", "json", "parquet"]:
        """What it is."""
        ...

    @property
    def name(self) -> str:
        """Its path as the user gave it."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Its columns."""
        ...

    @property
    def zone(self) -> str | None:
        """The time zone of its times, where files of its kind have one of their own; else None."""
        ...

    @property
    def says_zone(self) -> bool:
        """Whether the file itself says which zone its times are of, or that they are UTC."""
        ...

    @property
    def digits(self) -> int | None:
        """Decimal places of the prices, where a spread counts points of these; None where it is a price."""
        ...

    def batches(self, times: Sequence[str], numbers: Sequence[str]) -> Iterator[Any]:
        """Read from the start: pyarrow RecordBatches of these columns.

        Args:
            times: of times or dates and times of day, however they are written.
            numbers: of numbers.

        Raises:
            DataError: it cannot be read on; names the line or row.
        """
        ...

    def place(self, row: int) -> str:
        """Say where a row is, see ``CandleSource.place``."""
        ...


def zone_of(table: TableFile, timezone: str | None) -> str | None:
    """Decide on the time zone of a file's times; None for UTC.

    Raises:
        DataError: the file says its zone, and is given one.
    """
    if table.says_zone and timezone is not None:
        raise DataError(f"{table.name}: its column of times says the zone in its name: leave --timezone out")
    return timezone or table.zone


class TableSource:
    """The candles of a file.

    Args:
        table: the file.
        symbol: what it holds.
        timeframe: such as ``1m``; None to tell from the file.
        hint: the timeframe that the file's name says.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the file's first.
        end: last open time wanted, inclusive; None for the file's last.
        timezone: of times that do not say theirs; None for UTC, or for what files of its kind have.

    Raises:
        DataError: it cannot be read, lacks a column, or holds no candles.
        UserError: ``timeframe`` or ``timezone`` is none.
    """

    def __init__(
        self,
        table: TableFile,
        *,
        symbol: str,
        timeframe: str | None = None,
        hint: str | None = None,
        start: int | None = None,
        end: int | None = None,
        timezone: str | None = None,
    ) -> None:
        self._table = table
        self._start = start
        self._end = end
        self._zone = zone_of(table, timezone)
        self._header: CandleHeader = match_header(table.names, table.name)
        first = next((batch for batch in self._batches() if batch.num_rows), None)
        if first is None:
            raise DataError(f"{table.name}: the file holds a header and no candles")
        self._sample = times_of(first.slice(0, SAMPLE_ROWS), self._header.time, self._header.clock)
        times = self._times().nanoseconds(self._sample, 0)
        self.info = SourceInfo(
            kind=table.kind,
            name=table.name,
            symbol=symbol,
            timeframe=settle_timeframe(timeframe, hint, times, table.name),
            has_spread=self._header.spread is not None,
            retrieved_at=changed_at(table.name),
        )

    def place(self, row: int) -> str:
        """Say where a row is, see ``CandleSource.place``."""
        return self._table.place(row)

    def chunks(self) -> Iterator[RawCandles]:
        """Read the candles of the range, see ``CandleSource``."""
        found = False
        row = 0
        times = self._times()
        for batch in self._batches():
            for first in range(0, batch.num_rows, CHUNK_ROWS):
                piece = batch.slice(first, CHUNK_ROWS)
                raw = self._in_prices(raw_candles(piece, self._header, times, row))
                for part in within(raw, self._start, self._end):
                    found = True
                    yield part
                row += piece.num_rows
        if not found:
            raise nothing_in_range(self._table.name, self._start, self._end)

    def _times(self) -> TimeColumn:
        return TimeColumn(self._table.name, self._header.time, self._sample, self.place, self._zone)

    def _batches(self) -> Iterator[Any]:
        header = self._header
        return self._table.batches([each for each in (header.time, header.clock) if each], header.numbers)

    def _in_prices(self, raw: RawCandles) -> RawCandles:
        """Give a spread of points as one of prices."""
        if raw.spread is None or self._table.digits is None:
            return raw
        return msgspec.structs.replace(raw, spread=raw.spread / 10.0**self._table.digits)
