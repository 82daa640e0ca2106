"""Series: what candles a database has, an instrument in a timeframe each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, cast

import msgspec
from psycopg.rows import class_row

from sptrader_stream.database.connection import Connection
from sptrader_stream.errors import DataError, did_you_mean
from sptrader_stream.timeframes import is_made_of, parse_timeframe

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIELDS: Final = "id, symbol, timeframe, price_precision, has_spread, source, changed_at"


class Series(msgspec.Struct, frozen=True):
    """A series of candles.

    Attributes:
        id: names it in the table of candles.
        symbol, timeframe: what it is of.
        price_precision: its prices count 10^-price_precision.
        has_spread: whether its candles say their spread.
        source: where candles were read from last.
        changed_at: when candles were written last.
    """

    id: int
    symbol: str
    timeframe: str
    price_precision: int
    has_spread: bool
    source: str
    changed_at: datetime


class SeriesSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A series with what it holds; ``start`` and ``end`` are nanoseconds since 1970 UTC, None where it is empty."""

    series: Series
    candles: int
    start: int | None
    end: int | None


def nanoseconds(moment: datetime) -> int:
    """Give a time of the database as nanoseconds since 1970 UTC."""
    since = moment - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def find_series(connection: Connection, symbol: str, timeframe: str | None) -> Series:
    """Find a series.

    Args:
        connection: to a database with the schema.
        symbol: the instrument's.
        timeframe: as :func:`timeframes.format_timeframe` writes it, where there is none of it the coarsest that makes
            it up; None for the only one that there is.

    Raises:
        DataError: there is none that fits, or ``timeframe`` is None and there are several.
    """
    with connection.cursor(row_factory=class_row(Series)) as cursor:
        cursor.execute(f"SELECT {_FIELDS} FROM sptrader.series WHERE symbol = %s", (symbol,))
        found = sorted(cursor.fetchall(), key=lambda each: parse_timeframe(each.timeframe))
    there = ", ".join(each.timeframe for each in found)
    if timeframe is not None:
        length = parse_timeframe(timeframe)
        fitting = [each for each in found if is_made_of(length, parse_timeframe(each.timeframe))]
        if fitting:
            return fitting[-1]
    elif len(found) == 1:
        return found[0]
    if timeframe is None and found:
        raise DataError(f"the database has {symbol} in {there}: choose one with --timeframe")
    if found:
        raise DataError(f"the database has no {timeframe} candles of {symbol}, only {there}")
    rows = connection.execute("SELECT DISTINCT symbol FROM sptrader.series ORDER BY symbol").fetchall()
    symbols = [str(row[0]) for row in rows]
    raise DataError(
        f"the database has no candles of {symbol}{did_you_mean(symbol, symbols)}: bring some in with "
        f"`sptrader db import FILE --symbol {symbol}`, and see what there is with `sptrader db list`"
    )


def list_series(connection: Connection) -> list[SeriesSummary]:
    """List everything that a database has, by symbol and timeframe; counts the candles, which takes a while."""
    with connection.cursor(row_factory=class_row(Series)) as cursor:
        cursor.execute(f"SELECT {_FIELDS} FROM sptrader.series")
        series = sorted(cursor.fetchall(), key=lambda each: (each.symbol, parse_timeframe(each.timeframe)))
    summaries = []
    for each in series:
        row = connection.execute(
            "SELECT count(*), min(time), max(time) FROM sptrader.candles WHERE series_id = %s", (each.id,)
        ).fetchone()
        count, first, last = cast("tuple[int, datetime | None, datetime | None]", row)
        summaries.append(
            SeriesSummary(
                series=each,
                candles=count,
                start=None if first is None else nanoseconds(first),
                end=None if last is None else nanoseconds(last),
            )
        )
    return summaries


def find_span(connection: Connection, series: Series, start: int | None, end: int | None) -> tuple[int, int] | None:
    """Find the first and the last candle of a range.

    Args:
        connection: to a database with the schema.
        series: which.
        start, end: nanoseconds since 1970 UTC, inclusive; None for all there is.

    Returns:
        Their open times; None where the range has no candles.
    """
    row = connection.execute(
        "SELECT min(time), max(time) FROM sptrader.candles WHERE series_id = %s AND time BETWEEN %s AND %s",
        (series.id, *time_bounds(start, end)),
    ).fetchone()
    first, last = cast("tuple[datetime | None, datetime | None]", row)
    return None if first is None or last is None else (nanoseconds(first), nanoseconds(last))


def time_bounds(start: int | None, end: int | None) -> tuple[datetime, datetime]:
    """Give an inclusive range of nanoseconds as one of whole microseconds that holds the same candles."""
    # What an int64 of nanoseconds can say at all.
    low = -(2**63) + 1 if start is None else start
    high = 2**63 - 1 if end is None else end
    return _moment(-(-low // 1_000)), _moment(high // 1_000)


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
