"""Candles from a CSV file, streamed: memory does not grow with the file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sptrader_stream.errors import DataError
from sptrader_stream.sources.headers import match_header
from sptrader_stream.sources.source import CHUNK_ROWS, RawCandles, SourceInfo
from sptrader_stream.sources.tables import (
    SAMPLE_ROWS,
    TimeColumn,
    nothing_in_range,
    raw_candles,
    settle_timeframe,
    within,
)

_DELIMITERS: Final = (",", ";", "\t", "|")
_BLOCK_BYTES: Final = 1 << 20
_SNIFFED_CHARACTERS: Final = 1 << 16
# What a missing number may look like.
_NOTHING: Final = ("", "NA", "N/A", "nan", "NaN", "NAN", "null", "NULL", "None")


class CsvSource:
    """A CSV file with a header, separated by commas, semicolons, tabs or bars.

    Args:
        path: the file.
        symbol: what it holds.
        timeframe: such as ``1m``; None to tell from the file.
        hint: the timeframe that the file's name says.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the file's first.
        end: last open time wanted, inclusive; None for the file's last.

    Raises:
        DataError: it cannot be read, has no header, lacks a column, or holds no candles.
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
        self._path = path
        self._start = start
        self._end = end
        self._sniff()
        first = next((batch for batch in self._batches() if batch.num_rows), None)
        if first is None:
            raise DataError(f"{path}: the file holds a header and no candles")
        sample = first.column(self._header.time).slice(0, SAMPLE_ROWS)
        self._times = TimeColumn(str(path), self._header.time, sample, self.place)
        times = self._times.nanoseconds(sample, 0)
        self.info = SourceInfo(
            kind="csv",
            name=str(path),
            symbol=symbol,
            timeframe=settle_timeframe(timeframe, hint, times, str(path)),
            has_spread=self._header.spread is not None,
        )

    def place(self, row: int) -> str:
        """Say where a row is: ``line 2`` is the first below the header, when no line is empty."""
        lines = self._lines()
        next(lines)
        found = next((number for index, (number, _) in enumerate(lines) if index == row), row + 2)
        return f"line {found}"

    def chunks(self) -> Iterator[RawCandles]:
        """Read the candles of the range, see ``CandleSource``."""
        found = False
        row = 0
        for batch in self._batches():
            for first in range(0, batch.num_rows, CHUNK_ROWS):
                piece = batch.slice(first, CHUNK_ROWS)
                for part in within(raw_candles(piece, self._header, self._times, row), self._start, self._end):
                    found = True
                    yield part
                row += piece.num_rows
        if not found:
            raise nothing_in_range(str(self._path), self._start, self._end)

    def _sniff(self) -> None:
        """Find delimiter, header and the type of the time column in the first two lines."""
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                head = file.read(_SNIFFED_CHARACTERS)
        except UnicodeDecodeError:
            raise DataError(f"{self._path}: not a text file in UTF-8. Save it as CSV, or as Parquet") from None
        except OSError as error:
            raise DataError(f"{self._path}: cannot be read: {error.strerror}") from None
        lines = [line for line in head.splitlines() if line.strip()]
        if not lines:
            raise DataError(f"{self._path}: the file is empty")
        self._delimiter = max(_DELIMITERS, key=lines[0].count)
        names = next(csv.reader(lines[:1], delimiter=self._delimiter))
        if any(_is_number(name) for name in names):
            raise DataError(
                f"{self._path}, line 1: no header, but values: {lines[0][:80]}. Put the names of the columns into the "
                f"first line, such as time,open,high,low,close,volume"
            )
        self._names = names
        self._header = match_header(names, str(self._path))
        first = next(csv.reader(lines[1:2], delimiter=self._delimiter), [])
        index = names.index(self._header.time)
        time = first[index].strip() if index < len(first) else ""
        self._time_type = ("int64" if time.lstrip("-").isdigit() else "float64") if _is_number(time) else "string"

    def _batches(self) -> Iterator[Any]:
        """Stream record batches of the columns wanted."""
        import pyarrow as pa
        from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, open_csv

        columns = self._header.columns
        try:
            yield from open_csv(
                str(self._path),
                read_options=ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
                parse_options=ParseOptions(delimiter=self._delimiter),
                convert_options=ConvertOptions(
                    include_columns=columns,
                    column_types={columns[0]: self._time_type, **dict.fromkeys(columns[1:], "float64")},
                    null_values=_NOTHING,
                    strings_can_be_null=True,
                ),
            )
        except (pa.ArrowException, OSError) as error:
            raise self._bad_line(str(error).splitlines()[0]) from None

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Read the file again, slowly: each line that is not empty with its number and values."""
        with self._path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            reader = csv.reader(file, delimiter=self._delimiter)
            for values in reader:
                if values:
                    yield reader.line_num, values

    def _bad_line(self, reason: str) -> DataError:
        """Find the line that cannot be read."""
        wanted = [self._names.index(name) for name in self._header.columns]
        lines = self._lines()
        next(lines, None)
        for number, values in lines:
            if len(values) != len(self._names):
                return DataError(
                    f"{self._path}, line {number}: {len(values)} values where the header names {len(self._names)} "
                    f"columns: {self._delimiter.join(values)[:80]}"
                )
            for index in wanted[1:] if self._time_type == "string" else wanted:
                value = values[index].strip()
                whole = index == wanted[0] and self._time_type == "int64"
                if value not in _NOTHING and not _is_number(value, whole):
                    expected = "Unix time, as in the first line" if index == wanted[0] else "number"
                    return DataError(
                        f"{self._path}, line {number}: column {self._names[index]}: {value!r} is no {expected}"
                    )
        return DataError(f"{self._path}: cannot be read as CSV: {reason}")


def _is_number(text: str, whole: bool = False) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not whole or text.lstrip("-").isdigit()
