"""The commands ``data`` that keep the catalog: bring candles in, see what there is, look it through, take it out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sptrader_stream.cli import USER_MISTAKE
from sptrader_stream.cli.options import (
    EndOption,
    JsonOption,
    StartOption,
    SymbolOption,
    TimeframeOption,
    TimezoneOption,
    WorkspaceOption,
)
from sptrader_stream.errors import DataError
from sptrader_stream.timeframes import format_time, parse_end, parse_time, parse_timeframe

if TYPE_CHECKING:
    from sptrader_stream.catalog.checking import Check
    from sptrader_stream.catalog.finding import Series
    from sptrader_stream.events import DataIssue
    from sptrader_stream.instruments import Instrument
    from sptrader_stream.workspace import Workspace
    from sptrader_stream.written import WrittenCandles

_SymbolArgument = Annotated[str, typer.Argument(metavar="SYMBOL", help="Such as EURUSD.")]
_SeriesOption = Annotated[
    str | None, typer.Option("--timeframe", metavar="TIMEFRAME", help="Such as 1m; default: the finest there is.")
]
_ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Put candles in place of different ones that are there.")
]
_BAR = "█"
_BAR_CELLS = 20


def add_commands(data: typer.Typer) -> None:
    """Register the commands of this module."""
    data.command("import")(import_files)
    data.command("fetch")(fetch)
    data.command("list")(list_catalog)
    data.command("check")(check)
    data.command("resample")(resample)
    data.command("export")(export)


def import_files(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files of candles or ticks.")],
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    timezone: TimezoneOption = None,
    replace: _ReplaceOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Bring candles from files into the catalog; each file comes as a whole or not at all."""
    from sptrader_stream.catalog.importing import import_file
    from sptrader_stream.cli.request import choose_instruments, research_policy
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    policy = research_policy(home)
    for file, instrument in choose_instruments(files, symbol, home):
        done = import_file(
            home.data,
            file,
            instrument,
            timeframe=timeframe,
            timezone=timezone,
            policy=policy,
            now=_now(),
            replace=replace,
        )
        print_notes(file, done.issues)
        print(written_line(file, instrument, done.timeframe, done.written), flush=True)


