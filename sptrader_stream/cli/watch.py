"""Commands that follow and steer runs: ``watch`` and ``cancel`` on a server, ``replay`` a new one; ``runs`` lists."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from sptrader_stream.cli import STARTED
from sptrader_stream.cli.options import (
    CapitalOption,
    DataOption,
    EndOption,
    JsonOption,
    ModeOption,
    ParameterOption,
    ServerOption,
    StartOption,
    StrategyArgument,
    SymbolOption,
    TimeframeOption,
    TimezoneOption,
    WorkspaceOption,
)
from sptrader_stream.cli.remote import DEFAULT_SERVER, ask, exit_code, run_there
from sptrader_stream.cli.request import DEFAULT_CAPITAL, RunRequest
from sptrader_stream.cli.run import conclude
from sptrader_stream.cli.spec import make_spec
from sptrader_stream.errors import UserError
from sptrader_stream.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sptrader_stream.client import Client
    from sptrader_stream.pace import Pace
    from sptrader_stream.server.documents import RunStatus
    from sptrader_stream.workspace import Workspace

# These are about a server in any case.
_ServerOption = Annotated[str, typer.Option("--server", metavar="URL", help="The server that has the run.")]
RunOption = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or last.")]
PaceOption = Annotated[
    str, typer.Option("--pace", metavar="PACE", help="max, candles a second, or realtime xN; changes no result.")
]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command("watch")(watch)
    app.command("replay")(replay)
    app.command("runs")(runs)
    app.command("cancel")(cancel)


def watch(run: RunOption, server: _ServerOption = DEFAULT_SERVER, as_json: JsonOption = False) -> int:
    """Follow a run of a server, with keys to pause, step and speed it up."""
    from sptrader_stream.watching.remote import RemoteRun
    from sptrader_stream.watching.session import watch as watch_run

    async def work(client: Client) -> int:
        found = await client.find(run)
        return exit_code(await watch_run(RemoteRun(client, found), as_json=as_json))

    return ask(server, work)


def replay(
    strategy: StrategyArgument,
    data: DataOption = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    timezone: TimezoneOption = None,
    start: StartOption = None,
    end: EndOption = None,
    capital: CapitalOption = DEFAULT_CAPITAL,
    parameter: ParameterOption = None,
    mode: ModeOption = "research",
    pace: PaceOption = "100",
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
    server: ServerOption = None,
) -> int:
    """Run a strategy at a pace that can be followed, with keys to pause, step and speed it up."""
    from sptrader_stream.pace import parse_pace

    request = RunRequest(
        strategy=strategy,
        data=data or (),
        symbol=symbol,
        timeframe=timeframe,
        timezone=timezone,
        start=start,
        end=end,
        capital=capital,
        overrides=parameter or (),
        mode=mode,
    )
    try:
        wanted = parse_pace(pace)
    except UserError as error:
        raise UserError(f"--pace: {error}") from None
    if server is not None:
        return run_there(server, request, pace=pace, as_lines=as_json)
    return _replay_here(request, wanted, open_workspace(workspace), as_json=as_json)


def runs(
    status: Annotated[str | None, typer.Option(metavar="STATUS", help="Only those in this state.")] = None,
    strategy: Annotated[str | None, typer.Option(metavar="NAME", help="Only those of this strategy.")] = None,
    symbol: Annotated[str | None, typer.Option(metavar="SYMBOL", help="Only those that trade it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, metavar="N", help="How many, at most.")] = 20,
    server: _ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """List the runs of a server, the newest first."""
    found = ask(server, lambda client: client.runs(status=status, strategy=strategy, symbol=symbol, limit=limit))
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    elif not found.runs:
        print("no runs")
    else:
        _show(found.runs)
        if found.total > len(found.runs):
            print(f"{found.total - len(found.runs):,} more: --limit shows up to 500")


def cancel(run: RunOption, server: _ServerOption = DEFAULT_SERVER) -> None:
    """End a run of a server; what it did is kept."""
    from sptrader_stream.server.messages import Cancel

    async def work(client: Client) -> RunStatus:
        return await client.steer(Cancel(run=await client.find(run)))

    found = ask(server, work)
    print(f"{found.backtest_id} {found.status} after {found.candles:,} candles, {found.trades_count:,} trades")


def _replay_here(request: RunRequest, pace: Pace, workspace: Workspace, *, as_json: bool) -> int:
    from datetime import UTC, datetime

    from actors.run import execute_blocking
    from sptrader_stream.watching.local import LocalRun
    from sptrader_stream.watching.session import watch as watch_run

    spec = make_spec(request, workspace, workspace.backtests)
    followed = LocalRun(spec, pace, now=lambda: datetime.now(UTC), started=STARTED)

    async def follow() -> None:
        await watch_run(followed, as_json=as_json)

    outcome = execute_blocking(followed, follow)
    if not as_json:
        print(f"results: {outcome.folder}")
    return conclude(spec, outcome)


def _show(found: Sequence[RunStatus]) -> None:
    from sptrader_stream.watching.drawing import cents

    titles = ("run", "status", "done", "trades", "equity", "candles of")
    rows = [
        (
            each.backtest_id,
            each.status,
            f"{each.progress_pct:.0f} %",
            f"{each.trades_count:,}",
            cents(each.current_capital),
            f"{', '.join(each.symbols)} {each.timeframe}",
        )
        for each in found
    ]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for run, state, *numbers, candles in (titles, *rows):
        figures = (f"{text:>{width}}" for text, width in zip(numbers, widths[2:], strict=False))
        print(f"{run:<{widths[0]}}  {state:<{widths[1]}}  {'  '.join(figures)}  {candles}")
