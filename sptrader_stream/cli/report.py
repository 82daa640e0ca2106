"""The command ``report``: a run as one HTML page, or its trades and equity as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sptrader_stream.cli.options import RunArgument, ServerOption, WorkspaceOption
from sptrader_stream.errors import UserError

if TYPE_CHECKING:
    from sptrader_stream.client import Client

PAGE_FILE: Final = "report.html"


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command("report")(report)


def report(
    run: RunArgument,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="The page; default: report.html in the run's folder."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="DIR", help="Write trades.csv and equity.csv there.")] = None,
    parquet: Annotated[Path | None, typer.Option(metavar="DIR", help="Write Parquet files there.")] = None,
    workspace: WorkspaceOption = None,
    server: ServerOption = None,
) -> None:
    """Write a page about a run, or its trades and equity."""
    if server is not None:
        if csv is not None or parquet is not None:
            raise UserError("--csv and --parquet: not with --server, whose trades are at /api/backtest/RUN/trades")
        print(_fetch(server, run, out))
        return
    from sptrader_stream.report.exports import write_csv, write_parquet
    from sptrader_stream.store.runs import find_run, read_record
    from sptrader_stream.workspace import open_workspace

    record = read_record(find_run(open_workspace(workspace).backtests, run))
    written: list[Path] = []
    if csv is not None:
        written += write_csv(record.folder, record.started, csv)
    if parquet is not None:
        written += write_parquet(record.folder, record.started, parquet)
    if out is not None or not written:
        from sptrader_stream.report.page import write_page

        target = record.folder / PAGE_FILE if out is None else out
        write_page(record, target)
        written.append(target)
    for each in written:
        print(each)


def _fetch(server: str, run: str, out: Path | None) -> Path:
    """Save the page that a server makes; by default here, under the run's name."""
    from sptrader_stream.cli.remote import ask
    from sptrader_stream.files import written_whole

    async def work(client: Client) -> tuple[str, bytes]:
        found = await client.find(run)
        return found, await client.report(found)

    found, page = ask(server, work)
    target = Path(f"{found}.html") if out is None else out
    with written_whole(target) as file:
        file.write_bytes(page)
    return target
