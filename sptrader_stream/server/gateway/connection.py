"""One websocket client: what it watches and how far it has got; what it asks for and how it goes away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from sptrader_stream.server.gateway.commands import answer, carry_out, decode, identity
from sptrader_stream.server.gateway.feed import CONFLATED, RunFeed
from sptrader_stream.server.gateway.outlet import Outlet, SlowClientError
from sptrader_stream.server.log.encoding import Format, encode
from sptrader_stream.server.messages import (
    ClientMessage,
    ErrorMessage,
    Subscribe,
    Topic,
    Unsubscribe,
)
from sptrader_stream.server.request_errors import InvalidRequestError, problem_of
from sptrader_stream.server.runs.registry import Registry
from sptrader_stream.server.settings import ServerSettings

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
NO_PONG: Final = 1008
OUR_MISTAKE: Final = 1011
TRY_AGAIN: Final = 1013

_CLOSE_SECONDS: Final = 2.0
# What an event takes on its way, to tell what waits for a client that does not read.
_EVENT_BYTES: Final = 256
# A socket whose buffer is full for a moment is not a client that does not read.
_MOMENT_SECONDS: Final = 1.0


class Subscription:
    """One run that a client watches: the topics, and how far it has got."""

    def __init__(self, feed: RunFeed, topics: set[Topic], seq: int) -> None:
        self.feed = feed
        self.topics = topics
        self.seq = seq
        self.tick = -1
        self.state_tick = -1


class Watching(Protocol):
    """The gateway, as a client needs it."""

    def watch(self, run_id: str, topics: set[Topic]) -> Subscription:
        """Make a subscription to what comes from now on, which the connection keeps at once.

        Raises:
            UnknownRunError: there is no such run.
        """
        ...

    def forget_unwatched(self) -> None:
        """Keep nothing any more of what nobody watches."""
        ...


class Connection:
    """A client.

    Attributes:
        outlet: the way out to it.
        subscriptions: by run.
        is_leaving: whether it is being closed: nothing more is delivered.
    """

    def __init__(
        self,
        outlet: Outlet,
        form: Format,
        settings: ServerSettings,
        *,
        ends_with_run: bool,
    ) -> None:
        self.outlet = outlet
        self.form: Format = form
        self.subscriptions: dict[str, Subscription] = {}
        self.is_leaving = False
        self._settings = settings
        self._ends_with_run = ends_with_run
        self._leaving = trio.Event()
        self._code, self._reason = NORMAL, ""

    def deliver(self) -> bool:
        """Send what is new, as far as the socket takes it; answers whether there is more.

        Raises:
            OSError: the connection is gone.
        """
        is_more = False
        for each in self.subscriptions.values():
            if not self.outlet.is_free or self.is_leaving:
                self._look_at_backlog(each)
                return False
            data = self._newest(each)
            log = each.feed.run.log
            has_more = False
            if "trades" in each.topics and each.seq < log.next_seq:
                events, each.seq = log.take(each.seq, self.form)
                data = data + events if data else events
                has_more = each.seq < log.next_seq
            if data:
                self.outlet.offer(data)
            if self._ends_with_run and log.is_ended and not has_more and self.outlet.is_free:
                self.leave(NORMAL, "")
            is_more = is_more or has_more
        return is_more

    def _newest(self, each: Subscription) -> bytes:
        feed, parts = each.feed, []
        if each.state_tick != feed.state_tick:
            each.state_tick = feed.state_tick
            if each.topics & {"trades", "progress"}:
                parts.append(feed.state(self.form))
        if each.tick != feed.tick:
            each.tick = feed.tick
            parts += [feed.newest(topic, self.form) for topic in CONFLATED if topic in each.topics]
        return b"".join(parts)

    def _look_at_backlog(self, each: Subscription) -> None:
        waiting = (each.feed.run.log.next_seq - each.seq) * _EVENT_BYTES
        if waiting > self._settings.backlog_bytes and self.outlet.blocked_seconds > _MOMENT_SECONDS:
            self.give_up()

    def give_up(self) -> None:
        """Close a client that does not read, and tell it where to go on."""
        first = min((each.seq for each in self.subscriptions.values()), default=0)
        self.leave(TRY_AGAIN, f"from_seq={first}")

    def leave(self, code: int, reason: str) -> None:
        """Begin to close the connection."""
        if not self.is_leaving:
            self.is_leaving = True
            self._code, self._reason = code, reason
            self._leaving.set()

    async def wait_leaving(self) -> None:
        """Wait until it is time to close."""
        await self._leaving.wait()

    async def close(self, websocket: WebSocketConnection) -> None:
        """Close the connection, within a deadline."""
        with trio.move_on_after(_CLOSE_SECONDS):
            await websocket.aclose(self._code, self._reason)
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _CLOSE_SECONDS):
            await trio.aclose_forcefully(self.outlet)

    async def drain(self) -> None:
        """Send what the socket did not take at once; give the client up where it takes nothing."""
        try:
            await self.outlet.drain()
        except SlowClientError:
            self.give_up()
        except OSError:
            self.leave(GOING_AWAY, "")

    async def ping(self, websocket: WebSocketConnection) -> None:
        """Ask again and again whether the client is there; close where it does not answer until the next time."""
        try:
            while True:
                await trio.sleep(self._settings.ping_seconds)
                with trio.move_on_after(self._settings.ping_seconds) as waiting:
                    await websocket.ping()
                if waiting.cancelled_caught:
                    self.leave(NO_PONG, "no pong came")
        except ConnectionClosed:
            self.leave(NORMAL, "")

    async def listen(
        self,
        websocket: WebSocketConnection,
        registry: Registry,
        watching: Watching,
        report_error: Callable[[Exception], str],
    ) -> None:
        """Carry out what the client asks for, in order, until it goes."""
        try:
            while True:
                data = await websocket.get_message()
                try:
                    await self._carry_out(decode(data, self.form), websocket, registry, watching)
                except ConnectionClosed:
                    raise
                except Exception as error:
                    await self._refuse(websocket, data, error, report_error)
        except ConnectionClosed:
            self.leave(NORMAL, "")

    async def _carry_out(
        self, message: ClientMessage, websocket: WebSocketConnection, registry: Registry, watching: Watching
    ) -> None:
        """Carry a message out and answer it."""
        match message:
            case Subscribe():
                await self._subscribe(message, websocket, registry, watching)
            case Unsubscribe():
                run = registry.get(message.run)
                known = self.subscriptions.get(run.id)
                if known is not None:
                    known.topics -= set(message.topics or known.topics)
                    if not known.topics:
                        del self.subscriptions[run.id]
                    watching.forget_unwatched()
                await self._send(websocket, answer(message, run))
            case _:
                await self._send(websocket, await carry_out(message, registry))

    async def _subscribe(
        self, message: Subscribe, websocket: WebSocketConnection, registry: Registry, watching: Watching
    ) -> None:
        run = registry.get(message.run)
        if run.id not in self.subscriptions and len(self.subscriptions) >= self._settings.max_subscriptions:
            raise InvalidRequestError(
                f"{self._settings.max_subscriptions} runs are watched by this connection, which are as many as may be"
            )
        await run.log.prepare()
        if message.from_seq is not None and message.from_seq > run.log.next_seq:
            raise InvalidRequestError(
                f"from_seq {message.from_seq} lies beyond the next event of the run, {run.log.next_seq}"
            )
        next_seq = run.log.next_seq
        first = self._first_seq(message, run.id, next_seq)
        await self._send(websocket, answer(message, run, next_seq=next_seq, from_seq=first))
        # Only now, and at once: while the answer was on its way events went out that were subscribed to before.
        first = self._first_seq(message, run.id, first)
        subscription = watching.watch(run.id, set(message.topics))
        subscription.seq = first
        self.subscriptions[run.id] = subscription

    def _first_seq(self, message: Subscribe, run_id: str, otherwise: int) -> int:
        """The first event that a client wants: the one it names, else the next of those that it gets already."""
        known = self.subscriptions.get(run_id)
        if message.from_seq is not None:
            return message.from_seq
        return known.seq if known is not None and "trades" in known.topics else otherwise

    async def _refuse(
        self,
        websocket: WebSocketConnection,
        data: str | bytes,
        error: Exception,
        report_error: Callable[[Exception], str],
    ) -> None:
        number, kind = identity(data, self.form)
        problem = problem_of(error, report_error)
        await self._send(websocket, ErrorMessage(id=number, command=kind, problem=msgspec.to_builtins(problem)))

    async def _send(self, websocket: WebSocketConnection, message: msgspec.Struct) -> None:
        data = encode(message, self.form)
        await websocket.send_message(data.decode() if self.form == "json" else data)
