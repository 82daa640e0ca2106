"""The command ``check``: proves over candles that a strategy does not look ahead, or names what does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from sptrader_stream.cli import DONE, USER_MISTAKE
from sptrader_stream.cli.options import (
    CapitalOption,
    DataOption,
    EndOption,
    JsonOption,
    ParameterOption,
    StartOption,
    StrategyArgument,
    SymbolOption,
    TimeframeOption,
    TimezoneOption,
    WorkspaceOption,
)
from sptrader_stream.cli.request import DEFAULT_CAPITAL, RunRequest
from sptrader_stream.cli.spec import make_spec
from sptrader_stream.errors import UserError
from sptrader_stream.workspace import open_workspace

if TYPE_CHECKING:
    from actors.spec import RunSpec
    from sptrader_stream.research.check import CheckReport
    from sptrader_stream.research.check_history import History
    from sptrader_stream.research.check_warmup import LaterStart, OperandWarmUp

_TITLES: Final = {
    "not_deterministic": "NOT DETERMINISTIC",
    "looks_ahead": "LOOKS AHEAD",
    "depends_on_batches": "DEPENDS ON BATCHES",
    "failed": "FAILED",
}


def add_commands(app: typer.Typer) -> None:
    """Register the command."""
    app.command("check")(check)


def check(
    strategy: StrategyArgument,
    data: DataOption = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    timezone: TimezoneOption = None,
    start: StartOption = None,
    end: EndOption = None,
    capital: CapitalOption = DEFAULT_CAPITAL,
    parameter: ParameterOption = None,
    cuts: Annotated[
        int | None, typer.Option(min=1, max=10_000, metavar="N", help="At how many places to cut; default: 24.")
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Prove that a strategy does not look ahead, or name what does."""
    from actors.describe import data_timeframe
    from sptrader_stream.research.check import DEFAULT_CUTS
    from sptrader_stream.research.check import check as check_strategy
    from sptrader_stream.research.check_passes import make_setup

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
    )
    home = open_workspace(workspace)
    spec = make_spec(request, home, home.backtests)
    instruments = [market.instrument for market in spec.markets]
    setup = make_setup(spec.strategy, instruments, data_timeframe(spec), spec.capital)
    history, more_follow = _candles(spec)
    with _progress() as on_run:
        report = check_strategy(setup, history, DEFAULT_CUTS if cuts is None else cuts, on_run)
    if as_json:
        sys.stdout.buffer.write(_document(report, more_follow) + b"\n")
        sys.stdout.buffer.flush()
    else:
        _show(report, more_follow)
    return DONE if report.is_clean else USER_MISTAKE


def _candles(spec: RunSpec) -> tuple[History, bool]:
    from sptrader_stream.research.check import MOST_CANDLES, MOST_CANDLES_IN_PYTHON
    from sptrader_stream.research.check_history import collect
    from sptrader_stream.rules.plan import has_own_signals

    sources = [market.candles(spec.data_policy) for market in spec.markets]
    most = MOST_CANDLES_IN_PYTHON if has_own_signals(spec.strategy) else MOST_CANDLES
    history, more_follow = collect(sources, most)
    if history is None:
        raise UserError("there is no candle in that range: nothing can be checked")
    return history, more_follow


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Tell somebody at a terminal how far the check has come."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return

    def show(done: int, total: int) -> None:
        print(f"\rchecking: {done} of {total} runs", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _document(report: CheckReport, more_follow: bool) -> bytes:
    fields: dict[str, Any] = msgspec.to_builtins(report)
    return msgspec.json.encode({"clean": report.is_clean, "more_candles_follow": more_follow} | fields)


def _show(report: CheckReport, more_follow: bool) -> None:
    timeframe = report.timeframe
    if report.strategy_timeframe != timeframe:
        timeframe = f"{report.strategy_timeframe} signals on {timeframe} candles"
    part = "; more follow, give --from and --to to check others" if more_follow else ""
    print(f"{report.strategy} on {', '.join(report.symbols)}, {timeframe}")
    print(f"{report.candles:,} candles from {report.start_time} to {report.end_time}{part}")
    if report.complete:
        sizes = ", ".join(map(str, report.batch_sizes))
        print(f"{report.decisions:,} decisions, {report.fills:,} fills")
        print(f"cut at {report.cuts} places, each also with another future behind it; batches of {sizes}; run twice")
    for found in report.findings:
        print(f"\n{_TITLES[found.kind]}: {found.message}")
    if report.warm_up is not None:
        _show_warm_up(report.warm_up.operands, report.warm_up.starts)
    print()
    if report.is_clean:
        print("Clean: nothing depends on later candles, on batches, or on chance.")
    elif report.complete:
        print(f"Not clean: {len(report.findings)} found.")
    else:
        print("Not clean: the run itself was refused. Mend this, then check again for the rest.")


def _show_warm_up(operands: tuple[OperandWarmUp, ...], starts: tuple[LaterStart, ...]) -> None:
    print("\nWarm-up (a later first candle, for comparison):")
    for each in operands:
        print(f"  {each.operand} on {each.timeframe}: {_settling(each)}")
    if not operands:
        print("  no value depends on where the candles begin")
    for start in starts:
        print(f"  {_later_start(start)}")


def _later_start(start: LaterStart) -> str:
    head = f"starting at {start.start_time}:"
    if not start.decisions_differ and not start.trades_differ:
        return f"{head} all decisions ({start.decisions}) and trades ({start.trades}) are the same"
    found = []
    if start.decisions_differ:
        after = "up to the end" if start.same_after is None else f"in the first {start.same_after} candles"
        found.append(f"decisions in only one of the two runs: {start.decisions_differ}, {after}")
    if start.trades_differ:
        found.append(f"trades in only one of the two runs: {start.trades_differ}")
    return f"warning: {head} {'; '.join(found)} (whole run: {start.decisions} decisions, {start.trades} trades)"


def _settling(each: OperandWarmUp) -> str:
    exact = "never exactly the same" if each.exact is None else f"the same after {each.exact} candles"
    if each.exact == each.close:
        return exact
    return f"{exact}, to 1e-9 " + ("never" if each.close is None else f"after {each.close}")
