"""Candles and ticks in JSON: a list, or a line for each; objects, or lists in Binance's order.

Lines are streamed. A single document is held in memory, so that there is a limit to its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from sptrader_stream.decoding import json_decoder
from sptrader_stream.errors import DataError
from sptrader_stream.sources.source import CHUNK_ROWS

_LARGEST_DOCUMENT: Final = 1 << 28
_BLOCK_BYTES: Final = 1 << 20
_LONGEST_LINE: Final = 1 << 16
_LINE_ENDINGS: Final = (".jsonl", ".ndjson")
_LIST_COLUMNS: Final = ("time", "open", "high", "low", "close", "volume")

Cell = str | int | float | bool | None
Row = dict[str, Any] | list[Any]
_DOCUMENT: Final = json_decoder(list[Row])
_LINES: Final = json_decoder(cast("type[Row]", Row))


class JsonTable:
    """A file of JSON.

    Attributes:
        kind, name, names, zone, says_zone, digits: see ``TableFile``.

    Args:
        path: the file; its ending says whether it has a line for each candle.

    Raises:
        DataError: it cannot be read, or is no list of candles.
    """

    kind: Final = "json"
    zone = None
    says_zone = False
    digits = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)
        self._has_lines = path.suffix.lower() in _LINE_ENDINGS
        first = next(self._rows(), None)
        if not first:
            raise DataError(f"{path}: the file holds no candles")
        self.names: Sequence[str] = list(first[0]) if isinstance(first[0], dict) else _LIST_COLUMNS

    def place(self, row: int) -> str:
        """Say where a row is: a line, or its number in the list."""
        return f"line {row + 1}" if self._has_lines else f"candle {row + 1}"

    def batches(self, times: Sequence[str], numbers: Sequence[str]) -> Iterator[Any]:
        """Read the file, see ``TableFile``."""
        import pyarrow as pa

        first = 0
        for rows in self._rows():
            columns = {name: self._cells(rows, name, first) for name in (*times, *numbers)}
            arrays = {name: pa.array(self._numbers(columns[name], name, first), pa.float64()) for name in numbers}
            try:
                arrays = {name: pa.array(columns[name]) for name in times} | arrays
            except (pa.ArrowException, TypeError):
                raise DataError(f"{self.name}: column {times[0]}: times are written in different ways") from None
            yield pa.record_batch(arrays)
            first += len(rows)

    def _cells(self, rows: Sequence[Row], name: str, first: int) -> list[Cell]:
        place = self.names.index(name)
        try:
            return [row.get(name) if isinstance(row, dict) else row[place] for row in rows]
        except IndexError:
            index = next(k for k, row in enumerate(rows) if isinstance(row, list) and len(row) <= place)
            raise DataError(
                f"{self.name}, {self.place(first + index)}: {len(rows[index])} values, expected "
                f"{', '.join(_LIST_COLUMNS)}"
            ) from None

    def _numbers(self, cells: Sequence[Cell], name: str, first: int) -> list[float | None]:
        found: list[float | None] = []
        for index, cell in enumerate(cells):
            try:
                # Some write numbers as text, so that no decimal is lost on the way.
                found.append(None if cell is None else float(cell))
            except ValueError:
                raise DataError(
                    f"{self.name}, {self.place(first + index)}: {name} is {str(cell)[:40]!r}, which is no number"
                ) from None
            except TypeError:
                raise DataError(f"{self.name}, {self.place(first + index)}: {name} is no number") from None
        return found

    def _rows(self) -> Iterator[list[Row]]:
        try:
            if self._has_lines:
                yield from self._lines()
                return
            size = self._path.stat().st_size
            if size > _LARGEST_DOCUMENT:
                raise DataError(
                    f"{self._path}: {size // 2**20:,} MiB in one JSON document are too much to hold: write a line for "
                    f"each candle, and name the file .jsonl"
                )
            found = _DOCUMENT.decode(self._path.read_bytes())
        except OSError as error:
            raise DataError(f"{self._path}: cannot be read: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise DataError(f"{self._path}: not a list of candles in JSON: {error}") from None
        for first in range(0, len(found), CHUNK_ROWS):
            yield found[first : first + CHUNK_ROWS]

    def _lines(self) -> Iterator[list[Row]]:
        rows: list[Row] = []
        with self._path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE:
                    raise DataError(
                        f"{self._path}, line {number}: longer than {_LONGEST_LINE:,} bytes: no line of a candle"
                    )
                if not line.strip():
                    continue
                try:
                    rows.append(_LINES.decode(line))
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise DataError(f"{self._path}, line {number}: not a candle in JSON: {error}") from None
                if len(rows) == CHUNK_ROWS:
                    yield rows
                    rows = []
        if rows:
            yield rows
