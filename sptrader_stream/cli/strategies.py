"""Commands that show what there is: strategies and their findings, indicators, signals; and that make a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sptrader_stream import __version__
from sptrader_stream.cli.options import ServerOption, WorkspaceOption
from sptrader_stream.errors import Finding, StrategyError, UserError, did_you_mean
from sptrader_stream.money import PERCENT_DIGITS, format_scaled

if TYPE_CHECKING:
    from sptrader_stream.client import Client
    from sptrader_stream.indicators import IndicatorInfo
    from sptrader_stream.rules.plan import EntryRule, ExitRule, StrategyPlan
    from sptrader_stream.server.documents import FieldProblem
    from sptrader_stream.server.rest.documents import Validation
    from sptrader_stream.signals.registry import SignalInfo


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.callback()(about)
    strategies = typer.Typer(help="List, show and validate strategies.", rich_markup_mode=None)
    strategies.command("list")(list_strategies)
    strategies.command("show")(show_strategy)
    strategies.command("validate")(validate_strategies)
    app.add_typer(strategies, name="strategies")
    app.command("indicators")(show_indicators)
    app.command("init")(init)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"sptrader-stream {__version__}")
        raise typer.Exit


def about(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Run trading strategies over candles."""


def list_strategies(workspace: WorkspaceOption = None, server: ServerOption = None) -> None:
    """List the workspace's strategies, or those of a server."""
    if server is not None:
        from sptrader_stream.cli.remote import ask, describe_strategy

        found = ask(server, lambda client: client.strategies())
        _print_pairs([(each.name, describe_strategy(each)) for each in found.strategies])
        return
    from sptrader_stream.rules.loader import load_strategy
    from sptrader_stream.workspace import open_workspace

    rows = []
    for name, file in open_workspace(workspace).strategy_files().items():
        try:
            rows.append((name, load_strategy(file).description))
        except UserError:
            rows.append((name, f"not valid: see `sptrader strategies validate {file}`"))
    _print_pairs(rows)


def show_strategy(
    strategy: Annotated[str, typer.Argument(metavar="STRATEGY", help="A name, or a path to a file.")],
    workspace: WorkspaceOption = None,
    server: ServerOption = None,
) -> None:
    """Show a strategy: what it reads, its parameters and its file."""
    if server is not None:
        _show_of_server(server, strategy)
        return
    from sptrader_stream.rules.loader import load_strategy
    from sptrader_stream.workspace import open_workspace

    file = open_workspace(workspace).find_strategy(strategy)
    _print_pairs(_facts(load_strategy(file)))
    print(f"\n{file.read_text(encoding='utf-8').rstrip()}")


def validate_strategies(
    strategies: Annotated[list[str], typer.Argument(metavar="STRATEGY...", help="Names, or paths to files.")],
    workspace: WorkspaceOption = None,
    server: ServerOption = None,
) -> None:
    """Check strategies and print every finding."""
    if server is not None:
        _validate_on_server(server, strategies)
        return
    from sptrader_stream.rules.loader import load_strategy
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    findings: list[str] = []
    for strategy in strategies:
        try:
            file = home.find_strategy(strategy)
            plan = load_strategy(file)
        except StrategyError as error:
            findings += map(str, error.findings)
        except UserError as error:
            findings.append(str(error))
        else:
            print(f"{file}: {plan.name} is valid")
            if plan.unused_parameters:
                print(f"{file}: note: nothing refers to the parameters {', '.join(plan.unused_parameters)}")
    _refuse(findings)


def _refuse(findings: Sequence[str]) -> None:
    if findings:
        raise UserError("\n".join([f"{len(findings)} finding{'s' if len(findings) > 1 else ''}", *findings]))


def _show_of_server(server: str, strategy: str) -> None:
    from sptrader_stream.cli.remote import ask

    found = ask(server, lambda client: client.strategy(strategy))
    _print_pairs(
        [
            ("strategy", found.name),
            ("file", found.file),
            *((f"-p {name}", value) for name, value in found.parameters.items()),
            *(("finding", _finding(found.file, each)) for each in found.findings),
        ]
    )
    print(f"\n{found.text.rstrip()}")


def _validate_on_server(server: str, strategies: Sequence[str]) -> None:
    """Have strategies checked by a server: a file of ours by its text, anything else by its name there."""
    from sptrader_stream.cli.remote import ask
    from sptrader_stream.server.rest.documents import StrategyCheck

    checks = []
    for strategy in strategies:
        file = Path(strategy)
        text = file.read_text(encoding="utf-8") if file.is_file() else None
        checks.append(StrategyCheck(text=text, name=strategy if text is None else None))

    async def work(client: Client) -> list[Validation]:
        return [await client.validate(check) for check in checks]

    findings: list[str] = []
    for strategy, found in zip(strategies, ask(server, work), strict=True):
        findings += [_finding(strategy, each) for each in found.findings]
        if found.valid:
            print(f"{strategy}: {found.name} is valid")
    _refuse(findings)


