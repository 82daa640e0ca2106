"""The client against a real server: what it asks is done, and what is refused is raised in the server's words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
import trio

from sptrader_stream.client import Client, ServerError, following, open_client
from sptrader_stream.errors import UserError
from sptrader_stream.server.documents import RunRequest
from sptrader_stream.server.messages import Cancel, Pause, ProgressMessage, Resume, SetPace, StateMessage, Step
from sptrader_stream.server.rest.documents import StrategyCheck
from tests.server.process import ServerProcess, running_server

T = TypeVar("T")

REQUEST = RunRequest(
    strategy_name="ema_crossover", symbol="EURUSD", timeframe="1h", start_date="2024-01-01", end_date="2024-03-31",
    data="synthetic",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("server")) as process:
        yield process


def ask(url: str, work: Callable[[Client], Awaitable[T]]) -> T:
    async def main() -> T:
        with trio.fail_after(30):
            async with open_client(url) as client:
                return await work(client)

    return trio.run(main)


def test_a_run_is_started_followed_to_its_end_and_read(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        run = (await client.start(REQUEST)).backtest_id
        messages = []
        async with following(client.url, run) as received:
            async for message in received:
                messages.append(message)
        lossless = [each for each in messages if not isinstance(each, ProgressMessage | StateMessage)]
        assert [each.seq for each in lossless] == list(range(len(lossless)))  # type: ignore[union-attr]
        assert type(lossless[0]).__name__ == "StartedMessage"
        assert type(lossless[-1]).__name__ == "EndedMessage"
        status = await client.status(run)
        assert status.status == "completed"
        assert status.next_seq == len(lossless)
        async with client.result(run) as pieces:
            document = msgspec.json.decode(b"".join([each async for each in pieces]))
        assert document["run_id"] == run
        assert await client.find("last") == run
        assert (await client.runs(strategy="ema_crossover")).runs[0].backtest_id == run
        assert (await client.runs(symbol="USDJPY")).runs == []
        assert b"<html" in await client.report(run)
        assert (await client.why(run, at="2024-02-01", near=None, symbol=None)).candles

    ask(server.url, work)


def test_a_run_is_steered(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        slow = msgspec.structs.replace(REQUEST, pace="1")
        run = (await client.start(slow)).backtest_id
        assert (await client.steer(Pause(run=run))).status == "paused"
        async with following(client.url, run) as messages:
            await client.steer(Step(run=run, n=7))
            async for message in messages:
                if isinstance(message, ProgressMessage) and message.candles >= 7 and message.status == "paused":
                    break
        assert (await client.status(run)).candles in (7, 8)
        assert (await client.steer(SetPace(run=run, pace="realtime x60"))).pace == "realtime x60"
        assert (await client.steer(Resume(run=run))).status == "running"
        assert (await client.steer(Cancel(run=run))).status == "cancelled"
        with pytest.raises(ServerError, match="it cannot be cancelled any more") as caught:
            await client.steer(Cancel(run=run))
        assert caught.value.problem is not None
        assert (caught.value.problem.status, caught.value.problem.code) == (409, "state_conflict")

    ask(server.url, work)


def test_strategies_are_listed_read_and_checked(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        assert "rsi_pullback" in {each.name for each in (await client.strategies()).strategies}
        text = (await client.strategy("rsi_pullback")).text
        assert (await client.validate(StrategyCheck(text=text))).valid
        assert not (await client.validate(StrategyCheck(text="name: x"))).valid

    ask(server.url, work)


def test_what_is_not_there_is_told_in_the_servers_words(server: ServerProcess) -> None:
    async def unknown(client: Client) -> None:
        await client.status("nope x")

    async def follow(client: Client) -> None:
        async with following(client.url, "nope") as messages:
            async for _ in messages:
                pass

    with pytest.raises(ServerError, match="there is no run 'nope x'"):
        ask(server.url, unknown)
    with pytest.raises(ServerError, match="there is no run 'nope'"):
        ask(server.url, follow)


def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(UserError, match=r"no answer from http://127\.0\.0\.1:1: .*sptrader serve"):
        ask("127.0.0.1:1", lambda client: client.runs())


@pytest.mark.parametrize("address", ["ftp://x", "", "http://[::1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="is no address of a server"):
        ask(address, lambda client: client.runs())


def test_a_server_without_runs_has_no_last_one(tmp_path: Path) -> None:
    with running_server(tmp_path) as empty, pytest.raises(UserError, match="has no run yet"):
        ask(empty.url, lambda client: client.find("last"))


def test_another_kind_of_server_is_told_apart() -> None:
    async def other(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, other, 0, host="127.0.0.1"))
            port = listeners[0].socket.getsockname()[1]
            async with open_client(f"127.0.0.1:{port}") as client:
                with pytest.raises(UserError, match="is it a server of SPTrader Stream"):
                    await client.runs()
            nursery.cancel_scope.cancel()

    trio.run(main)
