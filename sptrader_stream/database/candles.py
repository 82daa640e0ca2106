"""Writing candles into the database: in one transaction, and never over different ones that are there already.

Candles later than the last one of their series are copied straight into their table. Those before it go into a
temporary table first, to be compared with what is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, cast

import numpy as np
import psycopg
from psycopg.rows import class_row

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.database.binary import CANDLE_COLUMNS, Column
from sptrader_stream.database.connection import Connection
from sptrader_stream.database.copying import copy_columns
from sptrader_stream.database.series import Series, find_span, nanoseconds
from sptrader_stream.database.stream import CandleStream
from sptrader_stream.errors import DataError
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import format_scaled
from sptrader_stream.timeframes import format_time, format_timeframe, parse_timeframe
from sptrader_stream.written import WrittenCandles

_SHOWN: Final = 3
_COMPARED: Final = ("open", "high", "low", "close", "volume", "spread")
_DIFFER: Final = " OR ".join(f"there.{name} IS DISTINCT FROM incoming.{name}" for name in _COMPARED)
_SAME_TIME: Final = (
    "FROM incoming JOIN sptrader.candles AS there ON there.series_id = %(series)s AND there.time = incoming.time"
)
_TEMPORARY: Final = """
CREATE TEMPORARY TABLE incoming (
    time timestamptz NOT NULL, open bigint NOT NULL, high bigint NOT NULL, low bigint NOT NULL, close bigint NOT NULL,
    volume double precision NOT NULL, spread bigint
) ON COMMIT DROP
"""


def write_candles(
    connection: Connection,
    instrument: Instrument,
    timeframe: str,
    chunks: Iterator[ReadyCandles],
    *,
    source: str,
    replace: bool = False,
) -> WrittenCandles:
    """Write candles; all of them or, when anything fails, none.

    Args:
        connection: to a database with the schema.
        instrument: what they are of; a new series gets its price precision.
        timeframe: such as ``1m``.
        chunks: candles with rising times; all with their spread or all without.
        source: where they come from, in words.
        replace: whether they take the place of different ones that are there.

    Raises:
        DataError: there are none; they contradict what is there (shows the first few); they do not go with the
            series: prices too fine, with spread where it has none or the other way round; or a time is finer than
            microseconds.
    """
    name = f"{instrument.symbol} {timeframe}"
    length = format_timeframe(parse_timeframe(timeframe))
    first = next(chunks, None)
    if first is None:
        raise DataError(f"{source}: there are no candles of {name} to write")
    try:
        with connection.transaction():
            series = _own_series(connection, instrument, length, first, source)
            span = find_span(connection, series, None, None)
            stream = CandleStream(first, chunks, instrument, series, source)
            overlapping = stream.up_to(None if span is None else span[1])
            new, replaced = (0, 0) if span is None else _merge(connection, series, overlapping, replace)
            appended = _append(connection, series, stream.rest())
    except psycopg.errors.UniqueViolation as error:
        raise DataError(
            f"{source}: two candles of {name} are of the same time, or another program wrote the same ones just now; "
            f"nothing was written: {error.diag.message_detail}"
        ) from error
    except psycopg.errors.CheckViolation as error:
        raise DataError(f"{source}: {name}: a time outside of the years 1678 to 2261; nothing was written") from error
    return WrittenCandles(
        read=stream.count,
        new=new + appended,
        replaced=replaced,
        start=stream.first,
        end=stream.last,
    )


def _own_series(
    connection: Connection, instrument: Instrument, timeframe: str, first: ReadyCandles, source: str
) -> Series:
    """Find or make a series, and keep others from writing to it until the transaction ends."""
    key = {"symbol": instrument.symbol, "timeframe": timeframe}
    connection.execute(
        "INSERT INTO sptrader.series (symbol, timeframe, price_precision, has_spread, source) "
        "VALUES (%(symbol)s, %(timeframe)s, %(precision)s, %(spread)s, %(source)s) "
        "ON CONFLICT (symbol, timeframe) DO NOTHING",
        {
            **key,
            "precision": instrument.price_precision,
            "spread": first.spread is not None,
            "source": source,
        },
    )
    with connection.cursor(row_factory=class_row(Series)) as cursor:
        cursor.execute(
            "UPDATE sptrader.series SET source = %(source)s, changed_at = now() "
            "WHERE symbol = %(symbol)s AND timeframe = %(timeframe)s "
            "RETURNING id, symbol, timeframe, price_precision, has_spread, source, changed_at",
            {**key, "source": source},
        )
        found = cursor.fetchone()
    if found is None:
        raise DataError(f"the series {instrument.symbol} {timeframe} was taken out of the database just now: try again")
    return found


def _append(connection: Connection, series: Series, columns: Iterator[list[Column]]) -> int:
    """Copy candles that are later than all there are; answers how many."""
    numbered = ([np.full(len(each[0]), series.id, np.int32), *each] for each in columns)
    return copy_columns(connection, "sptrader.candles", ("series_id", *CANDLE_COLUMNS), numbered)


def _merge(connection: Connection, series: Series, columns: Iterator[list[Column]], replace: bool) -> tuple[int, int]:
    """Write candles among those that are there; answers how many are new and how many were replaced."""
    connection.execute(_TEMPORARY)
    copied = copy_columns(connection, "incoming", CANDLE_COLUMNS, columns)
    if not copied:
        return 0, 0
    connection.execute("ANALYZE incoming")
    key = {"series": series.id}
    row = connection.execute(f"SELECT count(*), count(*) FILTER (WHERE {_DIFFER}) {_SAME_TIME}", key).fetchone()
    there, different = cast("tuple[int, int]", row)
    if different and not replace:
        raise _contradicted(connection, series, different)
    if different:
        values = ", ".join(f"{name} = incoming.{name}" for name in _COMPARED)
        connection.execute(
            f"UPDATE sptrader.candles AS there SET {values} FROM incoming "
            f"WHERE there.series_id = %(series)s AND there.time = incoming.time AND ({_DIFFER})",
            key,
        )
    if there < copied:
        names = ", ".join(CANDLE_COLUMNS)
        connection.execute(
            f"INSERT INTO sptrader.candles (series_id, {names}) SELECT %(series)s, {names} FROM incoming "
            "WHERE NOT EXISTS (SELECT FROM sptrader.candles AS there "
            "WHERE there.series_id = %(series)s AND there.time = incoming.time)",
            key,
        )
    return copied - there, different


def _contradicted(connection: Connection, series: Series, count: int) -> DataError:
    """Make the error for candles that are there with other values than they were to be written with."""
    values = ", ".join(f"{table}.{name}" for table in ("there", "incoming") for name in _COMPARED)
    rows = connection.execute(
        f"SELECT there.time, {values} {_SAME_TIME} WHERE {_DIFFER} ORDER BY there.time LIMIT {_SHOWN}",
        {"series": series.id},
    ).fetchall()
    size = len(_COMPARED)
    shown = "".join(
        f"\n  {format_time(nanoseconds(cast('datetime', time)))}: {_shown(series, found[:size])} is there, "
        f"{_shown(series, found[size:])} was to be written"
        for time, *found in rows
    )
    return DataError(
        f"{count} {'candle contradicts' if count == 1 else 'candles contradict'} what the database has of "
        f"{series.symbol} {series.timeframe}; nothing was written. See which are right; --replace puts the new ones in "
        f"place of the old. The first:{shown}"
    )


def _shown(series: Series, values: list[object]) -> str:
    """Write a candle as its values by name, those of ``_COMPARED`` in their order."""
    return ", ".join(
        f"{name} {value if name == 'volume' else format_scaled(cast('int', value), series.price_precision)}"
        for name, value in zip(_COMPARED, values, strict=True)
        if value is not None
    )
