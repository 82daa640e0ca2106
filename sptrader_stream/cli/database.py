"""The commands ``db``: the schema of the database of ``DATABASE_URL``, candles into it, runs into it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from sptrader_stream.cli.catalog import print_notes, written_line
from sptrader_stream.cli.options import JsonOption, SymbolOption, TimeframeOption, TimezoneOption, WorkspaceOption

if TYPE_CHECKING:
    from sptrader_stream.database.connection import Connection
    from sptrader_stream.database.results import StoredRun
    from sptrader_stream.instruments import Instrument
    from sptrader_stream.sources.contract import DataPolicy


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    database = typer.Typer(help="Candles and runs in the database of DATABASE_URL.", rich_markup_mode=None)
    database.command("migrate")(migrate)
    database.command("status")(show_status)
    database.command("import")(import_candles)
    database.command("list")(list_candles)
    database.command("store")(store_runs)
    app.add_typer(database, name="db")


def migrate() -> None:
    """Make the schema, or bring it up to date."""
    from sptrader_stream.database import schema
    from sptrader_stream.database.address import database_url
    from sptrader_stream.database.connection import connected

    with connected(database_url(os.environ), "migrating the database") as connection:
        done = schema.migrate(connection)
    print("\n".join(done) or "the schema is up to date")


def show_status() -> None:
    """Show which migrations the database has and lacks."""
    from sptrader_stream.database import schema
    from sptrader_stream.database.address import connection_parameters, database_url, describe_address
    from sptrader_stream.database.connection import connected

    url = database_url(os.environ)
    with connected(url, "looking at the schema") as connection:
        status = schema.read_status(connection)
        server = connection.info.server_version
    print(f"{describe_address(connection_parameters(url))}, PostgreSQL {server // 10_000}")
    for applied in status.applied:
        print(f"  {applied.number:04d} {applied.name}: applied")
    for pending in status.pending:
        print(f"  {pending.number:04d} {pending.name}: pending, run `sptrader db migrate`")
    print(f"candles are {'a hypertable of TimescaleDB' if status.hypertable else 'a plain table'}")


def import_candles(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Parquet or CSV files.")],
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    timezone: TimezoneOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put candles in place of different ones that are there.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Bring candles from files into the database; each file comes as a whole or not at all."""
    from sptrader_stream.cli.candles import choose_instruments, research_policy
    from sptrader_stream.database.address import database_url
    from sptrader_stream.database.connection import connected
    from sptrader_stream.database.schema import check_schema
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    policy = research_policy(home)
    wanted = choose_instruments(files, symbol, home)
    with connected(database_url(os.environ), "writing candles") as connection:
        check_schema(connection)
        for file, instrument in wanted:
            _import_file(connection, file, instrument, timeframe, timezone, policy, replace)


def _import_file(
    connection: Connection,
    file: str,
    instrument: Instrument,
    timeframe: str | None,
    timezone: str | None,
    policy: DataPolicy,
    replace: bool,
) -> None:
    from sptrader_stream.database.candles import write_candles
    from sptrader_stream.opening import open_source
    from sptrader_stream.sources.intake import Intake, ready_chunks

    source = open_source(file, instrument, timeframe=timeframe, timezone=timezone)
    intake = Intake(source, instrument, policy)
    length = source.info.timeframe
    written = write_candles(
        connection, instrument, length, ready_chunks(source, intake), source=source.info.name, replace=replace
    )
    print_notes(file, intake.issues())
    print(written_line(file, instrument, length, written), flush=True)


def store_runs(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Folders in backtests, paths, or last.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Put recorded runs into the database: trades, fills, equity, metrics; what is there of them is replaced."""
    from sptrader_stream.database.address import database_url
    from sptrader_stream.database.results import store_run
    from sptrader_stream.store.runs import find_run
    from sptrader_stream.workspace import open_workspace

    url = database_url(os.environ)
    backtests = open_workspace(workspace).backtests
    for folder in [find_run(backtests, run) for run in runs]:
        print(stored_line(store_run(url, folder)), flush=True)


def stored_line(stored: StoredRun) -> str:
    """Say what was stored of a run, in a line."""
    done = "replaced" if stored.replaced else "stored"
    counts = ", ".join(f"{stored.rows[name]:,} {name}" for name in ("trades", "fills", "rejections", "halts"))
    return f"{done} run {stored.run_id}: {counts}, {stored.rows['equity']:,} changes of equity"


def ready_database() -> str:
    """Make sure that runs can be stored, before one is made; answers the database's address.

    Raises:
        ConfigError: ``DATABASE_URL`` is not set, or the database cannot be reached or has not the schema.
    """
    from sptrader_stream.database.address import database_url
    from sptrader_stream.database.schema import check_database

    url = database_url(os.environ)
    check_database(url)
    return url


def list_candles(as_json: JsonOption = False) -> None:
    """List the candles that the database has."""
    from sptrader_stream.database.address import database_url
    from sptrader_stream.database.connection import connected
    from sptrader_stream.database.schema import check_schema
    from sptrader_stream.database.series import list_series
    from sptrader_stream.timeframes import format_time

    with connected(database_url(os.environ), "listing the candles") as connection:
        check_schema(connection)
        found = list_series(connection)
    rows = [
        {
            "symbol": each.series.symbol,
            "timeframe": each.series.timeframe,
            "candles": each.candles,
            "start": None if each.start is None else format_time(each.start),
            "end": None if each.end is None else format_time(each.end),
            "price_precision": each.series.price_precision,
            "has_spread": each.series.has_spread,
            "source": each.series.source,
        }
        for each in found
    ]
    if as_json:
        import msgspec

        print(msgspec.json.encode(rows).decode())
        return
    if not rows:
        print("the database has no candles yet: bring some in with `sptrader db import FILE`")
    for row in rows:
        span = f"{row['start']} to {row['end']}" if row["start"] else "empty"
        print(f"{row['symbol']} {row['timeframe']}: {row['candles']:,} candles, {span}, from {row['source']}")