def fetch(
    symbol: _SymbolArgument,
    timeframe: Annotated[
        str | None, typer.Option(metavar="TIMEFRAME", help="Default: the finest that the server has.")
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    replace: _ReplaceOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Fetch candles from WS_MARKET_DATA_URL into the catalog, going on where it stopped."""
    from sptrader_stream.catalog.fetching import fetch as fetch_candles
    from sptrader_stream.cli.request import research_policy
    from sptrader_stream.sources.http.settings import http_settings
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    instrument = _instrument(symbol, home)
    done = fetch_candles(
        home.data,
        http_settings(os.environ),
        instrument,
        timeframe=timeframe,
        start=None if start is None else parse_time(start),
        end=None if end is None else parse_end(end),
        policy=research_policy(home),
        now=_now(),
        replace=replace,
        on_month=lambda month, candles: print(f"{month}: {candles:,} candles", file=sys.stderr, flush=True),
    )
    print_notes(instrument.symbol, done.issues)
    span = f"{format_time(done.start)} to {format_time(done.end)}"
    what = f"{done.candles:,} candles fetched, {done.new:,} new" if done.candles else "everything is there already"
    print(f"{instrument.symbol} {done.timeframe}, {span}: {what}")


def list_catalog(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """List the candles that the catalog has."""
    from sptrader_stream.catalog.finding import list_series
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    found = list_series(home.data)
    if as_json:
        import msgspec

        print(msgspec.json.encode([each.manifest for each in found]).decode())
        return
    if not found:
        print(f"{home.data} has no candles yet: bring some in with `sptrader data import FILE`")
        return
    titles = ("symbol", "timeframe", "candles", "first", "last", "missing", "trust")
    rows = [
        (
            each.manifest.symbol,
            each.manifest.timeframe,
            f"{each.manifest.rows:,}",
            each.manifest.start or "",
            each.manifest.end or "",
            f"{each.manifest.missing:,} in {each.manifest.gaps:,} gaps",
            each.manifest.trust,
        )
        for each in found
    ]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        print("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


def check(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="SYMBOL|FILE...", help="Default: everything in the catalog.")
    ] = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    timezone: TimezoneOption = None,
    verified: Annotated[
        bool, typer.Option("--verified", help="Vouch for series in which nothing is found: trust becomes verified.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Look candles through: findings of the data contract, a calendar of gaps, files as they were written."""
    from sptrader_stream.catalog.checking import check_candles, damaged_files
    from sptrader_stream.catalog.finding import list_series
    from sptrader_stream.catalog.writing import verify_series
    from sptrader_stream.cli.request import choose_instruments
    from sptrader_stream.sources import open_source
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    files = [each for each in what or () if Path(each).exists()]
    symbols = {_instrument(each, home).symbol for each in what or () if each not in files}
    code = 0
    for file, instrument in choose_instruments(files, symbol, home):
        source = open_source(file, instrument, timeframe=timeframe, timezone=timezone)
        _show(f"{file}: {instrument.symbol} {source.info.timeframe}", check_candles(source, instrument))
    series = [] if what and not symbols else list_series(home.data)
    chosen = [each for each in series if (not symbols or each.manifest.symbol in symbols) and _is(each, timeframe)]
    absent = symbols - {each.manifest.symbol for each in chosen}
    if absent:
        raise DataError(f"{home.data} has no candles of {', '.join(sorted(absent))}: see `sptrader data list`")
    for each in chosen:
        instrument = _instrument(each.manifest.symbol, home)
        damaged = damaged_files(each)
        title = f"{each.manifest.symbol} {each.manifest.timeframe}"
        for path in damaged:
            print(f"{title}: {path} is gone, or not what was written: remove it and import its month again")
        if damaged:
            code = USER_MISTAKE
            continue
        found = check_candles(open_source(str(each.folder), instrument), instrument)
        _show(title, found)
        if verified and all(issue.kind == "gap" for issue in found.issues):
            verify_series(home.data, instrument, each.manifest)
            print("  trust: verified")
    return code


def resample(
    symbol: _SymbolArgument,
    timeframe: Annotated[str, typer.Argument(metavar="TIMEFRAME", help="To build, such as 1h.")],
    replace: _ReplaceOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Build a coarser series from the finest that makes it up, and keep it; runs do so by themselves without this."""
    from sptrader_stream.catalog.importing import resample_series
    from sptrader_stream.cli.request import research_policy
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    instrument = _instrument(symbol, home)
    series = _find(home, instrument.symbol, None)
    done = resample_series(
        home.data,
        series,
        instrument,
        timeframe,
        policy=research_policy(home),
        now=_now(),
        replace=replace,
    )
    print_notes(instrument.symbol, done.issues)
    made_of = f"{instrument.symbol} {series.manifest.timeframe}"
    print(written_line(f"from {made_of}", instrument, done.timeframe, done.written))


def export(
    symbol: _SymbolArgument,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .csv, .parquet or .jsonl.")],
    timeframe: _SeriesOption = None,
    start: StartOption = None,
    end: EndOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write candles of the catalog to a file, prices as exact decimals."""
    from sptrader_stream.catalog.exporting import export_candles
    from sptrader_stream.cli.request import research_policy
    from sptrader_stream.sources import open_source
    from sptrader_stream.sources.market import MarketSpec
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    instrument = _instrument(symbol, home)
    series = _find(home, instrument.symbol, timeframe)
    first, last = None if start is None else parse_time(start), None if end is None else parse_end(end)
    source = open_source(str(series.folder), instrument, timeframe=timeframe, start=first, end=last)
    candles = MarketSpec(instrument, source, first, last).candles(research_policy(home))
    count = export_candles(candles, instrument.price_precision, out, f"{instrument.symbol} {source.info.timeframe}")
    print(f"{out}: {count:,} candles of {instrument.symbol} {source.info.timeframe}")


def written_line(source: str, instrument: Instrument, timeframe: str, written: WrittenCandles) -> str:
    """Say what writing candles came to, in a line."""
    same = written.read - written.new - written.replaced
    parts = [f"{written.new:,} new"]
    parts += [f"{written.replaced:,} replaced"] * bool(written.replaced) + [f"{same:,} there already"] * bool(same)
    span = f"{format_time(written.start)} to {format_time(written.end)}"
    return f"{source}: {instrument.symbol} {timeframe}, {written.read:,} candles from {span}: {', '.join(parts)}"


def print_notes(source: str, issues: Iterable[DataIssue]) -> None:
    """Tell on stderr what the data contract found."""
    for issue in issues:
        print(f"note: {source}: {issue.message}", file=sys.stderr)


def _show(title: str, found: Check) -> None:
    print(f"{title}: {found.candles:,} candles")
    for issue in found.issues:
        places = f" (first {', '.join(issue.places)})" if issue.places else ""
        print(f"  {issue.kind}: {issue.message}{places}")
    if not found.issues:
        print("  nothing was found")
    print(f"  {'month':<8}{'candles':>10}{'gaps':>7}{'missing':>10}{'complete':>10}")
    for month in found.months:
        bar = _BAR * round(month.complete * _BAR_CELLS)
        print(
            f"  {month.month:<8}{month.candles:>10,}{month.gaps:>7,}{month.missing:>10,}{month.complete:>10.1%}  {bar}"
        )
    for gap in found.longest:
        print(f"  {gap.missing:,} missing from {format_time(gap.start)} to {format_time(gap.end)}")


def _find(home: Workspace, symbol: str, timeframe: str | None) -> Series:
    """Find the series that serves a timeframe; the finest for None."""
    from sptrader_stream.catalog.finding import find_series

    found = find_series(home.data, symbol, timeframe)
    if found is None:
        wanted = "" if timeframe is None else f" that make up {timeframe}"
        raise DataError(f"{home.data} has no candles of {symbol}{wanted}: see `sptrader data list`")
    return found


def _is(series: Series, timeframe: str | None) -> bool:
    return timeframe is None or parse_timeframe(series.manifest.timeframe) == parse_timeframe(timeframe)


def _instrument(symbol: str, home: Workspace) -> Instrument:
    from sptrader_stream.instruments import find_instrument, load_instruments

    declared = home.config_file("instruments.yaml")
    return find_instrument(load_instruments(declared), symbol, str(declared))


def _now() -> int:
    """The time of day, nanoseconds since 1970 UTC."""
    return parse_time(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
