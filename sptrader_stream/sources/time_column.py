"""The time column of a file, in whatever way the file writes times: text, numbers, timestamps or dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sptrader_stream.columns import Ints
from sptrader_stream.errors import DataError
from sptrader_stream.sources.arrow_columns import as_whole_numbers, element_type
from sptrader_stream.sources.source import NO_TIME
from sptrader_stream.sources.time_text import find_layout, read_texts
from sptrader_stream.sources.time_zones import LocalTimes
from sptrader_stream.timeframes import DAY, NANOSECONDS, unix_unit

_ARROW_UNITS: Final = {"s": NANOSECONDS, "ms": 1_000_000, "us": 1_000, "ns": 1}
_LATEST: Final = 2**63 - 1


class TimeColumn:
    """Reads the time column of one file, in whatever way the file writes times; once from the start to the end.

    Whole numbers are Unix times; the first of them says which unit the file counts in.

    Args:
        file: for errors.
        name: the column's name.
        sample: the column's first values, a pyarrow Array.
        place: says where a row is, see ``CandleSource.place``.
        timezone: of times that do not say theirs; None for UTC. A date is that day in UTC, whatever the zone.
        is_unique: whether no two rows are of the same time.

    Raises:
        DataError: the column's type is none that a time can have, or it says its zone and is given another.
        UserError: there is no such zone.
    """

    def __init__(
        self,
        file: str,
        name: str,
        sample: Any,
        place: Callable[[int], str],
        timezone: str | None = None,
        *,
        is_unique: bool = True,
    ) -> None:
        import pyarrow as pa

        self.file = file
        self.name = name
        self._what = f"{file}: column {name}"
        self._place = place
        kind = sample.type
        self.is_text = bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
        self.is_number = bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
        self._stored = "int32" if pa.types.is_date32(kind) else element_type(sample) if self.is_number else "int64"
        is_date = bool(pa.types.is_date(kind))
        has_zone = self.is_number or (pa.types.is_timestamp(kind) and kind.tz is not None)
        if pa.types.is_timestamp(kind):
            self.unit = _ARROW_UNITS[kind.unit]
        elif pa.types.is_date32(kind):
            self.unit = DAY
        elif pa.types.is_date64(kind):
            self.unit = _ARROW_UNITS["ms"]
        elif self.is_number:
            self.unit = self._number_unit(sample)
        elif self.is_text:
            self.unit = 1
            self._layout = find_layout(sample.to_pylist(), self._what)
            has_zone, is_date = self._layout.has_zone, self._layout.is_date
        else:
            raise DataError(
                f"{file}: column {name} has type {kind}: expected a timestamp, a date, Unix times as numbers, or "
                f"ISO 8601 text"
            )
        has_local = timezone is not None and not is_date
        self._local = LocalTimes(timezone or "", self._what, place, is_unique=is_unique) if has_local else None
        if self._local is not None and has_zone:
            raise DataError(f"{self._what}: its times say their zone, or count from 1970 UTC: leave --timezone out")

    def _number_unit(self, sample: Any) -> int:
        first = next((value for value in sample.to_pylist() if value is not None and value == value), 0)
        if 19_000_101 <= first <= 21_001_231 and 1 <= first // 100 % 100 <= 12 and 1 <= first % 100 <= 31:
            raise DataError(
                f"{self.file}: column {self.name} holds {first}, which looks like a date written as a number. Write "
                f"it as text, such as 2025-03-31, or as Unix seconds"
            )
        return unix_unit(int(first))

    def scaled(self, value: int) -> int | None:
        """Give one stored number as nanoseconds; None where its place in the file has a part in what it means."""
        return value * self.unit if self._local is None else None

    def nanoseconds(self, column: Any, row: int) -> Ints:
        """Convert a pyarrow Array, the next of the file.

        Args:
            column: of the type that the sample had.
            row: index of its first value among the rows of the file, for errors.

        Returns:
            Nanoseconds since 1970 UTC, ``NO_TIME`` where the file has none.

        Raises:
            DataError: a text is no time, or a time does not fit; names the row.
        """
        times = self._numbers(column, row)
        return times if self._local is None else self._local.to_utc(times, row)

    def _numbers(self, column: Any, row: int) -> Ints:
        if self.is_text:
            return read_texts(column, self._layout, f"{self.file}, {{place}}: column {self.name}", self._place, row)
        values, missing = as_whole_numbers(column, self._stored)
        limit = _LATEST // self.unit
        outside = (values > limit) | (values < -limit)
        if self.unit > 1 and outside.any():
            index = int(outside.argmax())
            raise DataError(
                f"{self.file}, {self._place(row + index)}: time {values[index]} in column {self.name} does not go with "
                f"the first one of the file, by which the column counts {_unit_name(self.unit)}"
            )
        times: Ints = values * self.unit
        if missing is not None:
            times[missing] = NO_TIME
        return times


def times_of(batch: Any, time: str, clock: str | None) -> Any:
    """Give the times of a pyarrow RecordBatch, dates and times of day joined where these are two columns.

    Args:
        batch: has the columns.
        time: of times, or of dates.
        clock: of times of day; None where there is no such column.
    """
    if clock is None:
        return batch.column(time)
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(batch.column(time), batch.column(clock), " ")


def _unit_name(unit: int) -> str:
    return {NANOSECONDS: "seconds", 1_000_000: "milliseconds", 1_000: "microseconds", DAY: "days"}.get(
        unit, "nanoseconds"
    )
