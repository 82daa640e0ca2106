"""Migrations: each applied once, whole or not at all, by whoever comes first."""

from __future__ import annotations

import threading

import msgspec
import psycopg
import pytest

from sptrader_stream.cli import execute
from sptrader_stream.cli.database import migrate as migrate_command
from sptrader_stream.database.connection import Connection, connect
from sptrader_stream.database.schema import Migration, check_schema, load_migrations, migrate, read_status
from sptrader_stream.errors import ConfigError

ALL = load_migrations()
NEXT = Migration(number=ALL[-1].number + 1, name="next", checksum="new", text="CREATE TABLE sptrader.next (id int)")


def applied(connection: Connection) -> list[object]:
    return [row[0] for row in connection.execute("SELECT number FROM sptrader.migrations ORDER BY number")]


def test_the_migrations_are_numbered_from_one_without_a_gap() -> None:
    assert [each.number for each in ALL] == list(range(1, len(ALL) + 1))


def test_an_empty_database_gets_everything_and_the_second_time_nothing(empty: str) -> None:
    with connect(empty) as connection:
        assert migrate(connection) == [f"applied {each.number:04d} {each.name}" for each in ALL]
        assert migrate(connection) == []
        assert applied(connection) == [each.number for each in ALL]
        check_schema(connection)
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert tables == []


def test_the_command_says_what_it_did(
    empty: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty)
    migrate_command()
    assert capsys.readouterr().out.startswith("applied 0001 candles\n")
    migrate_command()
    assert capsys.readouterr().out == "the schema is up to date\n"


def test_the_status_names_the_database_and_its_migrations(
    empty: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty)
    assert execute(["db", "status"]) == 0
    assert "  0001 candles: pending, run `sptrader db migrate`\n" in capsys.readouterr().out
    with connect(empty) as connection:
        migrate(connection)
    assert execute(["db", "status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("database test_")
    assert lines[1:] == [*(f"  {each.number:04d} {each.name}: applied" for each in ALL), "candles are a plain table"]


def test_a_database_without_the_schema_says_how_to_make_it(empty: str) -> None:
    with connect(empty) as connection:
        with pytest.raises(ConfigError, match="has no schema yet: run `sptrader db migrate`"):
            check_schema(connection)
        assert read_status(connection).pending == ALL
        migrate(connection, ALL[:1])
        if len(ALL) > 1:
            with pytest.raises(
                ConfigError, match=r"lacks .* of this program's migrations, .* run `sptrader db migrate`"
            ):
                check_schema(connection)
        assert read_status(connection).pending == ALL[1:]


def test_a_schema_that_is_newer_than_the_program_is_left_alone(connection: Connection) -> None:
    migrate(connection, (*ALL, NEXT))
    for act in (check_schema, migrate, read_status):
        with pytest.raises(ConfigError, match=rf"newer than this program: it has migration {NEXT.number:04d} next"):
            act(connection)


def test_a_migration_that_was_changed_afterwards_is_told(connection: Connection) -> None:
    changed = msgspec.structs.replace(ALL[0], checksum="0123456789abcdef")
    with pytest.raises(ConfigError, match=r"0001 candles is not the one .* 0123456789ab here"):
        migrate(connection, (changed, *ALL[1:]))


def test_a_migration_that_fails_leaves_nothing_and_those_before_it_stay(empty: str) -> None:
    broken = msgspec.structs.replace(NEXT, text="CREATE TABLE sptrader.half (id int); SELECT 1 / no_such_column")
    with connect(empty) as connection:
        with pytest.raises(ConfigError, match=r"next failed and was undone: column \"no_such_column\" does not exist"):
            migrate(connection, (*ALL, broken))
        assert applied(connection) == [each.number for each in ALL]
        assert connection.execute("SELECT to_regclass('sptrader.half')").fetchone() == (None,)
        assert migrate(connection, (*ALL, NEXT)) == [f"applied {NEXT.number:04d} next"]


def test_programs_that_migrate_at_the_same_time_take_turns(empty: str) -> None:
    done: list[list[str]] = []
    start = threading.Barrier(4)

    def work() -> None:
        with connect(empty) as connection:
            start.wait()
            done.append(migrate(connection))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(line for lines in done for line in lines) == [f"applied {e.number:04d} {e.name}" for e in ALL]


def test_a_user_without_the_right_to_make_a_schema_is_told(
    empty: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(empty) as connection:
        connection.execute("DROP ROLE IF EXISTS reader")
        connection.execute("CREATE ROLE reader LOGIN")
    monkeypatch.setenv("DATABASE_URL", empty.replace("postgres@", "reader@"))
    assert execute(["db", "migrate"]) == 2
    assert capsys.readouterr().err.startswith(
        "error: migrating the database: the database does not allow it: permission"
    )


@pytest.fixture
def extended(empty: str) -> str:
    """The address of a database that believes to have TimescaleDB, as far as the migrations look at it."""
    with connect(empty) as connection:
        connection.execute(
            """
            CREATE SCHEMA "The extensions";
            INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
            SELECT 4294000000, 'timescaledb', 10, oid, false, '2.0' FROM pg_namespace WHERE nspname = 'The extensions';
            CREATE SCHEMA timescaledb_information;
            CREATE TABLE timescaledb_information.hypertables (
                hypertable_schema name, hypertable_name name, chunk interval
            );
            CREATE FUNCTION "The extensions".create_hypertable(
                relation regclass, time_column_name name, chunk_time_interval interval,
                migrate_data boolean, if_not_exists boolean
            ) RETURNS void LANGUAGE sql AS $$
                INSERT INTO timescaledb_information.hypertables
                SELECT nspname, relname, chunk_time_interval FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
                WHERE pg_class.oid = relation AND time_column_name = 'time' AND migrate_data AND if_not_exists
            $$
            """
        )
    return empty


def test_where_timescaledb_is_there_candles_become_a_hypertable(extended: str) -> None:
    with connect(extended) as connection:
        assert migrate(connection)[-1] == "made the candles a hypertable of TimescaleDB"
        found = connection.execute("SELECT hypertable_schema, hypertable_name FROM timescaledb_information.hypertables")
        assert found.fetchall() == [("sptrader", "candles")]
        assert read_status(connection).hypertable
        assert migrate(connection) == []


def test_without_timescaledb_candles_are_a_plain_table(connection: Connection) -> None:
    assert not read_status(connection).hypertable


def test_a_partition_by_time_could_keep_the_primary_key(connection: Connection) -> None:
    # What TimescaleDB asks of every unique index: that the time is in it.
    rows = connection.execute(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'sptrader' AND tablename = 'candles' "
        "AND indexdef LIKE 'CREATE UNIQUE%'"
    ).fetchall()
    assert len(rows) == 1
    assert '"time"' in str(rows[0][0])


def test_times_that_the_engine_cannot_count_are_refused(connection: Connection) -> None:
    for time in ("infinity", "-infinity", "1677-01-01", "2262-06-01"):
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO sptrader.candles VALUES (1, %s::timestamptz, 1, 1, 1, 1, 0)", (time,))
