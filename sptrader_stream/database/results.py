"""A recorded run in the database: the content of its files as tables, put there in one transaction."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from sptrader_stream.database.binary import Column, copied_times
from sptrader_stream.database.connection import Connection, connected
from sptrader_stream.database.copying import copy_columns
from sptrader_stream.database.schema import check_schema
from sptrader_stream.events import RunStarted
from sptrader_stream.execution.records import Fill, Halt, Rejection, Trade
from sptrader_stream.metrics.summary import METRICS
from sptrader_stream.money import MONEY_DIGITS
from sptrader_stream.store.equity import read_equity
from sptrader_stream.store.head import Head
from sptrader_stream.store.journal import read_events
from sptrader_stream.store.results import MarketRow, read_result
from sptrader_stream.store.rows import (
    FillRow,
    HaltRow,
    RejectionRow,
    TradeRow,
    fill_rows,
    halt_rows,
    rejection_rows,
    trade_rows,
)
from sptrader_stream.store.runs import RunRecord, read_record
from sptrader_stream.timeframes import parse_time

# Everything else of a head stands in its JSON.
_RUN_FIELDS: Final = (
    "status", "strategy", "strategy_version", "symbol", "timeframe", "strategy_timeframe", "source",
    "synthetic", "start_time", "end_time", "total_trades", "winning_trades", "losing_trades", "total_pnl",
    "max_drawdown", "sharpe_ratio", "start_capital", "end_capital", "signals_generated", "fingerprint",
)  # fmt: skip


class StoredRun(msgspec.Struct, frozen=True, kw_only=True):
    """What was stored of a run; ``rows`` counts by table, ``replaced`` tells whether it was there before."""

    run_id: str
    replaced: bool
    rows: dict[str, int]


class _Events(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of events and the table of their rows.

    Attributes:
        table: its name.
        kind: of the events in the journal.
        row: whose fields are columns of the table.
        rows: makes rows of events.
        exact: the columns of nanoseconds, and which field of an event each is.
        counted_by: the metric that counts the events.
    """

    table: str
    kind: type[Trade] | type[Fill] | type[Rejection] | type[Halt]
    row: type[msgspec.Struct]
    rows: Callable[[Iterator[Any], RunStarted], Iterator[msgspec.Struct]]
    exact: dict[str, str]
    counted_by: str


_EVENTS: Final = (
    _Events(
        table="trades",
        kind=Trade,
        row=TradeRow,
        rows=trade_rows,
        exact={"entry_time_ns": "entry_time", "exit_time_ns": "time"},
        counted_by="total_trades",
    ),
    _Events(table="fills", kind=Fill, row=FillRow, rows=fill_rows, exact={"time_ns": "time"}, counted_by="fills"),
    _Events(
        table="rejections",
        kind=Rejection,
        row=RejectionRow,
        rows=rejection_rows,
        exact={"time_ns": "time"},
        counted_by="rejections",
    ),
    _Events(
        table="halts",
        kind=Halt,
        row=HaltRow,
        rows=lambda events, _: halt_rows(events),
        exact={"time_ns": "time"},
        counted_by="halts",
    ),
)


class _Markets(msgspec.Struct, frozen=True):
    """What is wanted of a result behind its head; the other lists are passed over."""

    markets: list[MarketRow]


def store_run(url: str, folder: Path) -> StoredRun:
    """Put a recorded run into the database, in place of what is there of it; blocks until it is done.

    Args:
        url: as ``DATABASE_URL`` has it.
        folder: the run's.

    Raises:
        ConfigError: the database cannot be reached, or has not the schema of this program.
        StorageError: the run's folder is not that of a run that is over, or the database does not take it; it then has
            what it had before.
    """
    record = read_record(folder)
    with connected(url, f"storing run {record.head.run_id}") as connection:
        check_schema(connection)
        with connection.transaction():
            return _store(connection, record)


