"""Candles from the database are a source like any other: ranges, the contract, and an end whenever it is wanted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sptrader_stream.cli import execute
from sptrader_stream.database import source as sources
from sptrader_stream.database.connection import Connection, connect
from sptrader_stream.database.source import DatabaseSource
from sptrader_stream.errors import ConfigError, DataError
from sptrader_stream.opening import open_source
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.timeframes import MINUTE
from sptrader_stream.workspace import create_workspace
from tests.database.candles import read, write
from tests.plain_candles import EURUSD, NOON, plain, rows_of

LONG = 20_000


def test_a_source_says_what_it_is_before_it_is_read(url: str, connection: Connection) -> None:
    write(connection, plain(10))
    info = DatabaseSource(url, EURUSD).info
    assert (info.kind, info.name, info.symbol, info.timeframe) == ("database", "database EURUSD 1m", "EURUSD", "1m")
    assert (info.start, info.end, info.has_spread, info.synthetic) == (NOON, NOON + 9 * MINUTE, False, False)
    write(connection, plain(1, spread=2), timeframe="60m")
    assert DatabaseSource(url, EURUSD, timeframe="1h").info.has_spread


def test_memory_is_bounded_by_chunks(url: str, connection: Connection) -> None:
    write(connection, plain(LONG))
    chunks = list(DatabaseSource(url, EURUSD).chunks())
    assert [len(each.time) for each in chunks] == [8192, 8192, 3616]
    assert [each.row for each in chunks] == [0, 8192, 16384]
    assert read(url) == plain(LONG)


@pytest.mark.parametrize("count", [8191, 8192, 8193])
def test_nothing_is_lost_where_a_chunk_is_just_full(url: str, connection: Connection, count: int) -> None:
    write(connection, plain(count))
    assert read(url) == plain(count)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (None, None, 0, 9),
        (NOON + 3 * MINUTE, NOON + 5 * MINUTE, 3, 5),
        (NOON + 3 * MINUTE - 1, NOON + 5 * MINUTE + 1, 3, 5),
        (NOON + 3 * MINUTE + 1, NOON + 5 * MINUTE - 1, 4, 4),
        (NOON + 9 * MINUTE, None, 9, 9),
        (None, NOON, 0, 0),
    ],
)
def test_a_range_is_inclusive_to_the_nanosecond(
    url: str, connection: Connection, start: int | None, end: int | None, first: int, last: int
) -> None:
    write(connection, plain(10))
    source = DatabaseSource(url, EURUSD, start=start, end=end)
    assert (source.info.start, source.info.end) == (NOON + first * MINUTE, NOON + last * MINUTE)
    assert read(url, start=start, end=end) == plain(10)[first : last + 1]


def test_a_range_without_candles_is_told(url: str, connection: Connection) -> None:
    write(connection, plain(10))
    with pytest.raises(DataError, match=r"database EURUSD 1m: no candles from 2025-01-06T13:00:00Z to its end"):
        DatabaseSource(url, EURUSD, start=NOON + 60 * MINUTE)


def test_what_is_not_there_is_answered_with_what_is(url: str, connection: Connection) -> None:
    with pytest.raises(DataError, match="no candles of EURUSD: bring some in with `sptrader db import FILE"):
        DatabaseSource(url, EURUSD)
    write(connection, plain(1))
    write(connection, plain(1), timeframe="1h")
    with pytest.raises(DataError, match="has EURUSD in 1m, 1h: choose one with --timeframe"):
        DatabaseSource(url, EURUSD)
    with pytest.raises(DataError, match="no 90s candles of EURUSD, only 1m, 1h"):
        DatabaseSource(url, EURUSD, timeframe="90s")
    assert DatabaseSource(url, EURUSD, timeframe="5m").info.timeframe == "1m"
    assert DatabaseSource(url, EURUSD, timeframe="4h").info.timeframe == "1h"
    with pytest.raises(DataError, match=r"no candles of EURUSX \(did you mean EURUSD\?\)"):
        DatabaseSource(url, msgspec.structs.replace(EURUSD, symbol="EURUSX"))


def test_a_database_without_the_schema_is_told(empty: str) -> None:
    with pytest.raises(ConfigError, match="run `sptrader db migrate`"):
        DatabaseSource(empty, EURUSD)


def test_without_an_address_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ConfigError, match="DATABASE_URL is not set"):
        open_source("database", EURUSD)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("high = low - 1", "range"),
        ("close = 0, low = 0", "non_positive"),
        ("high = 9000000000000", "too_large"),
        ("high = 9223372036854775807", "too_large"),
        ("volume = -1", "volume"),
        ("volume = 'Infinity'", "volume"),
        ("spread = NULL", "spread"),
        ("spread = -1", "spread"),
        ("time = time + '1 second'", "misaligned"),
    ],
)
def test_the_data_contract_finds_what_others_wrote(url: str, connection: Connection, change: str, kind: str) -> None:
    write(connection, plain(10, spread=3))
    connection.execute(f"UPDATE sptrader.candles SET {change} WHERE time = '2025-01-06 12:04Z'".encode())
    source = DatabaseSource(url, EURUSD)
    chunks = ready_chunks(source, Intake(source, EURUSD))
    assert rows_of([next(chunks)]) == plain(4, spread=3)
    with pytest.raises(DataError, match=rf"database EURUSD 1m, candle 5 \(2025-01-06T12:04:0.Z\): {kind}: "):
        next(chunks)


def test_a_volume_that_is_missing_counts_as_none(url: str, connection: Connection) -> None:
    write(connection, plain(3))
    connection.execute("UPDATE sptrader.candles SET volume = 'NaN'")
    assert [row[5] for row in read(url)] == [0.0, 0.0, 0.0]


def test_prices_for_which_the_instrument_has_no_ticks_are_refused(url: str, connection: Connection) -> None:
    write(connection, [(NOON + i * MINUTE, 110_010, 110_020, 110_000, 110_010 + i, 1.0, None) for i in range(3)])
    coarse = msgspec.structs.replace(EURUSD, price_precision=4)
    with pytest.raises(DataError, match=r"the close of the candle of 2025-01-06T12:01:00Z is finer than the 4 decimal"):
        read(url, coarse)
    assert read(url, coarse, end=NOON) == [(NOON, 11_001, 11_002, 11_000, 11_001, 1.0, None)]
    fine = msgspec.structs.replace(EURUSD, price_precision=8)
    assert read(url, fine, end=NOON) == [(NOON, 110_010_000, 110_020_000, 110_000_000, 110_010_000, 1.0, None)]


def test_a_writer_in_the_meantime_changes_nothing(url: str, connection: Connection) -> None:
    write(connection, plain(LONG))
    source = DatabaseSource(url, EURUSD)
    chunks = ready_chunks(source, Intake(source, EURUSD))
    found = rows_of([next(chunks)])
    connection.execute("UPDATE sptrader.candles SET volume = 7")
    connection.execute("DELETE FROM sptrader.candles WHERE time > '2025-01-10'")
    assert found + rows_of(chunks) == plain(LONG)


def test_a_connection_that_is_lost_in_the_middle_is_told(url: str, connection: Connection) -> None:
    write(connection, plain(LONG))
    source = DatabaseSource(url, EURUSD)
    chunks = source.chunks()
    next(chunks)
    connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with pytest.raises(DataError, match="database EURUSD 1m: reading candles: the connection to the database was lost"):
        next(chunks)


def waiting(connection: Connection) -> None:
    """Wait until a session of this database waits for a lock."""
    query = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = %s"
    while connection.execute(query, (connection.info.dbname,)).fetchone() == (0,):
        pass


@pytest.fixture
def locked(url: str, connection: Connection) -> Iterator[DatabaseSource]:
    """A source whose next chunk the server will not give before it is told to stop waiting."""
    write(connection, plain(LONG))
    source = DatabaseSource(url, EURUSD)
    with connection.transaction():
        connection.execute("LOCK TABLE sptrader.candles IN ACCESS EXCLUSIVE MODE")
        yield source


@pytest.mark.parametrize("reachable", [True, False], ids=["cancelled", "no cancellation gets through"])
def test_reading_ends_at_once_when_it_is_stopped_while_the_server_is_busy(
    url: str, locked: DatabaseSource, reachable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("out of reach")

    if not reachable:
        monkeypatch.setattr(psycopg.Connection, "cancel_safe", refused)
    failures: list[DataError] = []

    def work() -> None:
        try:
            list(locked.chunks())
        except DataError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    with connect(url) as other:
        waiting(other)
    locked.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert [str(each) for each in failures] == ["database EURUSD 1m: reading was stopped"]


def test_reading_ends_when_it_is_stopped_between_chunks(url: str, connection: Connection) -> None:
    write(connection, plain(LONG))
    source = DatabaseSource(url, EURUSD)
    chunks = source.chunks()
    next(chunks)
    source.stop()
    with pytest.raises(DataError, match="reading was stopped"):
        next(chunks)
    source.stop()


def test_a_source_that_is_not_read_to_its_end_leaves_no_session(
    url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(connection, plain(LONG))
    made: list[Connection] = []

    def noted(address: str) -> Connection:
        made.append(connect(address))
        return made[-1]

    monkeypatch.setattr(sources, "connect", noted)
    chunks = DatabaseSource(url, EURUSD).chunks()
    next(chunks)
    assert [each.closed for each in made] == [True, False]
    chunks.close()  # type: ignore[attr-defined]
    assert [each.closed for each in made] == [True, True]


def test_the_plan_is_the_index_whatever_the_server_believes(connection: Connection) -> None:
    # Statistics that say that there is nothing to gain from an index.
    write(connection, plain(100))
    connection.execute("ANALYZE sptrader.candles")
    with connection.transaction():
        connection.execute(sources._SETTINGS)
        rows = connection.execute(
            "EXPLAIN SELECT time, open FROM sptrader.candles WHERE series_id = 1 AND time >= '2025-01-01' "
            "AND time <= '2026-01-01' ORDER BY time LIMIT 10"
        ).fetchall()
    plan = "\n".join(str(row[0]) for row in rows)
    assert "Index Scan using candles_pkey" in plan
    assert "Sort" not in plan


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Path:
    create_workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    return tmp_path


def _file_of_candles(path: Path) -> None:
    """Candles as a file has them: synthetic ones, as decimals."""
    instrument = msgspec.structs.replace(EURUSD, trading_hours="forex")
    source = open_source("synthetic", instrument, timeframe="1h", start=NOON, end=NOON + 60 * 5000 * MINUTE)
    rows = rows_of(ready_chunks(source, Intake(source, instrument)))
    columns: dict[str, list[float]] = {"time": [row[0] // 10**9 for row in rows]}
    for name, place in (("open", 1), ("high", 2), ("low", 3), ("close", 4)):
        columns[name] = [float(Decimal(str(row[place])).scaleb(-5)) for row in rows]
    pq.write_table(pa.table(columns | {"volume": [row[5] for row in rows]}), path)


def test_a_run_is_the_same_from_the_file_and_from_the_database(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _file_of_candles(workspace / "EURUSD-1h.parquet")
    assert execute(["db", "import", "EURUSD-1h.parquet"]) == 0
    assert capsys.readouterr().out.startswith("EURUSD-1h.parquet: EURUSD 1h, 3,5")
    documents = []
    for data in ("EURUSD-1h.parquet", "database"):
        words = ["run", "ema_crossover", "--data", data, "--symbol", "EURUSD", "--json"]
        assert execute(words) == 0
        documents.append(json.loads(capsys.readouterr().out))
    file, database = documents
    assert file["total_trades"] > 10
    assert database["fingerprint"] == file["fingerprint"]
    assert (database["source"], database["synthetic"]) == ("database EURUSD 1h", False)
    different = {name for name in file if file[name] != database[name]}
    assert different == {"run_id", "source", "timing", "markets", "provenance"}
    # What is recorded is enough to explain the run.
    assert execute(["why", "last", "--near", "1"]) == 0


def test_the_list_says_what_there_is(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["db", "list"]) == 0
    assert "no candles yet" in capsys.readouterr().out
    _file_of_candles(workspace / "EURUSD-1h.parquet")
    assert execute(["db", "import", "EURUSD-1h.parquet"]) == 0
    assert execute(["db", "import", "EURUSD-1h.parquet"]) == 0
    assert ": 0 new, 3,5" in capsys.readouterr().out
    assert execute(["db", "list", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["symbol"], found["timeframe"]) == ("EURUSD", "1h")
    assert (found["start"], found["source"]) == ("2025-01-06T12:00:00Z", "EURUSD-1h.parquet")


def test_a_users_mistake_is_one_message(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", "ema_crossover", "--data", "database", "--symbol", "EURUSD"]) == 2
    assert capsys.readouterr().err.startswith("error: the database has no candles of EURUSD: bring some in")
    assert execute(["db", "import", "nowhere.csv"]) == 2
    assert capsys.readouterr().err.startswith("error: nowhere.csv: no such file")


def test_psycopg_is_not_loaded_by_commands_that_do_not_need_it() -> None:
    import subprocess
    import sys

    code = "import sys; from sptrader_stream.cli import make_app; make_app(); print('psycopg' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
    assert psycopg.__name__ == "psycopg"
