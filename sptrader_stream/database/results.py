"""A recorded run in the database: the content of its files as tables, put there in one transaction."""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from sptrader_stream.database.connection import Connection, connected
from sptrader_stream.database.schema import check_schema
from sptrader_stream.errors import StorageError
from sptrader_stream.execution.records import Trade
from sptrader_stream.metrics.summary import METRICS
from sptrader_stream.money import format_money
from sptrader_stream.store.equity import read_equity
from sptrader_stream.store.head import Head
from sptrader_stream.store.journal import read_events
from sptrader_stream.store.results import RESULT_FILE, MarketRow
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
from sptrader_stream.timeframes import format_time, parse_time

# Everything else of a head stands in its JSON.
_RUN_FIELDS: Final = (
    "run_id", "status", "strategy", "strategy_version", "symbol", "timeframe", "strategy_timeframe", "source",
    "synthetic", "start_time", "end_time", "total_trades", "winning_trades", "losing_trades", "total_pnl",
    "max_drawdown", "sharpe_ratio", "start_capital", "end_capital", "signals_generated", "fingerprint",
)  # fmt: skip
_TIMES: Final = ("time", "start_time", "end_time", "entry_time", "exit_time")


class StoredRun(msgspec.Struct, frozen=True, kw_only=True):
    """What was stored of a run; ``rows`` counts by table, ``replaced`` tells whether it was there before."""

    run_id: str
    replaced: bool
    rows: dict[str, int]


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
    head, started, folder = record.head, record.started, record.folder
    run_id = head.run_id
    # Two programs that store the same run take turns; without that the second would find its row taken.
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('sptrader.runs'), hashtext(%s))", (run_id,))
    replaced = connection.execute("DELETE FROM sptrader.runs WHERE run_id = %s", (run_id,)).rowcount > 0
    _insert_run(connection, head)
    trades = (each for each in read_events(folder) if isinstance(each, Trade))
    rows = {
        "markets": _copy_structs(connection, "markets", MarketRow, run_id, _read_markets(folder)),
        "trades": _copy_structs(connection, "trades", TradeRow, run_id, trade_rows(trades, started)),
        "fills": _copy_structs(connection, "fills", FillRow, run_id, fill_rows(read_events(folder), started)),
        "rejections": _copy_structs(
            connection, "rejections", RejectionRow, run_id, rejection_rows(read_events(folder), started)
        ),
        "halts": _copy_structs(connection, "halts", HaltRow, run_id, halt_rows(read_events(folder))),
        "equity": _copy(connection, "equity", ("run_id", "id", "time", "time_ns", "equity"), _equity(run_id, folder)),
        "metrics": _copy(connection, "metrics", ("run_id", "name", "unit", "value", "time"), _metrics(head)),
        "daily_returns": _copy(connection, "daily_returns", ("run_id", "day", "value"), _daily_returns(head)),
    }
    return StoredRun(run_id=run_id, replaced=replaced, rows=rows)


def _insert_run(connection: Connection, head: Head) -> None:
    columns, values = _with_nanoseconds(_RUN_FIELDS, [getattr(head, name) for name in _RUN_FIELDS])
    document = msgspec.json.encode(head).decode()
    _copy(connection, "runs", (*columns, "head"), [(*values, document)])


def _read_markets(folder: Path) -> list[MarketRow]:
    file = folder / RESULT_FILE
    try:
        # Mapped, because the lists before them can be larger than memory.
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return msgspec.json.decode(data, type=_Markets).markets
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{file}: not the result of a run: {error}") from error


def _copy_structs(
    connection: Connection, table: str, kind: type[msgspec.Struct], run_id: str, rows: Iterable[msgspec.Struct]
) -> int:
    """Copy rows of a result, whose fields are the table's columns, numbered from 1 on where they have no id."""
    fields = kind.__struct_fields__
    numbered = "id" not in fields
    columns, _ = _with_nanoseconds(fields, [None] * len(fields))

    def values() -> Iterator[Sequence[Any]]:
        for number, row in enumerate(rows, start=1):
            _, found = _with_nanoseconds(fields, msgspec.structs.astuple(row))
            yield (run_id, number, *found) if numbered else (run_id, *found)

    return _copy(connection, table, ("run_id", *(("id",) if numbered else ()), *columns), values())


def _with_nanoseconds(fields: Sequence[str], values: Sequence[Any]) -> tuple[list[str], list[Any]]:
    """Put the nanoseconds of every time behind it."""
    columns: list[str] = []
    found: list[Any] = []
    for name, value in zip(fields, values, strict=True):
        columns.append(name)
        found.append(value)
        if name in _TIMES:
            columns.append(f"{name}_ns")
            found.append(None if value is None else parse_time(value))
    return columns, found


def _equity(run_id: str, folder: Path) -> Iterator[Sequence[Any]]:
    numbers = itertools.count(1)
    for times, values in read_equity(folder):
        for time, value in zip(times.tolist(), values.tolist(), strict=True):
            yield run_id, next(numbers), format_time(time), time, format_money(value)


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
    count = 0
    statement = f"COPY sptrader.{table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count
