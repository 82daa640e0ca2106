"""Following a run over connections that break, servers that repeat themselves, and servers that lose events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest
import trio
from trio_websocket import WebSocketRequest, serve_websocket

from sptrader_stream.client import ServerError, following
from sptrader_stream.errors import UserError
from sptrader_stream.server.documents import Problem
from sptrader_stream.server.messages import EndedMessage, ErrorMessage, RejectionMessage, ServerMessage, Subscribe

LAST = 20
Play = Callable[[Callable[[ServerMessage], Awaitable[None]], int], Awaitable[None]]


def event(seq: int) -> ServerMessage:
    if seq == LAST:
        return EndedMessage(backtest_id="r", seq=seq, status="completed", failure=None, candles=1, fingerprint="",
                            data_issues=[], summary=None)  # fmt: skip
    return RejectionMessage(backtest_id="r", seq=seq, time="t", symbol="s", side="buy", rule="r", price="1",
                            quantity="1", reason="x")  # fmt: skip


def follow(play: Play, *, from_seq: int = 0, patience: float = 5.0) -> tuple[list[int], list[int]]:
    """Follow a server that does what is told on each connection; answers the events, and what was asked from."""
    seqs: list[int] = []
    asked: list[int] = []

    async def handle(request: WebSocketRequest) -> None:
        websocket = await request.accept()
        wanted = msgspec.json.decode(await websocket.get_message(), type=Subscribe)
        assert wanted.run == "r"
        assert "trades" in wanted.topics
        asked.append(wanted.from_seq or 0)

        async def send(message: ServerMessage) -> None:
            await websocket.send_message(msgspec.json.encode(message).decode())

        await play(send, wanted.from_seq or 0)

    async def main() -> None:
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                server = await nursery.start(serve_websocket, handle, "127.0.0.1", 0, None)
                url = f"http://127.0.0.1:{server.port}"
                async with following(url, "r", from_seq=from_seq, patience=patience) as messages:
                    async for message in messages:
                        seqs.append(message.seq)  # type: ignore[union-attr]
                nursery.cancel_scope.cancel()

    try:
        trio.run(main)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
    return seqs, asked


@pytest.mark.parametrize("at_a_time", [1, 3, 7, 100])
def test_broken_connections_lose_and_repeat_nothing(at_a_time: int) -> None:
    async def play(send: Callable[[ServerMessage], Awaitable[None]], first: int) -> None:
        for seq in range(first, min(first + at_a_time, LAST + 1)):
            await send(event(seq))

    seqs, asked = follow(play)
    assert seqs == list(range(LAST + 1))
    assert asked == list(range(0, LAST + 1, at_a_time))


def test_events_that_come_again_are_passed_over() -> None:
    async def play(send: Callable[[ServerMessage], Awaitable[None]], first: int) -> None:
        for seq in [*range(max(0, first - 5), first + 4), *range(first, LAST + 1)]:
            if seq <= LAST:
                await send(event(seq))

    assert follow(play, from_seq=8)[0] == list(range(8, LAST + 1))


def test_events_that_are_missing_are_an_error() -> None:
    async def play(send: Callable[[ServerMessage], Awaitable[None]], first: int) -> None:
        await send(event(first))
        await send(event(first + 2))

    with pytest.raises(UserError, match="sent event 2 of run r where 1 comes next"):
        follow(play)


def test_a_refusal_is_raised_with_its_problem() -> None:
    async def play(send: Callable[[ServerMessage], Awaitable[None]], first: int) -> None:
        problem = Problem(title="Not Found", status=404, detail="there is no run 'r'", code="unknown_run")
        await send(ErrorMessage(id=1, command="subscribe", problem=msgspec.to_builtins(problem)))

    with pytest.raises(ServerError, match="there is no run 'r'") as caught:
        follow(play)
    assert caught.value.problem is not None
    assert caught.value.problem.code == "unknown_run"


def test_a_server_that_says_nothing_is_given_up_after_a_while() -> None:
    async def play(send: Callable[[ServerMessage], Awaitable[None]], first: int) -> None:
        pass

    with pytest.raises(
        UserError, match=r"no answer from http://127.0.0.1:\d+ for 0.3 s: the connection was closed with 1000"
    ):
        follow(play, patience=0.3)
