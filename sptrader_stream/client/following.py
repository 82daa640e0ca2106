"""A run followed over the websocket: each event once and in order, over lost connections and restarts of the server."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

import httpx
import msgspec
import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_client_stream

from sptrader_stream.client.rest import ServerError, server_address
from sptrader_stream.decoding import convert, json_decoder
from sptrader_stream.errors import UserError, innermost
from sptrader_stream.server.documents import Problem
from sptrader_stream.server.messages import (
    Answer,
    EndedMessage,
    ErrorMessage,
    LosslessMessage,
    ServerMessage,
    Subscribe,
    Topic,
)

_DECODE: Final = json_decoder(cast("type[ServerMessage]", ServerMessage)).decode
_LOSSLESS: Final = LosslessMessage.__args__
# Waiting in a channel: more than that waits on the way, and the server conflates what can be.
_WAITING: Final = 64
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 3.0
_CONNECT_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 60.0

Messages = trio.MemoryReceiveChannel[ServerMessage]
Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


@asynccontextmanager
async def following(
    url: str,
    run: str,
    *,
    topics: Sequence[Topic] = ("progress", "trades"),
    from_seq: int = 0,
    patience: float = PATIENCE_SECONDS,
) -> AsyncIterator[Messages]:
    """Follow a run; the messages end behind its last event.

    Args:
        url: where the server is.
        run: the run's id.
        topics: what to get; ``trades`` is always among it.
        from_seq: the first event wanted.
        patience: for how many seconds in a row the server may be away.

    Raises:
        ServerError: the server refuses, as it does where there is no such run.
        UserError: the server is away for too long, or gives events in a wrong order.
    """
    sender, receiver = trio.open_memory_channel[ServerMessage](_WAITING)
    wanted = cast("list[Topic]", sorted({*topics, "trades"}))
    follower = _Follower(server_address(url), run, wanted, from_seq, patience, sender)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follower.run)
            with receiver:
                yield receiver
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        # Who follows wants the error, not the groups of the tasks that it went through.
        raise innermost(group) from None


class _Follower:
    def __init__(
        self,
        url: str,
        run: str,
        topics: list[Topic],
        seq: int,
        patience: float,
        messages: trio.MemorySendChannel[ServerMessage],
    ) -> None:
        self._url = url
        self._run = run
        self._topics = topics
        self._seq = seq
        self._patience = patience
        self._messages = messages
        self._is_over = False
        self._heard_at = 0.0

    async def run(self) -> None:
        pause = _FIRST_PAUSE
        self._heard_at = trio.current_time()
        with self._messages:
            while not self._is_over:
                before = self._heard_at
                reason = await self._connect()
                if self._is_over:
                    return
                if self._heard_at > before:
                    pause = _FIRST_PAUSE
                if trio.current_time() - self._heard_at > self._patience:
                    raise UserError(f"no answer from {self._url} for {self._patience:g} s: {reason}")
                await trio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _connect(self) -> str:
        """Follow until the connection ends, and answer why it did."""
        try:
            with trio.fail_after(_CONNECT_SECONDS):
                stream = await _open_stream(self._url)
        except (OSError, trio.TooSlowError) as error:
            return str(error) or "it does not take the connection"
        # The stream is ours, because trio-websocket leaves it open where the other side closes first.
        try:
            async with trio.open_nursery() as nursery:
                reason = await self._follow(nursery, stream)
                nursery.cancel_scope.cancel()
            return reason
        finally:
            await trio.aclose_forcefully(stream)

    async def _follow(self, nursery: trio.Nursery, stream: Stream) -> str:
        try:
            with trio.fail_after(_CONNECT_SECONDS):
                websocket = await wrap_client_stream(nursery, stream, httpx.URL(self._url).netloc.decode(), "/ws")
            subscribe = Subscribe(id=1, run=self._run, topics=self._topics, from_seq=self._seq)
            await websocket.send_message(msgspec.json.encode(subscribe).decode())
            await self._receive(websocket)
            with trio.move_on_after(_CLOSE_SECONDS):
                await websocket.aclose()
        except ConnectionClosed as error:
            closed = error.reason
            words = "" if closed is None else f" with {closed.code} {closed.reason or ''}".rstrip()
            return f"the connection was closed{words}"
        except (HandshakeError, OSError, trio.BrokenResourceError, trio.TooSlowError) as error:
            return f"no websocket: {str(error) or type(error).__name__}"
        return ""

    async def _receive(self, websocket: WebSocketConnection) -> None:
        while True:
            message = _DECODE(await websocket.get_message())
            self._heard_at = trio.current_time()
            match message:
                case Answer():
                    continue
                case ErrorMessage():
                    problem = convert(message.problem, Problem)
                    raise ServerError(problem.detail, problem)
            if isinstance(message, _LOSSLESS):
                if message.seq < self._seq:
                    continue
                if message.seq > self._seq:
                    raise UserError(
                        f"{self._url} sent event {message.seq} of run {self._run} where {self._seq} comes next: "
                        "the server has lost events"
                    )
                self._seq += 1
            try:
                await self._messages.send(message)
            except trio.BrokenResourceError:
                self._is_over = True
                return
            if isinstance(message, EndedMessage):
                self._is_over = True
                return


async def _open_stream(url: str) -> Stream:
    address = httpx.URL(url)
    secure = address.scheme == "https"
    stream = await trio.open_tcp_stream(address.host, address.port or (443 if secure else 80))
    if not secure:
        return stream
    return trio.SSLStream(stream, ssl.create_default_context(), server_hostname=address.host, https_compatible=True)