def _store(connection: Connection, record: RunRecord) -> StoredRun:
    head, folder = record.head, record.folder
    run_id = head.run_id
    # Two programs that store the same run take turns; without that the second would find its row taken.
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('sptrader.runs'), hashtext(%s))", (run_id,))
    replaced = connection.execute("DELETE FROM sptrader.runs WHERE run_id = %s", (run_id,)).rowcount > 0
    _insert_run(connection, head)
    rows = {
        "markets": _copy(connection, "markets", ("id", *MarketRow.__struct_fields__), _market_rows(run_id, folder)),
        **{events.table: _copy_events(connection, events, record) for events in _EVENTS},
        "equity": _copy_equity(connection, run_id, folder),
        "metrics": _copy(connection, "metrics", ("name", "unit", "value", "time"), _metrics(head)),
        "daily_returns": _copy(connection, "daily_returns", ("day", "value"), _daily_returns(head)),
    }
    return StoredRun(run_id=run_id, replaced=replaced, rows=rows)


def _insert_run(connection: Connection, head: Head) -> None:
    values = [getattr(head, name) for name in _RUN_FIELDS]
    exact = [None if each is None else parse_time(each) for each in (head.start_time, head.end_time)]
    columns = (*_RUN_FIELDS, "start_time_ns", "end_time_ns", "head")
    row = (head.run_id, *values, *exact, msgspec.json.encode(head).decode())
    _copy(connection, "runs", columns, [row])


def _market_rows(run_id: str, folder: Path) -> Iterator[Sequence[Any]]:
    for number, row in enumerate(read_result(folder, _Markets).markets, start=1):
        yield run_id, number, *msgspec.structs.astuple(row)


def _copy_events(connection: Connection, events: _Events, record: RunRecord) -> int:
    """Copy one kind of events, numbered from 1 on: the rows of the result, and their times in nanoseconds."""
    if not record.head.metrics[events.counted_by]:
        return 0
    fields = events.row.__struct_fields__
    numbered = () if "id" in fields else ("id",)
    run_id = record.head.run_id

    def values() -> Iterator[Sequence[Any]]:
        found = (each for each in read_events(record.folder) if isinstance(each, events.kind))
        # In step with each other, so that nothing piles up between them.
        first, second = itertools.tee(found)
        for number, (event, row) in enumerate(zip(first, events.rows(second, record.started), strict=True), start=1):
            exact = [getattr(event, name) for name in events.exact.values()]
            yield (run_id, *((number,) if numbered else ()), *exact, *msgspec.structs.astuple(row))

    return _copy(connection, events.table, (*numbered, *events.exact, *fields), values())


def _copy_equity(connection: Connection, run_id: str, folder: Path) -> int:
    """Copy the changes of equity: as whole numbers into a temporary table, made decimals of by the server."""
    connection.execute(
        "CREATE TEMPORARY TABLE changes (id bigint, time timestamptz, time_ns bigint, equity bigint) ON COMMIT DROP"
    )

    def numbered() -> Iterator[Sequence[Column]]:
        first = 1
        for time, equity in read_equity(folder):
            yield np.arange(first, first + len(time)), copied_times(time), time, equity
            first += len(time)

    count = copy_columns(connection, "changes", ("id", "time", "time_ns", "equity"), numbered())
    connection.execute(
        "INSERT INTO sptrader.equity (run_id, id, time, time_ns, equity) "
        f"SELECT %s, id, time, time_ns, round(equity * 1e-{MONEY_DIGITS}, {MONEY_DIGITS}) FROM changes",
        (run_id,),
    )
    return count


def _metrics(head: Head) -> Iterator[Sequence[Any]]:
    for name, value in head.metrics.items():
        unit = METRICS[name].unit
        if unit != "series":
            amount, time = (None, value) if unit == "time" else (value, None)
            # The shortest text of a float64, which reads as the same one.
            yield head.run_id, name, unit, repr(amount) if isinstance(amount, float) else amount, time


def _daily_returns(head: Head) -> Iterator[Sequence[Any]]:
    series = head.metrics["daily_returns"]
    for day, value in series if isinstance(series, list) else ():
        yield head.run_id, day, value


def _copy(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Copy rows, each with the run's id in front of its columns; answers how many."""
    count = 0
    statement = f"COPY sptrader.{table} ({', '.join(('run_id', *columns))}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count
