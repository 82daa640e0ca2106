"""What commands do with a server: they ask it, and tell of runs there as of runs here."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from sptrader_stream.cli import CANCELLED, DONE
from sptrader_stream.cli.candles import parse_data
from sptrader_stream.cli.request import DEFAULT_BATCH, RunRequest, parse_capital, parse_overrides
from sptrader_stream.errors import UserError, innermost

if TYPE_CHECKING:
    from sptrader_stream.client import Client
    from sptrader_stream.server.documents import RunRequest as ServerRequest
    from sptrader_stream.server.rest.documents import StrategyEntry
    from sptrader_stream.watching.view import View

T = TypeVar("T")

DEFAULT_SERVER: Final = "http://127.0.0.1:3001"


def ask(server: str, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do something with a server.

    Args:
        server: its address.
        work: what to do.

    Raises:
        UserError: the server refuses, or does not answer.
    """
    import trio

    from sptrader_stream.client import open_client

    async def main() -> T:
        async with open_client(server) as client:
            return await work(client)

    try:
        return trio.run(main)
    except BaseExceptionGroup as group:
        raise innermost(group) from None


def run_there(
    server: str, request: RunRequest, *, pace: str = "max", as_document: bool = False, as_lines: bool = False
) -> int:
    """Run a strategy on a server, and follow it; answers the exit code.

    Args:
        server: its address.
        request: what to run; files of candles are the server's.
        pace: how fast to begin.
        as_document: print the result document instead of what happens.
        as_lines: print what happens as lines of JSON.

    Raises:
        UserError: the request has what only a run of this process can have, or the server refuses it.
    """
    from sptrader_stream.watching.remote import RemoteRun
    from sptrader_stream.watching.session import watch

    wanted = _request(request, pace)

    async def work(client: Client) -> int:
        accepted = await client.start(wanted)
        if as_document:
            view = await _wait(client, accepted.backtest_id)
            await _write_result(client, accepted.backtest_id)
        else:
            print(f"{client.url} runs it as {accepted.backtest_id}", file=sys.stderr, flush=True)
            view = await watch(RemoteRun(client, accepted.backtest_id), as_json=as_lines)
        return exit_code(view)

    return ask(server, work)


def exit_code(view: View) -> int:
    """The exit code of a command that has watched a run.

    Raises:
        UserError: the run has failed or was interrupted.
    """
    ended = view.ended
    if ended is None or ended.status == "completed":
        return DONE
    if ended.status == "cancelled":
        return CANCELLED
    cause = "the server was stopped" if ended.failure is None else ended.failure.cause
    raise UserError(
        f"run {ended.backtest_id} {'has failed' if ended.status == 'failed' else 'was interrupted'}: {cause}"
    )


async def _wait(client: Client, run: str) -> View:
    from sptrader_stream.client import following
    from sptrader_stream.watching.view import View

    view = View()
    async with following(client.url, run, topics=["trades"]) as messages:
        async for message in messages:
            view.take(message)
    return view


async def _write_result(client: Client, run: str) -> None:
    async with client.result(run) as pieces:
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _request(request: RunRequest, pace: str) -> ServerRequest:
    from decimal import Decimal

    from sptrader_stream.money import MONEY_DIGITS, format_scaled
    from sptrader_stream.server.documents import RunRequest as ServerRequest
    from sptrader_stream.sources.contract import check_mode

    local = [
        name
        for name, is_given in (
            ("--batch", request.batch_size != DEFAULT_BATCH),
            ("--bounds", request.bounds),
            ("--out", request.out is not None),
            ("--timezone", request.timezone is not None),
        )
        if is_given
    ]
    if local:
        raise UserError(f"{', '.join(local)}: not with --server, whose runs are kept and set up by the server")
    if Path(request.strategy).suffix in (".yaml", ".yml"):
        raise UserError(f"{request.strategy}: a server runs its own strategies: give the name of one, see "
                        "`sptrader strategies list --server URL`")  # fmt: skip
    candles = parse_data(request)
    named = {each.symbol: each.data for each in candles if each.symbol is not None}
    data: dict[str, str] | str | None = None
    if named and (len(candles) > 1 or request.symbol is None):
        data = named
    elif candles:
        data = candles[0].data
    return ServerRequest(
        strategy_name=request.strategy,
        symbol=request.symbol,
        timeframe=request.timeframe,
        start_date=request.start,
        end_date=request.end,
        initial_capital=Decimal(format_scaled(parse_capital(request.capital), MONEY_DIGITS)),
        execution_mode=check_mode(request.mode),
        parameters=dict(parse_overrides(request.overrides)),
        data=data,
        pace=pace,
    )


def describe_strategy(entry: StrategyEntry) -> str:
    """Say in a line what a strategy of a server is."""
    if entry.valid:
        return entry.description
    return f"not valid: {entry.findings} finding{'s' if entry.findings > 1 else ''}"
