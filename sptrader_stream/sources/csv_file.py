"""Files of comma-separated values, streamed: memory does not grow with the file."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, cast

from sptrader_stream.errors import DataError
from sptrader_stream.sources.dialects import find_dialect

_BLOCK_BYTES: Final = 1 << 20
_SNIFFED_CHARACTERS: Final = 1 << 16
# Of a line, characters; what is longer is no line of candles.
_LONGEST_LINE: Final = 1 << 16
# What a missing number may look like.
_NOTHING: Final = ("", "NA", "N/A", "nan", "NaN", "NAN", "null", "NULL", "None")


class CsvTable:
    """A file of values separated by commas, semicolons, tabs or bars, with or without a header; or one in gzip.

    Attributes:
        kind, name, names, zone, says_zone, digits: see ``TableFile``.

    Args:
        path: the file.

    Raises:
        DataError: it cannot be read, is empty, or its columns cannot be told.
    """

    kind: Final = "csv"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)
        head, is_whole = self._head()
        self._dialect = find_dialect(head, self.name, is_whole=is_whole)
        self.names = self._dialect.names
        self.zone = self._dialect.zone
        self.says_zone = self._dialect.says_zone
        self.digits = self._dialect.digits

    def place(self, row: int) -> str:
        """Say where a row is: ``line 2`` is the first below the header, when no line is empty."""
        found = next((number for index, (number, _) in enumerate(self._lines()) if index == row), None)
        return f"line {row + self._dialect.skipped + 1 if found is None else found}"

    def batches(self, times: Sequence[str], numbers: Sequence[str]) -> Iterator[Any]:
        """Read the file, see ``TableFile``."""
        import pyarrow as pa
        from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, open_csv

        time_type = self._time_type(times)
        try:
            yield from open_csv(
                self.name,
                read_options=ReadOptions(
                    block_size=_BLOCK_BYTES,
                    use_threads=False,
                    column_names=self.names,
                    skip_rows=self._dialect.skipped,
                ),
                parse_options=ParseOptions(delimiter=self._dialect.delimiter),
                convert_options=ConvertOptions(
                    include_columns=[*times, *numbers],
                    column_types=dict.fromkeys(times, time_type) | dict.fromkeys(numbers, "float64"),
                    null_values=_NOTHING,
                    strings_can_be_null=True,
                    decimal_point=self._dialect.decimal,
                ),
            )
        except (pa.ArrowException, OSError, EOFError) as error:
            raise self._bad_line(times, numbers, time_type, str(error).splitlines()[0]) from None

    def _head(self) -> tuple[str, bool]:
        """Read the beginning; and tell whether that is all."""
        try:
            with self._open() as file:
                head = file.read(_SNIFFED_CHARACTERS)
                return head, not file.read(1)
        except UnicodeDecodeError:
            raise DataError(f"{self._path}: not a text file in UTF-8. Save it as CSV, or as Parquet") from None
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{self._path}: cannot be read: {reason}") from None

    def _open(self, errors: str = "strict") -> IO[str]:
        if self._path.suffix.lower() == ".gz":
            return cast("IO[str]", gzip.open(self._path, "rt", encoding="utf-8-sig", newline="", errors=errors))
        return self._path.open(encoding="utf-8-sig", newline="", errors=errors)

    def _time_type(self, times: Sequence[str]) -> str:
        """Tell from the first values whether times are numbers, as Unix times are, or text."""
        values = next(self._lines(), (0, []))[1]
        index = self.names.index(times[0])
        time = values[index].strip() if index < len(values) else ""
        # Eight digits are a date.
        if len(times) > 1 or not _is_number(time):
            return "string"
        return "int64" if time.lstrip("-").isdigit() else "float64"

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Read the file again, slowly: each line of values that is not empty with its number and values.

        Raises:
            DataError: a line is longer than one of candles can be; names it.
        """
        with self._open(errors="replace") as file:
            reader = csv.reader(self._bounded(file), delimiter=self._dialect.delimiter)
            skipped = self._dialect.skipped
            try:
                for values in reader:
                    if values and reader.line_num > skipped:
                        yield reader.line_num, values
            except csv.Error as error:
                raise DataError(f"{self._path}, line {reader.line_num}: cannot be read as CSV: {error}") from None

    def _bounded(self, file: IO[str]) -> Iterator[str]:
        """Give lines, as long as none is longer than memory should hold."""
        number = 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            if len(line) == _LONGEST_LINE:
                raise DataError(
                    f"{self._path}, line {number}: longer than {_LONGEST_LINE:,} characters: not a file of candles"
                )
            yield line

    def _bad_line(self, times: Sequence[str], numbers: Sequence[str], time_type: str, reason: str) -> DataError:
        """Find the line that cannot be read."""
        checked = [*numbers, *(times if time_type != "string" else ())]
        wanted = [(self.names.index(name), name) for name in checked]
        for number, values in self._lines():
            if len(values) != len(self.names):
                return DataError(
                    f"{self._path}, line {number}: {len(values)} values where there are {len(self.names)} "
                    f"columns: {self._dialect.delimiter.join(values)[:80]}"
                )
            for index, name in wanted:
                value = values[index].strip()
                is_time = name in times
                whole = is_time and time_type == "int64"
                plain = value if self._dialect.decimal == "." else value.replace(".", "x").replace(",", ".")
                if value not in _NOTHING and not _is_number(plain, whole):
                    expected = "Unix time, as in the first line" if is_time else "number"
                    return DataError(f"{self._path}, line {number}: column {name}: {value!r} is no {expected}")
        return DataError(f"{self._path}: cannot be read as CSV: {reason}")


def _is_number(text: str, whole: bool = False) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not whole or text.lstrip("-").isdigit()
