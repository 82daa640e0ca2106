"""Candles from a Parquet file, streamed by row groups: memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sptrader_stream.errors import DataError
from sptrader_stream.sources.headers import CandleHeader, match_header
from sptrader_stream.sources.source import CHUNK_ROWS, RawCandles, SourceInfo
from sptrader_stream.sources.tables import (
    SAMPLE_ROWS,
    TimeColumn,
    check_number_types,
    nothing_in_range,
    raw_candles,
    settle_timeframe,
    within,
)

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

# Column chunks are read through a buffer of this many bytes, not as a whole.
_BUFFER_BYTES = 1 << 18


class ParquetSource:
    """A Parquet file.

    Args:
        path: the file.
        symbol: what it holds.
        timeframe: such as ``1m``; None to tell from the file.
        hint: the timeframe that the file's name says.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the file's first.
        end: last open time wanted, inclusive; None for the file's last.

    Raises:
        DataError: it cannot be read, lacks a column, has one of a wrong type, or holds no candles.
        UserError: ``timeframe`` is none.
    """

    def __init__(
        self,
        path: Path,
        *,
        symbol: str,
        timeframe: str | None = None,
        hint: str | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> None:
        import pyarrow as pa

        self._path = path
        self._start = start
        self._end = end
        try:
            with self._open() as file:
                self._header: CandleHeader = match_header(file.schema_arrow.names, str(path))
                check_number_types(file.schema_arrow, self._header, str(path))
                if file.metadata.num_rows == 0:
                    raise DataError(f"{path}: the file holds no candles")
                sample = next(file.iter_batches(SAMPLE_ROWS, columns=[self._header.time], use_threads=False)).column(0)
                self._times = TimeColumn(str(path), self._header.time, sample, self.place)
                self._groups, first, last = self._choose_groups(file)
                rows: int = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None
        times = self._times.nanoseconds(sample, 0)
        whole = start is None and end is None
        self.info = SourceInfo(
            kind="parquet",
            name=str(path),
            symbol=symbol,
            timeframe=settle_timeframe(timeframe, hint, times, str(path)),
            rows=rows if whole else None,
            start=first if first is None or start is None else max(first, start),
            end=last if last is None or end is None else min(last, end),
            has_spread=self._header.spread is not None,
        )

    def place(self, row: int) -> str:
        """Say where a row is: ``row 1`` is the first."""
        return f"row {row + 1}"

    def chunks(self) -> Iterator[RawCandles]:
        """Read the candles of the range, see ``CandleSource``."""
        import pyarrow as pa

        found = False
        try:
            with self._open() as file:
                for group, first_row in self._groups:
                    row = first_row
                    batches = file.iter_batches(
                        CHUNK_ROWS, row_groups=[group], columns=self._header.columns, use_threads=False
                    )
                    for batch in batches:
                        for part in within(raw_candles(batch, self._header, self._times, row), self._start, self._end):
                            found = True
                            yield part
                        row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None
        if not found:
            raise nothing_in_range(str(self._path), self._start, self._end)

    def _open(self) -> ParquetFile:
        from pyarrow.parquet import ParquetFile

        return ParquetFile(self._path, pre_buffer=False, buffer_size=_BUFFER_BYTES)

    def _choose_groups(self, file: ParquetFile) -> tuple[list[tuple[int, int]], int | None, int | None]:
        """Choose the row groups that can hold candles of the range, by their statistics.

        Returns:
            Each with the index of its first row; and the first and last time of the file, where all of them tell.
        """
        groups: list[tuple[int, int]] = []
        row = 0
        bounds: list[tuple[int, int] | None] = []
        metadata = file.metadata
        column = file.schema_arrow.names.index(self._header.time)
        flat = len(file.schema_arrow.names) == metadata.num_columns
        for group in range(metadata.num_row_groups):
            described = metadata.row_group(group)
            span = self._span(described.column(column).statistics) if flat else None
            bounds.append(span)
            before = span is not None and self._end is not None and span[0] > self._end
            after = span is not None and self._start is not None and span[1] < self._start
            if not before and not after:
                groups.append((group, row))
            row += described.num_rows
        known = [each for each in bounds if each is not None]
        if len(known) < len(bounds):
            return groups, None, None
        return groups, min(low for low, _ in known), max(high for _, high in known)

    def _span(self, statistics: Any) -> tuple[int, int] | None:
        if statistics is None or not statistics.has_min_max or self._times.is_text or statistics.null_count:
            return None
        low, high = statistics.min_raw, statistics.max_raw
        if not isinstance(low, int) or not isinstance(high, int):
            return None
        return self._times.scaled(low), self._times.scaled(high)

    def _unreadable(self, error: Exception) -> DataError:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return DataError(f"{self._path}: cannot be read as Parquet: {reason}. Check that the file is complete")
