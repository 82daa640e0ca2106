"""Writing candles into the database: in one transaction, and never over different ones that are there already.

Candles later than the last one of their series are copied straight into their table. Those before it go into a
temporary table first, to be compared with what is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, cast

import msgspec
import numpy as np
import psycopg
from psycopg.rows import class_row

from sptrader_stream.candles import ReadyCandles, part_of
from sptrader_stream.database.binary import (
    CANDLE_COLUMNS,
    COPY_END,
    COPY_HEADER,
    Column,
    candle_values,
    copy_rows,
    is_whole_microseconds,
)
from sptrader_stream.database.connection import Connection
from sptrader_stream.database.series import Series, find_span, nanoseconds
from sptrader_stream.errors import DataError
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import format_scaled
from sptrader_stream.sources.checks import LARGEST_TICKS
from sptrader_stream.timeframes import format_time, format_timeframe, parse_timeframe

_SHOWN: Final = 3
_COMPARED: Final = ("open", "high", "low", "close", "volume", "spread")
_DIFFER: Final = " OR ".join(f"there.{name} IS DISTINCT FROM incoming.{name}" for name in _COMPARED)
_TEMPORARY: Final = """
CREATE TEMPORARY TABLE incoming (
    time timestamptz NOT NULL, open bigint NOT NULL, high bigint NOT NULL, low bigint NOT NULL, close bigint NOT NULL,
    volume double precision NOT NULL, spread bigint
) ON COMMIT DROP
"""


class WrittenCandles(msgspec.Struct, frozen=True, kw_only=True):
    """What writing came to.

    Attributes:
        read: how many candles came.
        new: how many were not there before.
        replaced: how many took the place of different ones.
        start, end: open times of the first and last one that came, nanoseconds since 1970 UTC.
    """

    read: int
    new: int
    replaced: int
    start: int
    end: int


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
            stream = _Stream(first, chunks, instrument, series, source)
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


class _Stream:
    """Candles on their way: counted, cut in two at a time, in ticks of the series."""

    def __init__(
        self, first: ReadyCandles, others: Iterator[ReadyCandles], instrument: Instrument, series: Series, source: str
    ) -> None:
        self.count = 0
        self.first = self.last = int(first.time[0])
        self._pieces = self._checked(first, others)
        self._left: ReadyCandles | None = None
        self._series = series
        self._source = source
        self._factor = 10 ** max(0, series.price_precision - instrument.price_precision)
        self._divisor = 10 ** max(0, instrument.price_precision - series.price_precision)

    def up_to(self, last: int | None) -> Iterator[list[Column]]:
        """Give the columns of the candles up to an open time, a chunk at a time; none for None."""
        if last is None:
            return
        for piece in self._pieces:
            size = int(np.searchsorted(piece.time, last, side="right"))
            if size:
                yield self._values(part_of(piece, 0, size))
            if size < len(piece):
                self._left = part_of(piece, size, len(piece))
                return

    def rest(self) -> Iterator[list[Column]]:
        """Give the columns of the candles that are left."""
        if self._left is not None:
            yield self._values(self._left)
        for piece in self._pieces:
            yield self._values(piece)

    def _checked(self, first: ReadyCandles, others: Iterator[ReadyCandles]) -> Iterator[ReadyCandles]:
        piece: ReadyCandles | None = first
        while piece is not None:
            if len(piece):
                self._check(piece)
                self.count += len(piece)
                self.last = int(piece.time[-1])
                yield piece
            piece = next(others, None)

    def _check(self, piece: ReadyCandles) -> None:
        fine = ~is_whole_microseconds(piece.time)
        if fine.any():
            raise self._refused(piece, int(fine.argmax()), "its time is finer than a microsecond")
        has_spread = piece.spread is not None
        if has_spread != self._series.has_spread:
            has, lacks = (
                ("these have one", "those there have none")
                if has_spread
                else ("these have none", "those there have one")
            )
            raise self._refused(
                piece, 0, f"candles of a series all have a spread or none has: {has}, {lacks}: change the file"
            )
        columns = [piece.open, piece.high, piece.low, piece.close, *([] if piece.spread is None else [piece.spread])]
        precision = self._series.price_precision
        for column in columns:
            broken = column % self._divisor != 0
            if broken.any():
                raise self._refused(
                    piece, int(broken.argmax()), f"a price has more than the {precision} decimal places of the series"
                )
            large = column >= LARGEST_TICKS / self._factor
            if large.any():
                raise self._refused(piece, int(large.argmax()), f"a price is too large for {precision} decimal places")

    def _refused(self, piece: ReadyCandles, row: int, why: str) -> DataError:
        series = self._series
        return DataError(
            f"{self._source}: the candle of {format_time(int(piece.time[row]))} does not go with the series "
            f"{series.symbol} {series.timeframe} of the database: {why}; nothing was written"
        )

    def _values(self, piece: ReadyCandles) -> list[Column]:
        return candle_values(piece, self._factor, self._divisor)


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
            "RETURNING id, symbol, timeframe, price_precision, has_spread, source",
            {**key, "source": source},
        )
        found = cursor.fetchone()
    if found is None:
        raise DataError(f"the series {instrument.symbol} {timeframe} was taken out of the database just now: try again")
    return found


def _append(connection: Connection, series: Series, columns: Iterator[list[Column]]) -> int:
    """Copy candles that are later than all there are; answers how many."""
    numbered = ([np.full(len(each[0]), series.id, np.int32), *each] for each in columns)
    return _copy(connection, "sptrader.candles", ("series_id", *CANDLE_COLUMNS), numbered)


def _merge(connection: Connection, series: Series, columns: Iterator[list[Column]], replace: bool) -> tuple[int, int]:
    """Write candles among those that are there; answers how many are new and how many were replaced."""
    connection.execute(_TEMPORARY)
    if not _copy(connection, "incoming", CANDLE_COLUMNS, columns):
        return 0, 0
    connection.execute("ANALYZE incoming")
    key = {"series": series.id}
    replaced = 0
    if replace:
        values = ", ".join(f"{name} = incoming.{name}" for name in _COMPARED)
        replaced = connection.execute(
            f"UPDATE sptrader.candles AS there SET {values} FROM incoming "
            f"WHERE there.series_id = %(series)s AND there.time = incoming.time AND ({_DIFFER})",
            key,
        ).rowcount
    else:
        _refuse_contradictions(connection, series)
    names = ", ".join(CANDLE_COLUMNS)
    new = connection.execute(
        f"INSERT INTO sptrader.candles (series_id, {names}) SELECT %(series)s, {names} FROM incoming "
        "WHERE NOT EXISTS (SELECT FROM sptrader.candles AS there "
        "WHERE there.series_id = %(series)s AND there.time = incoming.time)",
        key,
    ).rowcount
    return new, replaced


def _refuse_contradictions(connection: Connection, series: Series) -> None:
    """Make sure that no candle is there with other values than it is to be written with.

    Raises:
        DataError: shows how many there are, and the first few.
    """
    values = ", ".join(f"{table}.{name}" for table in ("there", "incoming") for name in _COMPARED)
    rows = connection.execute(
        f"SELECT count(*) OVER (), there.time, {values} FROM incoming JOIN sptrader.candles AS there "
        f"ON there.series_id = %(series)s AND there.time = incoming.time WHERE {_DIFFER} "
        f"ORDER BY there.time LIMIT {_SHOWN}",
        {"series": series.id},
    ).fetchall()
    if not rows:
        return
    size = len(_COMPARED)
    shown = "".join(
        f"\n  {format_time(nanoseconds(cast('datetime', time)))}: {_shown(series, found[:size])} is there, "
        f"{_shown(series, found[size:])} was to be written"
        for _, time, *found in rows
    )
    count = cast("int", rows[0][0])
    raise DataError(
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


def _copy(connection: Connection, table: str, names: Sequence[str], rows: Iterator[Sequence[Column]]) -> int:
    """Copy candles into a table; answers how many.

    Args:
        connection: in a transaction.
        table: its name.
        names: of its columns, in order; the last may have no values.
        rows: the values of the columns, a chunk at a time.
    """
    first = next(rows, None)
    if first is None:
        return 0
    copied = 0
    statement = f"COPY {table} ({', '.join(names[: len(first)])}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write(COPY_HEADER)
        for columns in itertools.chain([first], rows):
            copied += len(columns[0])
            copy.write(copy_rows(columns))
        copy.write(COPY_END)
    return copied
