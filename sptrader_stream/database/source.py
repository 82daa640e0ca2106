"""Candles from the database, as a source: thousands at a time, so that memory does not grow with the series.

The server packs many candles into one value: a row by itself would cost Python more than everything else together. All
of them are read in one transaction, so that a writer in the meantime changes nothing.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final, cast

import psycopg

from sptrader_stream.columns import Ints
from sptrader_stream.database.binary import read_packed
from sptrader_stream.database.connection import Connection, connect, told
from sptrader_stream.database.schema import check_schema
from sptrader_stream.database.series import Series, find_series, find_span, nanoseconds, time_bounds
from sptrader_stream.errors import DataError
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.source import CHUNK_ROWS, NO_SPREAD, ExactCandles, SourceInfo
from sptrader_stream.sources.tables import nothing_in_range
from sptrader_stream.timeframes import format_time, format_timeframe, parse_timeframe

_PRICES: Final = ("open", "high", "low", "close")
# Seconds that the server is given to take note of a cancellation.
_PATIENCE: Final = 1.0
_SPREAD: Final = "|| int8send(coalesce(spread, %(no_spread)s::bigint))"
_QUERY: Final = """
    SELECT string_agg(
        timestamptz_send(time) || int8send(open) || int8send(high) || int8send(low) || int8send(close)
        || float8send(volume) {spread},
        ''::bytea
    )
    FROM (
        SELECT time, open, high, low, close, volume, spread
        FROM sptrader.candles
        WHERE series_id = %(series)s AND time >= %(start)s AND time <= %(end)s
        ORDER BY time
        LIMIT %(rows)s
    ) AS next
"""
# The order of the primary key is the one that is wanted. Without statistics, as of a table that was just filled, the
# server would rather sort what is left of the series, for every chunk of it. A run that is paused may read nothing for
# hours.
_SETTINGS: Final = """
    SET LOCAL enable_sort = off;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_bitmapscan = off;
    SET LOCAL jit = off;
    SET LOCAL idle_in_transaction_session_timeout = 0
"""


class DatabaseSource:
    """A series of candles in the database, or a range of one.

    Args:
        url: as ``DATABASE_URL`` has it.
        instrument: what is read; its prices may be finer than those of the series, and coarser where they are whole.
        timeframe: such as ``1m``; None for the only one that there is.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the first there is.
        end: last open time wanted, inclusive; None for the last there is.

    Raises:
        ConfigError: the database cannot be reached, or has not the schema of this program.
        DataError: it has no such series, or no candles in the range.
        UserError: ``timeframe`` is none.
    """

    def __init__(
        self,
        url: str,
        instrument: Instrument,
        *,
        timeframe: str | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> None:
        wanted = None if timeframe is None else format_timeframe(parse_timeframe(timeframe))
        self._url = url
        self._precision = instrument.price_precision
        self._range = time_bounds(start, end)
        self._lock = threading.Lock()
        self._stopped = False
        self._connection: Connection | None = None
        connection = connect(url)
        try:
            with told("looking for candles", DataError):
                check_schema(connection)
                self._series: Series = find_series(connection, instrument.symbol, wanted)
                span = find_span(connection, self._series, start, end)
        finally:
            connection.close()
        name = f"database {self._series.symbol} {self._series.timeframe}"
        if span is None:
            raise nothing_in_range(name, start, end)
        self.info = SourceInfo(
            kind="database",
            name=name,
            symbol=instrument.symbol,
            timeframe=self._series.timeframe,
            start=span[0],
            end=span[1],
            has_spread=self._series.has_spread,
            trust="external",
            retrieved_at=nanoseconds(self._series.changed_at),
        )

    def place(self, row: int) -> str:
        """Say where a row is: ``candle 1`` is the first of the range."""
        return f"candle {row + 1}"

    def stop(self) -> None:
        """End reading at once, from any thread: ``chunks`` raises DataError, whatever it is waiting for."""
        with self._lock:
            self._stopped = True
            connection = self._connection
            if connection is None or connection.closed:
                return
            # The server may be out of reach, and there is nothing to be done about it; the socket is shut anyhow.
            with suppress(psycopg.OperationalError):
                connection.cancel_safe(timeout=_PATIENCE)
            # A query that is sent just now would not be cancelled any more, and could wait for a lock without end.
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as shared:
                shared.shutdown(socket.SHUT_RDWR)

    def chunks(self) -> Iterator[ExactCandles]:
        """Read the candles of the range, see ``CandleSource``."""
        connection = connect(self._url)
        with self._lock:
            self._connection = connection
        try:
            with told(f"{self.info.name}: reading candles", DataError):
                yield from self._read(connection)
        except psycopg.errors.UndefinedTable as error:
            raise DataError(f"{self.info.name}: its table is not there any more: run `sptrader db migrate`") from error
        except DataError as error:
            if self._stopped:
                raise DataError(f"{self.info.name}: reading was stopped") from error
            raise
        finally:
            with self._lock:
                self._connection = None
                connection.close()

    def _read(self, connection: Connection) -> Iterator[ExactCandles]:
        connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        connection.set_read_only(True)
        row = 0
        start, end = self._range
        query = _QUERY.format(spread=_SPREAD if self._series.has_spread else "").encode()
        with connection.transaction(), connection.cursor(binary=True) as cursor:
            connection.execute(_SETTINGS)
            while True:
                if self._stopped:
                    raise DataError("stopped")
                values = {
                    "series": self._series.id, "start": start, "end": end,
                    "rows": CHUNK_ROWS, "no_spread": NO_SPREAD,
                }  # fmt: skip
                found = cursor.execute(query, values).fetchone()
                if found is None or found[0] is None:
                    return
                candles = self._candles(cast("bytes", found[0]), row)
                yield candles
                if len(candles.time) < CHUNK_ROWS:
                    return
                row += len(candles.time)
                start = time_bounds(int(candles.time[-1]) + 1, None)[0]

    def _candles(self, packed: bytes, row: int) -> ExactCandles:
        """Turn what ``_QUERY`` gives into candles; ``row`` is the index of the first."""
        columns = read_packed(packed, has_spread=self._series.has_spread)
        self._check_precision(columns)
        spread = columns.pop("spread", None)
        return ExactCandles(row=row, precision=self._series.price_precision, spread=spread, **columns)

    def _check_precision(self, columns: Mapping[str, Ints]) -> None:
        """Refuse prices that the instrument has no ticks for.

        Raises:
            DataError: names the first such candle.
        """
        finer = 10 ** max(0, self._series.price_precision - self._precision)
        if finer == 1:
            return
        for name in (*_PRICES, "spread"):
            if name not in columns:
                continue
            broken = (columns[name] % finer != 0) & (columns[name] != NO_SPREAD)
            if broken.any():
                when = format_time(int(columns["time"][broken.argmax()]))
                raise DataError(
                    f"{self.info.name}: the {name} of the candle of {when} is finer than the {self._precision} decimal "
                    f"places of {self.info.symbol}; its series has {self._series.price_precision}: declare that "
                    "price_precision in config/instruments.yaml"
                )
