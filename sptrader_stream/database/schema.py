"""The schema ``sptrader`` and its migrations: numbered SQL files, each applied once, whole or not at all.

What was applied stands in the table ``sptrader.migrations`` with a checksum. All of it happens under an advisory lock
of the transaction, so that programs that migrate at the same time take turns.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Final, cast

import msgspec
import psycopg
from psycopg.rows import class_row

from sptrader_stream.database.connection import Connection, connected, reason
from sptrader_stream.errors import ConfigError

# Any number that no other program uses for a lock of its own.
_LOCK: Final = 7_310_579_626_421_009_741
_FILE: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_MIGRATE: Final = "run `sptrader db migrate`"
_BOOKKEEPING: Final = """
CREATE SCHEMA IF NOT EXISTS sptrader;
CREATE TABLE IF NOT EXISTS sptrader.migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_EXTENSION: Final = "timescaledb"


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the schema.

    Attributes:
        number: its place, from 1.
        name: what it brings.
        checksum: SHA-256 of its text, hexadecimal.
        text: SQL.
    """

    number: int
    name: str
    checksum: str
    text: str


class Applied(msgspec.Struct, frozen=True):
    """A migration that the database has."""

    number: int
    name: str
    checksum: str


class SchemaStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a database has and lacks.

    Attributes:
        applied: the migrations that it has, in order.
        pending: those that it lacks.
        hypertable: whether candles are a hypertable of TimescaleDB.
    """

    applied: tuple[Applied, ...]
    pending: tuple[Migration, ...]
    hypertable: bool


def load_migrations() -> tuple[Migration, ...]:
    """Read the migrations that this program brings, in order."""
    found = []
    for file in files("sptrader_stream.database.migrations").iterdir():
        named = _FILE.fullmatch(file.name)
        if named is not None:
            text = file.read_text(encoding="utf-8")
            checksum = hashlib.sha256(text.encode()).hexdigest()
            found.append(Migration(number=int(named[1]), name=named[2], checksum=checksum, text=text))
    return tuple(sorted(found, key=lambda each: each.number))


