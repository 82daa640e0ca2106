"""The commands ``data list`` and ``data check``: which candles there are, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sptrader_stream.cli import USER_MISTAKE
from sptrader_stream.cli.candles import named_instrument
from sptrader_stream.cli.options import JsonOption, SymbolOption, TimeframeOption, TimezoneOption, WorkspaceOption
from sptrader_stream.errors import DataError
from sptrader_stream.timeframes import TICK, format_time, parse_timeframe

if TYPE_CHECKING:
    from sptrader_stream.catalog.checking import Check
    from sptrader_stream.catalog.finding import Series

_BAR: Final = "█"
_BAR_CELLS: Final = 20


def add_commands(data: typer.Typer) -> None:
    """Register the commands of this module."""
    data.command("list")(list_catalog)
    data.command("check")(check)


def list_catalog(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """List the candles and ticks that the catalog has."""
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
    titles = ("symbol", "timeframe", "rows", "first", "last", "missing", "trust")
    rows = [
        (
            each.manifest.symbol,
            each.manifest.timeframe,
            f"{each.manifest.rows:,}",
            each.manifest.start or "",
            each.manifest.end or "",
            "" if each.manifest.has_ticks else f"{each.manifest.missing:,} in {each.manifest.gaps:,} gaps",
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
    """Look candles through, those of ticks too: findings of the data contract, gaps, files as they were written."""
    from sptrader_stream.catalog.checking import check_candles, damaged_files
    from sptrader_stream.catalog.finding import list_series
    from sptrader_stream.catalog.writing import verify_series
    from sptrader_stream.cli.candles import choose_instruments
    from sptrader_stream.opening import open_source
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    files = [each for each in what or () if Path(each).exists()]
    symbols = {named_instrument(each, home).symbol for each in what or () if each not in files}
    code = 0
    for file, instrument in choose_instruments(files, symbol, home):
        source = open_source(file, instrument, timeframe=timeframe, timezone=timezone)
        _show(f"{file}: {instrument.symbol} {source.info.timeframe}", check_candles(source, instrument))
    series = [] if what and not symbols else list_series(home.data)
    chosen = [each for each in series if (not symbols or each.manifest.symbol in symbols) and _is(each, timeframe)]
    absent = symbols - {each.manifest.symbol for each in chosen}
    if absent:
        wanted = "" if timeframe is None else f" in {timeframe}"
        raise DataError(f"{home.data} has no candles of {', '.join(sorted(absent))}{wanted}: see `sptrader data list`")
    for each in chosen:
        instrument = named_instrument(each.manifest.symbol, home)
        damaged = damaged_files(each)
        title = f"{each.manifest.symbol} {each.manifest.timeframe}"
        for path in damaged:
            print(f"{title}: {path} is gone, or not what was written: remove it and import its month again")
        if damaged:
            code = USER_MISTAKE
            continue
        source = open_source(str(each.folder), instrument)
        if each.manifest.has_ticks:
            title = f"{each.manifest.symbol}, {each.manifest.rows:,} ticks as {source.info.timeframe}"
        found = check_candles(source, instrument)
        _show(title, found)
        if verified and all(issue.kind == "gap" for issue in found.issues):
            verify_series(home.data, instrument, each.manifest)
            print("  trust: verified")
    return code


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


def _is(series: Series, timeframe: str | None) -> bool:
    own = series.manifest.timeframe
    if timeframe is None or timeframe == own:
        return True
    if TICK in (own, timeframe):
        return False
    return parse_timeframe(own) == parse_timeframe(timeframe)
