"""The command ``why``: what the rules of a run said at a candle and what came of it, or where they came closest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from sptrader_stream.cli.options import JsonOption, RunArgument, ServerOption, WorkspaceOption
from sptrader_stream.errors import UserError
from sptrader_stream.workspace import open_workspace

if TYPE_CHECKING:
    from rich.console import Console

    from sptrader_stream.client import Client
    from sptrader_stream.research.answers import NearestOf, WhyAnswer
    from sptrader_stream.research.levels import HeldPosition
    from sptrader_stream.research.why import RuleExplained, Why
    from sptrader_stream.rules.explain import Explained

_WORDS = {True: "true", False: "false", None: "not yet defined"}
_STYLES = {True: "green", False: "red", None: "yellow"}


def add_commands(app: typer.Typer) -> None:
    """Register the command."""
    app.command("why")(why)


def why(
    run: RunArgument,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Explain the candle that closed last by then; UTC.")
    ] = None,
    near: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="List the N candles at which an entry rule came closest.")
    ] = None,
    symbol: Annotated[str | None, typer.Option(metavar="SYMBOL", help="Default: each instrument of the run.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
    server: ServerOption = None,
) -> None:
    """Explain why a run traded or did not."""
    from sptrader_stream.research.answers import explain_run
    from sptrader_stream.store.runs import find_run, read_record
    from sptrader_stream.timeframes import parse_time

    if (at is None) == (near is None):
        raise UserError("give either --at TIME, such as --at 2025-03-31T14:30, or --near N, such as --near 5")
    time = None if at is None else parse_time(at)
    if server is not None:
        answer = _ask(server, run, at, near, symbol)
    else:
        record = read_record(find_run(open_workspace(workspace).backtests, run))
        answer = explain_run(record, at=time, near=near, symbol=symbol)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()
    else:
        _show(answer)


def _ask(server: str, run: str, at: str | None, near: int | None, symbol: str | None) -> WhyAnswer:
    from sptrader_stream.cli.remote import ask

    async def work(client: Client) -> WhyAnswer:
        return await client.why(await client.find(run), at=at, near=near, symbol=symbol)

    return ask(server, work)


def _show(answer: WhyAnswer) -> None:
    from sptrader_stream.console import make_console

    console = make_console()
    for note in answer.notes:
        print(f"note: {note}; what follows may differ from what the run saw", file=sys.stderr)
    for found in answer.candles or ():
        _show_candle(found, console)
    for each in answer.near or ():
        _show_near(each, console)


def _show_candle(found: Why, console: Console) -> None:
    _say(console, f"{found.symbol}, {found.timeframe} candle from {found.open} to {found.close}", "bold")
    _say(console, f"the last one that had closed by {found.time}; {found.place}")
    for kind, rules in (("Entry", found.entries), ("Exit", found.exits)):
        for rule in rules:
            _say(console)
            _say(console, f"{kind} rule {rule.rule}", "bold")
            _show_rule(rule, console)
    if found.happened:
        _say(console)
        _say(console, "Exits in this candle and decided at its close", "bold")
        for each in found.happened:
            _say(console, f"  {each.message}")
    _say(console)
    _say(console, f"Open after the last candle that had closed by {found.time}", "bold")
    for position in found.positions:
        _show_position(position, console)
    if not found.positions:
        _say(console, "  nothing")
    _say(console)


def _show_rule(rule: RuleExplained, console: Console) -> None:
    _show_condition(rule.condition, console, 1)
    if rule.outcome is not None:
        _say(console, f"  => {rule.outcome.message}", "bold")


def _show_condition(condition: Explained, console: Console, depth: int) -> None:
    from sptrader_stream.rules.explain import reading_text

    line = f"{'  ' * depth}{_WORDS[condition.met]:<6} {condition.text}"
    if condition.candle is not None:
        line += f", the one that opened at {condition.candle}"
    values = [
        f"{each.text} = {reading_text(each.value)}"
        + ("" if each.before is None else f" (before: {reading_text(each.before)})")
        for each in condition.readings
    ]
    _say(console, line + (f"    [{', '.join(values)}]" if values else ""), _STYLES[condition.met])
    for part in condition.parts:
        _show_condition(part, console, depth + 1)


def _show_position(position: HeldPosition, console: Console) -> None:
    _say(
        console,
        f"  position {position.position}: {position.quantity} of {position.opened} {position.side} since "
        f"{position.since} at {position.entry_price}, by {position.rule}, best price {position.best}",
    )
    for name, level in (("stop", position.stop), ("target", position.target)):
        words = "none" if level is None else f"{level.price}, {level.reason}: {level.message}"
        _say(console, f"    {name:<7} {words}")


def _show_near(found: NearestOf, console: Console) -> None:
    from sptrader_stream.research.near import RANGE

    _say(console, f"{found.symbol}: where entry rules came closest", "bold")
    _say(
        console,
        "fewest unmet conditions first, then the smallest distance: how far the two sides of an unmet comparison were "
        f"apart, as a share of the range of their difference over the last {RANGE} candles",
    )
    for number, each in enumerate(found.nearest, start=1):
        distance = "no distance" if each.distance is None else f"distance {each.distance:.2%}"
        _say(console)
        _say(console, f"{number}. candle from {each.open} to {each.close}, {each.rule}: {each.unmet} unmet, {distance}")
        for condition in each.failing:
            _show_condition(condition, console, 2)
    if not found.nearest:
        _say(console, "there is none")


def _say(console: Console, text: str = "", style: str = "") -> None:
    console.print(text, style=style, soft_wrap=True)
