"""The command ``report``: a run as one HTML page, or its trades and equity as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from sptrader_stream.cli.options import RunArgument, WorkspaceOption

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
) -> None:
    """Write a page about a run, or its trades and equity."""
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
