"""The commands that run a strategy: ``run`` over the user's candles, ``demo`` over synthetic ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sptrader_stream.cli import CANCELLED, DONE, STARTED
from sptrader_stream.cli.catalogue import WorkspaceOption
from sptrader_stream.cli.request import DEFAULT_BATCH, DEFAULT_CAPITAL, RunRequest, make_spec
from sptrader_stream.workspace import Workspace, open_workspace, starter_folder

if TYPE_CHECKING:
    from actors.spec import RunOutcome, RunSpec

SYNTHETIC_CANDLES = "synthetic candles, made up: for trying things out, not for judging a strategy"
_DEMO = RunRequest(
    strategy="ma_crossover_strategy",
    data="synthetic",
    symbol="EURUSD",
    timeframe="1m",
    start="2025-01-01",
    end="2025-03-31",
    capital="100000",
    overrides=("position_size=0.1",),
)
_DEMO_COMMAND = (
    f"sptrader run {_DEMO.strategy} --data {_DEMO.data} --symbol {_DEMO.symbol} --timeframe {_DEMO.timeframe} "
    f"--from {_DEMO.start} --to {_DEMO.end} --capital {_DEMO.capital} -p {_DEMO.overrides[0]}"
)
_NEXT = """
Next:
  sptrader strategies list
  sptrader strategies show rsi_pullback
  sptrader run rsi_pullback --data synthetic --symbol GBPUSD --timeframe 1h --from 2024-01-01 --to 2024-12-31
  sptrader run ma_crossover_strategy --data YOUR-CANDLES.csv --symbol EURUSD -p stop_loss=0.01"""


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command("run")(run)
    app.command("demo")(demo)


def run(
    strategy: Annotated[str, typer.Argument(metavar="STRATEGY", help="A name, or a path to a YAML file.")],
    data: Annotated[str, typer.Option(metavar="FILE|synthetic", help="Candles: Parquet, CSV, or synthetic ones.")],
    symbol: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="Default: as told by the file name or the strategy.")
    ] = None,
    timeframe: Annotated[
        str | None, typer.Option(metavar="TIMEFRAME", help="Such as 1m or 4h; default: likewise.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="A date, RFC 3339 or Unix time.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Inclusive; a date is its whole day.")] = None,
    capital: Annotated[str, typer.Option(metavar="AMOUNT", help="Start capital.")] = DEFAULT_CAPITAL,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Override a parameter.")
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Candles per batch: changes speed, never results.")
    ] = DEFAULT_BATCH,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Result folder; default: backtests/<run id>.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Run a strategy over candles."""
    request = RunRequest(
        strategy=strategy,
        data=data,
        symbol=symbol,
        timeframe=timeframe,
        start=start,
        end=end,
        capital=capital,
        overrides=parameter or (),
        batch_size=batch,
        out=out,
    )
    home = open_workspace(workspace)
    return _run(request, home, home.backtests, as_json=as_json, is_demo=False)


def demo(workspace: WorkspaceOption = None) -> int:
    """Run a backtest on synthetic candles."""
    here = open_workspace(workspace)
    # Outside of a workspace the demo still has its strategy; only the result is left here.
    strategies = here if here.strategies.is_dir() else Workspace(starter_folder())
    print(f"$ {_DEMO_COMMAND}", flush=True)
    code = _run(_DEMO, strategies, here.backtests, as_json=False, is_demo=True)
    if code == DONE:
        print(_NEXT)
    return code


def _run(request: RunRequest, workspace: Workspace, results: Path, *, as_json: bool, is_demo: bool) -> int:
    from actors.run import run_blocking
    from sptrader_stream.terminal import progress_bar

    spec = make_spec(request, workspace, results)
    info = spec.source.info
    if not is_demo and spec.strategy.timeframe not in (None, info.timeframe):
        meant, found = spec.strategy.timeframe, info.timeframe
        print(f"note: {spec.strategy.name} is written for {meant} candles, these are {found}", file=sys.stderr)
    span = None if info.start is None or info.end is None else (info.start, info.end)
    try:
        with progress_bar(span, always=is_demo) as on_progress:
            outcome = run_blocking(spec, on_progress, started=STARTED)
    except Exception as error:
        error.add_note(f"in run {spec.run_id}, whose folder is {spec.folder}")
        raise
    if as_json:
        from sptrader_stream.store.results import write_document

        write_document(outcome.folder, sys.stdout.buffer)
    else:
        _show(spec, outcome)
    if outcome.error is not None:
        outcome.error.add_note(f"in run {spec.run_id}, whose folder is {spec.folder}")
        raise outcome.error
    return CANCELLED if outcome.status == "cancelled" else DONE


def _show(spec: RunSpec, outcome: RunOutcome) -> None:
    from sptrader_stream.chart import envelope
    from sptrader_stream.store.equity import read_equity
    from sptrader_stream.terminal import Report, chart_columns, make_console, show_report

    info = spec.source.info
    timing = outcome.timing
    facts = [
        ("Speed", f"{timing.candles_per_second:,.0f} candles a second ({timing.run_s:.3f} s)"),
        ("Fingerprint", outcome.fingerprint),
        ("Results", str(outcome.folder)),
    ]
    report = Report(
        strategy=f"{spec.strategy.name} {spec.strategy.version}".rstrip(),
        market=f"{info.symbol} {info.timeframe}",
        source=SYNTHETIC_CANDLES if info.synthetic else f"candles from {info.name}",
        status=outcome.status,
        period=outcome.period,
        start_capital=spec.capital,
        signals=outcome.signals_generated,
        metrics=outcome.metrics,
        trades=outcome.last_trades,
        price_precision=spec.instrument.price_precision,
        quantity_precision=spec.instrument.quantity_precision,
        equity=envelope(read_equity(outcome.folder), outcome.period, chart_columns()) if outcome.period else None,
        issues=outcome.issues,
        facts=facts,
    )
    show_report(report, make_console())
