"""From Arrow record batches to raw candles: what the sources that are files share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.errors import DataError, EmptyRangeError
from sptrader_stream.sources.arrow_columns import as_floats, as_whole_numbers, element_type
from sptrader_stream.sources.headers import CandleHeader
from sptrader_stream.sources.source import NO_TIME, RawCandles, raw_part
from sptrader_stream.sources.time_text import find_layout, read_texts
from sptrader_stream.sources.time_zones import LocalTimes
from sptrader_stream.timeframes import (
    DAY,
    NANOSECONDS,
    format_time,
    format_timeframe,
    is_made_of,
    parse_timeframe,
    unix_unit,
)

SAMPLE_ROWS: Final = 1_000

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


def check_number_types(schema: Any, names: Sequence[str], file: str) -> None:
    """Refuse prices, volumes and spreads that are no numbers.

    Raises:
        DataError: names the column and its type.
    """
    import pyarrow as pa

    for name in names:
        kind = schema.field(name).type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
            raise DataError(f"{file}: column {name} has type {kind}: expected numbers")


def raw_candles(batch: Any, header: CandleHeader, times: TimeColumn, row: int) -> RawCandles:
    """Convert a pyarrow RecordBatch.

    Args:
        batch: with the columns of ``header``.
        header: their names.
        times: reads the time column.
        row: index of its first row among the rows of the file.
    """

    def floats(name: str) -> Floats:
        return as_floats(batch.column(name))

    return RawCandles(
        row=row,
        time=np.ascontiguousarray(times.nanoseconds(times_of(batch, header.time, header.clock), row)),
        open=floats(header.open),
        high=floats(header.high),
        low=floats(header.low),
        close=floats(header.close),
        volume=np.zeros(batch.num_rows) if header.volume is None else floats(header.volume),
        spread=None if header.spread is None else floats(header.spread),
    )


def within(raw: RawCandles, start: int | None, end: int | None) -> Iterator[RawCandles]:
    """Give the candles that open from ``start`` to ``end``, both inclusive, in runs of consecutive rows.

    A candle without a time is kept: what it means is for the data contract to say.
    """
    if start is None and end is None:
        yield raw
        return
    inside = np.ones(len(raw.time), np.bool_)
    if start is not None:
        inside &= raw.time >= start
    if end is not None:
        inside &= raw.time <= end
    inside |= raw.time == NO_TIME
    borders = np.flatnonzero(np.diff(inside, prepend=False, append=False)).tolist()
    for first, last in zip(borders[::2], borders[1::2], strict=True):
        yield raw_part(raw, first, last)


def settle_timeframe(given: str | None, hint: str | None, times: Ints, file: str) -> str:
    """Decide on a file's timeframe.

    Args:
        given: by the user, or None to tell from the file.
        hint: what the file's name says, for a file of one candle.
        times: the file's first open times, nanoseconds.
        file: for errors.

    Returns:
        ``given``, or the most common difference between consecutive times where nothing is given or ``given`` is made
        of that.

    Raises:
        UserError: ``given`` is no timeframe.
        DataError: ``given`` is coarser than the candles and not made of them, or the file does not tell.
    """
    steps = np.diff(times[times != NO_TIME])
    values, counts = np.unique(steps[steps > 0], return_counts=True)
    common = int(values[counts.argmax()]) if len(values) else None
    if given is not None:
        wanted = parse_timeframe(given)
        if common is not None and common < wanted:
            if is_made_of(wanted, common):
                return format_timeframe(common)
            raise DataError(
                f"{file}: its candles are {format_timeframe(common)} apart, and {given} candles are not made of such. "
                f"Ask for a multiple of {format_timeframe(common)}, or for a file of {given} candles"
            )
        return format_timeframe(wanted)
    if common is not None:
        return format_timeframe(common)
    if hint is not None:
        return hint
    raise DataError(f"{file}: cannot tell the timeframe from so few candles; give it with --timeframe, such as 1m")


def changed_at(file: str) -> int:
    """When a file was changed last, nanoseconds since 1970 UTC: its candles are from before."""
    return Path(file).stat().st_mtime_ns


def nothing_in_range(file: str, start: int | None, end: int | None) -> EmptyRangeError:
    """Make the error for a range in which a file has no candles."""
    since = "its start" if start is None else format_time(start)
    until = "its end" if end is None else format_time(end)
    return EmptyRangeError(f"{file}: no candles from {since} to {until}. Choose a range that the file covers")