def migrate(connection: Connection, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Bring the schema up to date.

    Args:
        connection: to the database.
        migrations: by default those of this program.

    Returns:
        What was done, a line for each step; empty where nothing was to do.

    Raises:
        ConfigError: the schema is newer than the program, a migration was changed after it had been applied, or one
            fails, which leaves the schema as it was before that one.
    """
    known = load_migrations() if migrations is None else migrations
    done: list[str] = []
    while True:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            connection.execute(_BOOKKEEPING)
            pending = _pending(_read_applied(connection), known)
            if not pending:
                break
            _apply(connection, pending[0])
        done.append(f"applied {pending[0].number:04d} {pending[0].name}")
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if _make_hypertable(connection):
            done.append("made the candles a hypertable of TimescaleDB")
    return done


def read_status(connection: Connection, migrations: Sequence[Migration] | None = None) -> SchemaStatus:
    """Tell what a database has and lacks; changes nothing.

    Raises:
        ConfigError: the schema is newer than the program, or a migration was changed after it had been applied.
    """
    known = load_migrations() if migrations is None else migrations
    applied = _read_applied(connection) if _has_bookkeeping(connection) else ()
    return SchemaStatus(
        applied=applied, pending=_pending(applied, known), hypertable=bool(applied) and _is_hypertable(connection)
    )


def check_database(url: str) -> None:
    """Make sure that a database is there, with the schema of this program.

    Args:
        url: as ``DATABASE_URL`` has it.

    Raises:
        ConfigError: it cannot be reached, or has not the schema.
    """
    with connected(url, "looking at the schema") as connection:
        check_schema(connection)


def check_schema(connection: Connection) -> None:
    """Make sure that the database has the schema of this program.

    Raises:
        ConfigError: it has none, an older or a newer one, or one that was changed.
    """
    if not _has_bookkeeping(connection):
        raise ConfigError(f"the database {connection.info.dbname} has no schema yet: {_MIGRATE}")
    pending = _pending(_read_applied(connection), load_migrations())
    if pending:
        raise ConfigError(
            f"the schema of the database {connection.info.dbname} lacks {len(pending)} of this program's migrations, "
            f"from {pending[0].number:04d} {pending[0].name} on: {_MIGRATE}"
        )


def _has_bookkeeping(connection: Connection) -> bool:
    row = connection.execute("SELECT to_regclass('sptrader.migrations') IS NOT NULL").fetchone()
    return row is not None and bool(row[0])


def _read_applied(connection: Connection) -> tuple[Applied, ...]:
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        cursor.execute("SELECT number, name, checksum FROM sptrader.migrations ORDER BY number")
        return tuple(cursor.fetchall())


def _pending(applied: Sequence[Applied], known: Sequence[Migration]) -> tuple[Migration, ...]:
    """Compare what a database has with what the program brings, and give what is missing."""
    by_number = {each.number: each for each in known}
    for each in applied:
        own = by_number.get(each.number)
        if own is None:
            raise ConfigError(
                f"the database's schema is newer than this program: it has migration {each.number:04d} {each.name}, "
                f"and this program knows them up to {max(by_number, default=0):04d}. Update the program"
            )
        if own.checksum != each.checksum:
            raise ConfigError(
                f"migration {each.number:04d} {each.name} is not the one that the database was made with (checksum "
                f"{each.checksum[:12]} there, {own.checksum[:12]} here): use the version of the program that made the "
                "schema, or a new database"
            )
    has = {each.number for each in applied}
    return tuple(each for each in known if each.number not in has)


def _apply(connection: Connection, migration: Migration) -> None:
    try:
        connection.execute(migration.text.encode())
        connection.execute(
            "INSERT INTO sptrader.migrations (number, name, checksum) VALUES (%s, %s, %s)",
            (migration.number, migration.name, migration.checksum),
        )
    except (psycopg.ProgrammingError, psycopg.IntegrityError) as error:
        # The rights to do something are a programming error to psycopg, and the user's to have.
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            raise
        raise ConfigError(
            f"migration {migration.number:04d} {migration.name} failed and was undone: {reason(error)}"
        ) from error


def _has_extension(connection: Connection) -> bool:
    """Whether the database has TimescaleDB; where the server offers it, it is tried to get it."""
    query = """
        SELECT
            EXISTS (SELECT FROM pg_extension WHERE extname = %(name)s),
            EXISTS (SELECT FROM pg_available_extensions WHERE name = %(name)s)
            -- Without being preloaded, the extension ends the session of whoever asks for it.
            AND coalesce(
                (SELECT setting LIKE '%%timescaledb%%' FROM pg_settings WHERE name = 'shared_preload_libraries'), false
            )
    """
    row = connection.execute(query, {"name": _EXTENSION}).fetchone()
    installed, offered = cast("tuple[bool, bool]", row)
    if installed or not offered:
        return installed
    try:
        with connection.transaction():
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except psycopg.Error:
        # Plain tables do as well; whoever has the rights can create it and migrate again.
        return False
    return True


def _is_hypertable(connection: Connection) -> bool:
    row = connection.execute("SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return False
    row = connection.execute(
        "SELECT count(*) FROM timescaledb_information.hypertables "
        "WHERE hypertable_schema = 'sptrader' AND hypertable_name = 'candles'"
    ).fetchone()
    return row is not None and row[0] == 1


def _make_hypertable(connection: Connection) -> bool:
    """Make the candles a hypertable where that can be and is not done yet; answers whether it was done."""
    if not _has_extension(connection) or _is_hypertable(connection):
        return False
    # Extensions may be in a schema of their own, where their functions are not found otherwise.
    connection.execute(
        "SELECT set_config('search_path', quote_ident(nspname) || ', ' || current_setting('search_path'), true) "
        "FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = %s",
        (_EXTENSION,),
    )
    text = files("sptrader_stream.database.migrations").joinpath("hypertable.sql").read_text(encoding="utf-8")
    connection.execute(text.encode())
    return True
