"""From Arrow record batches to raw candles: what the sources that are files share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.errors import DataError, EmptyRangeError
from sptrader_stream.sources.arrow_columns import as_floats
from sptrader_stream.sources.headers import CandleHeader
from sptrader_stream.sources.source import NO_TIME, RawCandles, raw_part
from sptrader_stream.sources.time_column import TimeColumn, times_of
from sptrader_stream.timeframes import (
    format_time,
    format_timeframe,
    is_made_of,
    parse_timeframe,
)

SAMPLE_ROWS: Final = 1_000


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
