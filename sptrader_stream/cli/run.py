"""The commands that run a strategy: ``run`` over the user's candles, ``demo`` over synthetic ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sptrader_stream.cli import CANCELLED, DONE, STARTED
from sptrader_stream.cli.database import ready_database, stored_line
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
from sptrader_stream.cli.request import DEFAULT_BATCH, DEFAULT_CAPITAL, RunRequest
from sptrader_stream.cli.spec import make_spec
from sptrader_stream.errors import StorageError, UserError
from sptrader_stream.workspace import Workspace, open_workspace, starter_folder

if TYPE_CHECKING:
    from actors.spec import RunOutcome, RunSpec
    from sptrader_stream.events import Provenance

SYNTHETIC_CANDLES = "synthetic candles, made up: for trying things out, not for judging a strategy"
_DEMO = RunRequest(
    strategy="ma_crossover_strategy",
    data=("synthetic",),
    symbol="EURUSD",
    timeframe="1m",
    start="2025-01-01",
    end="2025-06-30",
    capital="100000",
    overrides=("position_size=0.1", "stop_loss=0.004", "take_profit=0.012"),
)
_DEMO_COMMAND = (
    f"sptrader run {_DEMO.strategy} --data {_DEMO.data[0]} --symbol {_DEMO.symbol} --timeframe {_DEMO.timeframe} "
    f"--from {_DEMO.start} --to {_DEMO.end} --capital {_DEMO.capital} -p {' -p '.join(_DEMO.overrides)}"
)
_NEXT = """
Next:
  sptrader strategies list
  sptrader strategies show rsi_pullback
  sptrader why last --near 3
  sptrader report last
  sptrader run rsi_pullback --data synthetic --symbol GBPUSD --timeframe 5m --from 2024-01-01 --to 2024-12-31 --bounds
  sptrader run ma_crossover_strategy --data YOUR-CANDLES.csv --symbol EURUSD -p stop_loss=0.01"""


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command("run")(run)
    app.command("demo")(demo)


def run(
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
    batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Candles per batch: changes speed, never results.")
    ] = DEFAULT_BATCH,
    bounds: Annotated[
        bool, typer.Option("--bounds", help="Run stop first and target first: the P&L as an interval.")
    ] = False,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Result folder; default: backtests/<run id>.")] = None,
    store: Annotated[
        Literal["database"] | None, typer.Option("--store", help="Store the result in DATABASE_URL, too.")
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
    server: ServerOption = None,
) -> int:
    """Run a strategy over candles."""
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
        batch_size=batch,
        out=out,
        bounds=bounds,
    )
    if server is not None:
        from sptrader_stream.cli.remote import run_there

        return run_there(server, request, as_document=as_json)
    home = open_workspace(workspace)
    url = None if store is None else ready_database()
    return _run(request, home, home.backtests, as_json=as_json, is_demo=False, store=url)


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


def _run(
    request: RunRequest,
    workspace: Workspace,
    results: Path,
    *,
    as_json: bool,
    is_demo: bool,
    store: str | None = None,
) -> int:
    from actors.describe import span
    from actors.run import run_blocking
    from sptrader_stream.console import progress_bar

    spec = make_spec(request, workspace, results)
    try:
        with progress_bar(span(spec), always=is_demo) as on_progress:
            outcome = run_blocking(spec, on_progress, started=STARTED)
    except Exception as error:
        error.add_note(f"in run {spec.run_id}, whose folder is {spec.folder}")
        raise
    if as_json:
        from sptrader_stream.store.results import write_document

        write_document(outcome.folder, sys.stdout.buffer)
    else:
        _show(spec, outcome)
    if store is not None:
        _store(store, outcome.folder)
    return conclude(spec, outcome)


def conclude(spec: RunSpec, outcome: RunOutcome) -> int:
    """Raise what ended a run, with the run's name; else answer the exit code."""
    if outcome.error is not None:
        outcome.error.add_note(f"in run {spec.run_id}, whose folder is {spec.folder}")
        raise outcome.error
    return CANCELLED if outcome.status == "cancelled" else DONE


def _store(url: str, folder: Path) -> None:
    from sptrader_stream.database.results import store_run

    try:
        stored = store_run(url, folder)
    except UserError as error:
        raise StorageError(
            f"{error}. The run itself is in {folder}: `sptrader db store {folder}` tries again"
        ) from error
    print(stored_line(stored), file=sys.stderr)


def _show(spec: RunSpec, outcome: RunOutcome) -> None:
    from sptrader_stream.chart import envelope
    from sptrader_stream.console import make_console
    from sptrader_stream.store.equity import read_equity
    from sptrader_stream.terminal import Report, chart_columns, show_report

    timing = outcome.timing
    facts = [
        ("Speed", f"{timing.candles_per_second:,.0f} candles a second ({timing.run_s:.3f} s)"),
        ("Candles", "; ".join(map(_provenance, outcome.provenance))),
        ("Fingerprint", outcome.fingerprint),
        ("Results", str(outcome.folder)),
    ]
    report = Report(
        strategy=f"{spec.strategy.name} {spec.strategy.version}".rstrip(),
        market=_market(spec),
        source=_source(spec),
        status=outcome.status,
        period=outcome.period,
        start_capital=spec.capital,
        signals=outcome.signals_generated,
        metrics=outcome.metrics,
        trades=outcome.last_trades,
        first_ambiguous=outcome.first_ambiguous,
        last_halts=outcome.last_halts,
        bounds=outcome.bounds,
        instruments=[market.instrument for market in spec.markets],
        market_totals=outcome.market_totals,
        equity=envelope(read_equity(outcome.folder), outcome.period, chart_columns()) if outcome.period else None,
        issues=outcome.issues,
        facts=facts,
    )
    show_report(report, make_console())


def _provenance(found: Provenance) -> str:
    """Say of an instrument's candles how many, how far to be believed, and by what they are known again."""
    return f"{found.candles:,} of {found.symbol}, {found.trust}, checksum {found.checksum}"


def _market(spec: RunSpec) -> str:
    """Name what was traded, on which candles: ``EURUSD 1h``, or ``EURUSD, GBPUSD, 1h signals on 1m candles``."""
    from sptrader_stream.rules.settings import strategy_timeframe
    from sptrader_stream.timeframes import format_timeframe, parse_timeframe

    symbols = ", ".join(market.instrument.symbol for market in spec.markets)
    timeframe = spec.markets[0].source.info.timeframe
    length = parse_timeframe(timeframe)
    signals = strategy_timeframe(spec.strategy, length)
    if signals == length:
        return f"{symbols} {timeframe}"
    return f"{symbols}, {format_timeframe(signals)} signals on {timeframe} candles"


def _source(spec: RunSpec) -> str:
    infos = [market.source.info for market in spec.markets]
    files = ", ".join(dict.fromkeys(info.name for info in infos if not info.synthetic))
    made_up = ", ".join(info.symbol for info in infos if info.synthetic)
    if not files:
        return SYNTHETIC_CANDLES
    return f"candles from {files}" + (f"; {SYNTHETIC_CANDLES} ({made_up})" if made_up else "")
