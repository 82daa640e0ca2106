"""Candles from a Parquet file, streamed by row groups: memory does not grow with the file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sptrader_stream.errors import DataError
from sptrader_stream.sources.headers import CandleHeader, match_header
from sptrader_stream.sources.source import LARGE_CHUNK_ROWS, RawCandles, SourceInfo
from sptrader_stream.sources.tables import (
    SAMPLE_ROWS,
    changed_at,
    check_number_types,
    nothing_in_range,
    raw_candles,
    settle_timeframe,
    within,
)
from sptrader_stream.sources.time_column import TimeColumn, times_of

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

# What describes columns and row groups, bytes: twice that of candles in 10,000 row groups.
_LARGEST_FOOTER: Final = 1 << 25
# Of one column in one row group, bytes.
_LARGEST_CHUNK: Final = 1 << 29
# Column chunks are read through a buffer of this many bytes, not as a whole.
_BUFFER_BYTES: Final = 1 << 18


class ParquetSource:
    """A Parquet file.

    Args:
        path: the file.
        symbol: what it holds.
        timeframe: such as ``1m``; None to tell from the file.
        hint: the timeframe that the file's name says.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the file's first.
        end: last open time wanted, inclusive; None for the file's last.
        timezone: of times that do not say theirs; None for UTC.

    Raises:
        DataError: it cannot be read, lacks a column, has one of a wrong type, or holds no candles.
        UserError: ``timeframe`` or ``timezone`` is none.
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
        timezone: str | None = None,
    ) -> None:
        import pyarrow as pa

        self._path = path
        self._start = start
        self._end = end
        self._zone = timezone
        try:
            with self._open() as file:
                self._header: CandleHeader = match_header(file.schema_arrow.names, str(path))
                check_number_types(file.schema_arrow, self._header.numbers, str(path))
                if file.metadata.num_rows == 0:
                    raise DataError(f"{path}: the file holds no candles")
                check_sizes(file, self._columns, str(path))
                batch = next(file.iter_batches(SAMPLE_ROWS, columns=self._columns, use_threads=False))
                self._sample = times_of(batch, self._header.time, self._header.clock)
                self._groups, first, last = self._choose_groups(file)
                rows: int = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None
        times = self._times().nanoseconds(self._sample, 0)
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
            retrieved_at=changed_at(str(path)),
        )

    def place(self, row: int) -> str:
        """Say where a row is: ``row 1`` is the first."""
        return f"row {row + 1}"

    def chunks(self) -> Iterator[RawCandles]:
        """Read the candles of the range, see ``CandleSource``."""
        import pyarrow as pa

        found = False
        times = self._times()
        try:
            with self._open() as file:
                for group, first_row in self._groups:
                    row = first_row
                    batches = file.iter_batches(
                        LARGE_CHUNK_ROWS, row_groups=[group], columns=self._columns, use_threads=False
                    )
                    for batch in batches:
                        for part in within(raw_candles(batch, self._header, times, row), self._start, self._end):
                            found = True
                            yield part
                        row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None
        if not found:
            raise nothing_in_range(str(self._path), self._start, self._end)

    @property
    def _columns(self) -> list[str]:
        header = self._header
        return [*(each for each in (header.time, header.clock) if each), *header.numbers]

    def _times(self) -> TimeColumn:
        return TimeColumn(str(self._path), self._header.time, self._sample, self.place, self._zone)

    def _open(self) -> ParquetFile:
        return open_parquet(self._path)

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
        # Texts, and dates beside times of day, say nothing in the order in which Parquet compares them.
        flat = len(file.schema_arrow.names) == metadata.num_columns and self._header.clock is None
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
        times = self._times()
        if statistics is None or not statistics.has_min_max or times.is_text or statistics.null_count:
            return None
        low, high = statistics.min_raw, statistics.max_raw
        if not isinstance(low, int) or not isinstance(high, int):
            return None
        first, last = times.scaled(low), times.scaled(high)
        return None if first is None or last is None else (first, last)

    def _unreadable(self, error: Exception) -> DataError:
        return unreadable(self._path, error)


class ParquetTable:
    """A Parquet file as a stream of record batches, for what is in it beside candles.

    Attributes:
        kind, name, names, zone, says_zone, digits: see ``TableFile``.

    Args:
        path: the file.

    Raises:
        DataError: it cannot be read, or a row group is too large for memory.
    """

    kind: Final = "parquet"
    zone = None
    says_zone = False
    digits = None

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self._path = path
        self.name = str(path)
        try:
            with open_parquet(path) as file:
                self.names: Sequence[str] = file.schema_arrow.names
        except (pa.ArrowException, OSError) as error:
            raise unreadable(path, error) from None

    def place(self, row: int) -> str:
        """Say where a row is: ``row 1`` is the first."""
        return f"row {row + 1}"

    def batches(self, times: Sequence[str], numbers: Sequence[str]) -> Iterator[Any]:
        """Read the file, see ``TableFile``."""
        import pyarrow as pa

        columns = [*times, *numbers]
        try:
            with open_parquet(self._path) as file:
                check_number_types(file.schema_arrow, numbers, self.name)
                check_sizes(file, columns, self.name)
                yield from file.iter_batches(LARGE_CHUNK_ROWS, columns=columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self._path, error) from None


def open_parquet(path: Path) -> ParquetFile:
    """Open a file so that it is read piece by piece.

    Raises:
        DataError: what describes its columns and row groups is larger than memory should hold.
    """
    from pyarrow.parquet import ParquetFile

    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        # The length of the description stands before the four letters at the end.
        file.seek(max(0, size - 8))
        described = int.from_bytes(file.read(4), "little")
    if _LARGEST_FOOTER < described < size:
        raise DataError(
            f"{path}: {described // 2**20:,} MiB describe its columns and row groups: give a file of the columns of "
            "candles alone, with row groups of a million rows"
        )
    return ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES)


def check_sizes(file: ParquetFile, columns: Sequence[str], name: str) -> None:
    """Refuse a file of which a page could be larger than memory should hold, whatever its size on the disk.

    Raises:
        DataError: names the row group and the column.
    """
    for group in range(file.metadata.num_row_groups):
        described = file.metadata.row_group(group)
        for index in range(described.num_columns):
            chunk = described.column(index)
            if chunk.path_in_schema in columns and chunk.total_uncompressed_size > _LARGEST_CHUNK:
                raise DataError(
                    f"{name}: row group {group + 1} has {described.num_rows:,} rows, "
                    f"{chunk.total_uncompressed_size // 2**20:,} MiB in column {chunk.path_in_schema} alone: write the "
                    f"file with row groups of a million rows"
                )


def unreadable(path: Path, error: Exception) -> DataError:
    """Make the error for a file that Arrow cannot read."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return DataError(f"{path}: cannot be read as Parquet: {reason}. Check that the file is complete")
