"""The commands ``data`` that keep the catalog: bring candles in, see what there is, look it through, take it out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sptrader_stream.cli.candles import named_instrument
from sptrader_stream.cli.options import (
    EndOption,
    StartOption,
    SymbolOption,
    TimeframeOption,
    TimezoneOption,
    WorkspaceOption,
)
from sptrader_stream.errors import DataError
from sptrader_stream.timeframes import TICK, format_time, parse_end, parse_time

if TYPE_CHECKING:
    from sptrader_stream.catalog.finding import Series
    from sptrader_stream.events import DataIssue
    from sptrader_stream.instruments import Instrument
    from sptrader_stream.sources.ticks import TickFile
    from sptrader_stream.workspace import Workspace
    from sptrader_stream.written import WrittenCandles

_SymbolArgument = Annotated[str, typer.Argument(metavar="SYMBOL", help="Such as EURUSD.")]
_SeriesOption = Annotated[
    str | None, typer.Option("--timeframe", metavar="TIMEFRAME", help="Such as 1m; default: the finest there is.")
]
_ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Put candles in place of different ones that are there.")
]


def add_commands(data: typer.Typer) -> None:
    """Register the commands of this module."""
    data.command("import")(import_files)
    data.command("fetch")(fetch)
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
    """Bring candles or ticks from files into the catalog; each file comes as a whole or not at all."""
    from sptrader_stream.catalog.importing import Keeping, import_candles
    from sptrader_stream.catalog.importing_ticks import import_ticks
    from sptrader_stream.cli.candles import choose_instruments, research_policy
    from sptrader_stream.opening import open_source
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    keeping = Keeping(home.data, research_policy(home), _now(), replace=replace)
    for file, instrument in choose_instruments(files, symbol, home):
        ticks = _wanted_ticks(file, instrument, timeframe, timezone)
        if ticks is not None:
            done = import_ticks(keeping, ticks, instrument, Path(file))
        else:
            source = open_source(file, instrument, timeframe=timeframe, timezone=timezone)
            done = import_candles(keeping, source, instrument, Path(file))
        print_notes(file, done.issues)
        print(written_line(file, instrument, done.timeframe, done.written), flush=True)


def _wanted_ticks(file: str, instrument: Instrument, timeframe: str | None, timezone: str | None) -> TickFile | None:
    """Open a file whose ticks are to be kept as they are; None where candles are."""
    from sptrader_stream.opening import open_ticks
    from sptrader_stream.sources.names import guess_timeframe

    if timeframe is None and guess_timeframe(Path(file).name.removesuffix(".gz")) is not None:
        return None
    if timeframe not in (None, TICK):
        return None
    ticks = open_ticks(file, instrument, timezone)
    if ticks is None and timeframe == TICK:
        raise DataError(f"{file}: holds no ticks: no columns `bid` and `ask` without an `open`")
    return ticks


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
    from sptrader_stream.cli.candles import research_policy
    from sptrader_stream.sources.http.settings import http_settings
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    instrument = named_instrument(symbol, home)
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


def resample(
    symbol: _SymbolArgument,
    timeframe: Annotated[str, typer.Argument(metavar="TIMEFRAME", help="To build, such as 1h.")],
    replace: _ReplaceOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Build a series from the finest that makes it up, or from ticks, and keep it; runs do so by themselves."""
    from sptrader_stream.catalog.importing import Keeping, resample_series
    from sptrader_stream.cli.candles import research_policy
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    instrument = named_instrument(symbol, home)
    series = _find(home, instrument.symbol, timeframe, finer=True)
    keeping = Keeping(home.data, research_policy(home), _now(), replace=replace)
    done = resample_series(keeping, series, instrument, timeframe)
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
    """Write candles, or ticks, of the catalog to a file, prices as exact decimals."""
    from sptrader_stream.catalog.exporting import export_candles, export_rows
    from sptrader_stream.catalog.ticks import CatalogTicks
    from sptrader_stream.cli.candles import research_policy
    from sptrader_stream.opening import open_source
    from sptrader_stream.sources.market import MarketSpec
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    instrument = named_instrument(symbol, home)
    series = _find(home, instrument.symbol, timeframe)
    first, last = None if start is None else parse_time(start), None if end is None else parse_end(end)
    if timeframe == TICK:
        ticks = CatalogTicks(series.folder, instrument, first, last)
        count = export_rows(ticks.rows(), ticks.precision, out, f"ticks of {instrument.symbol}")
        print(f"{out}: {count:,} ticks of {instrument.symbol}")
        return
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
    what = f"{written.read:,} ticks" if timeframe == TICK else f"{timeframe}, {written.read:,} candles"
    return f"{source}: {instrument.symbol} {what} from {span}: {', '.join(parts)}"


def print_notes(source: str, issues: Iterable[DataIssue]) -> None:
    """Tell on stderr what the data contract found."""
    for issue in issues:
        print(f"note: {source}: {issue.message}", file=sys.stderr)


def _find(home: Workspace, symbol: str, timeframe: str | None, *, finer: bool = False) -> Series:
    """Find the series that serves a timeframe, see ``finding.find_series``."""
    from sptrader_stream.catalog.finding import find_series

    found = find_series(home.data, symbol, timeframe, finer=finer)
    if found is None:
        wanted = "" if timeframe is None else f" that make up {timeframe}"
        if finer:
            wanted = f" that are finer than {timeframe} and make it up"
        what = f"no ticks of {symbol}" if timeframe == TICK else f"no candles of {symbol}{wanted}"
        raise DataError(f"{home.data} has {what}: see `sptrader data list`")
    return found


def _now() -> int:
    """The time of day, nanoseconds since 1970 UTC."""
    return parse_time(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