def _finding(file: str, problem: FieldProblem) -> str:
    return str(Finding(file=file, line=problem.line or 0, path=problem.path, message=problem.message))


def show_indicators(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show all about one of them.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """List indicators and signals, the workspace's own among them, or explain one."""
    from sptrader_stream.indicators import INDICATORS
    from sptrader_stream.signals.loader import find_signal, user_signals
    from sptrader_stream.signals.registry import SIGNALS
    from sptrader_stream.workspace import open_workspace

    folder = open_workspace(workspace).strategies / "signals"
    signals = [*SIGNALS, *(each for each in user_signals(folder) if each not in SIGNALS)]
    if name is None:
        print("Indicators, for expressions such as `rsi(14) < 30`:")
        _print_pairs([(each.signature, each.summary) for each in INDICATORS.values()])
        print("\nSignals, for conditions such as `signal: ma_crossover`:")
        _print_pairs([(each, _summary(each, folder)) for each in signals])
    elif name in signals:
        _explain_signal(find_signal(name, folder))
    elif name in INDICATORS:
        _explain_indicator(INDICATORS[name])
    else:
        hint = did_you_mean(name, [*INDICATORS, *signals])
        raise UserError(f"there is no indicator or signal {name!r}{hint}: `sptrader indicators` lists them all")


def _summary(signal: str, folder: Path) -> str:
    """Sum a signal up; one that has a mistake does not hide the others."""
    from sptrader_stream.signals.loader import find_signal

    try:
        info = find_signal(signal, folder)
    except UserError as error:
        return f"not valid: {error}"
    parameters = ", ".join(
        each.name if each.default is None else f"{each.name}={each.default}" for each in info.parameters
    )
    outputs = ", ".join(each.name for each in info.outputs)
    return f"{info.summary.rstrip('.')}. Settings: {parameters or 'none'}. Outputs: {outputs}."


def _explain_signal(signal: SignalInfo) -> None:
    print(f"{signal.name}: {signal.summary}\n\nSettings, under signal_config:")
    _print_pairs(
        [
            (f"{each.name}: {'required' if each.default is None else each.default}", each.description)
            for each in signal.parameters
        ]
        or [("none", "")]
    )
    print("\nOutputs:")
    _print_pairs([(each.name, each.description or ", ".join(each.choices)) for each in signal.outputs])


def _explain_indicator(indicator: IndicatorInfo) -> None:
    print(f"{indicator.signature}: {indicator.summary}\n")
    _print_pairs(
        [
            *((each.name, each.description) for each in indicator.parameters),
            ("inputs", ", ".join(indicator.inputs)),
            ("outputs", ", ".join(indicator.outputs)),
            ("formula", indicator.formula),
            ("reference", indicator.reference),
        ]
    )


def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or existing folder.")]) -> None:
    """Make a workspace with starter strategies."""
    import shlex

    from sptrader_stream.workspace import create_workspace

    files = create_workspace(folder)
    print(f"{len(files)} files are in {folder}. Next:\n  cd {shlex.quote(str(folder))}")
    print("  sptrader strategies list\n  sptrader run ma_crossover_strategy --data synthetic")


def _facts(plan: StrategyPlan) -> list[tuple[str, str]]:
    return [
        ("strategy", f"{plan.name} {plan.version}"),
        ("description", plan.description),
        ("file", plan.file),
        *([("also reads candles of", ", ".join(plan.higher_timeframes))] if plan.higher_timeframes else []),
        *((f"-p {name}", value) for name, value in plan.parameters.items()),
        *((f"entry rule {each.name}", _entry_fact(each)) for each in plan.entries),
        *((f"exit rule {each.name}", _exit_fact(each)) for each in plan.exits),
    ]


def _entry_fact(rule: EntryRule) -> str:
    order = f"{'buy' if rule.side == 1 else 'sell'} {rule.sizing} {rule.size}"
    return order if rule.max_positions == 1 else f"{order}, up to {rule.max_positions} positions"


def _exit_fact(rule: ExitRule) -> str:
    if rule.close is None:
        return "close all"
    return f"close {format_scaled(rule.close, PERCENT_DIGITS - 2).rstrip('0').rstrip('.')} % of what is open"


def _print_pairs(rows: Sequence[tuple[str, str]]) -> None:
    """Print two columns, the second one wrapped to the terminal."""
    import shutil
    import textwrap

    width = max(40, shutil.get_terminal_size().columns)
    left = max((len(first) for first, _ in rows), default=0) + 2
    for first, second in rows:
        lines = textwrap.wrap(second, max(20, width - left)) or [""]
        print(f"{first:<{left}}{lines[0]}".rstrip())
        for line in lines[1:]:
            print(f"{'':<{left}}{line}")
