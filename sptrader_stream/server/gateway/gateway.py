"""The gateway: takes websocket connections on, and delivers what runs tell to all who watch them.

There is no queue for a client and no task that carries events to it. What a run did stands in its log once; a client is
a number in it. One loop goes over those who have something to get and sends what their sockets take, frames that were
made once for everybody. While runs compute it takes a small part of the event loop's time, so that a thousand watchers
cost a run no more than ten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec
import structlog
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, wrap_server_stream

from sptrader_stream.errors import UserError
from sptrader_stream.server.gateway.connection import GOING_AWAY, OUR_MISTAKE, Connection, Subscription
from sptrader_stream.server.gateway.feed import RunFeed
from sptrader_stream.server.gateway.outlet import Outlet
from sptrader_stream.server.gateway.routes import Refused, Route, find_route
from sptrader_stream.server.http import Handover
from sptrader_stream.server.messages import MSGPACK_SUBPROTOCOL, Topic
from sptrader_stream.server.runs.handle import RunHandle
from sptrader_stream.server.runs.registry import Registry
from sptrader_stream.server.settings import ServerSettings

_HANDSHAKE_SECONDS: Final = 10.0
# Events that come this close together go out together.
_TOGETHER_SECONDS: Final = 0.005
# Of the loop's time while runs compute.
_SHARE: Final = 0.05
# In one go; other tasks get their turn in between.
_SLICE_SECONDS: Final = 0.002
_WAITING_COMMANDS: Final = 16

_logger = structlog.get_logger(__name__)


class GatewayStatistics(msgspec.Struct, frozen=True):
    """How much the gateway has to do: open connections, and runs that are watched."""

    connections: int
    watched_runs: int


class Gateway:
    """Serves websocket connections over a registry of runs.

    Args:
        registry: the runs.
        settings: limits.
        report_error: logs a mistake of ours; answers the incident's id.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        registry: Registry,
        settings: ServerSettings,
        report_error: Callable[[Exception], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._report_error = report_error
        self._clock = clock
        self._connections: set[Connection] = set()
        self._feeds: dict[str, RunFeed] = {}
        self._work = trio.Event()
        self._none_left = trio.Event()
        self._is_closing = False
        registry.on_change.append(self._look)

    def statistics(self) -> GatewayStatistics:
        """Tell how much there is to do."""
        return GatewayStatistics(len(self._connections), len(self._feeds))

    # Delivery

    def _look(self, run: RunHandle) -> None:
        if run.id in self._feeds:
            self._work.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver, until cancelled."""
        task_status.started()
        while True:
            await self._work.wait()
            self._work = trio.Event()
            busy, again = await self._deliver_all()
            rest = busy * (1 / _SHARE - 1) if self._registry.is_computing else 0.0
            if again is not None:
                rest = max(rest, min(again - self._clock(), 1 / self._settings.updates_per_second))
                self._work.set()
            # Not to wait for something, but to leave the loop to others and let events come together.
            await trio.sleep(max(rest, _TOGETHER_SECONDS))

    async def _deliver_all(self) -> tuple[float, float | None]:
        """Go over everybody once; answers the seconds of work, and when to come back if anything is left."""
        begun = slice_begun = self._clock()
        worked = 0.0
        again: float | None = None
        for feed in self._feeds.values():
            later = feed.advance(begun)
            if later is not None:
                again = later if again is None else min(again, later)
        for connection in list(self._connections):
            if self._deliver(connection):
                again = begun
            now = self._clock()
            if now - slice_begun > _SLICE_SECONDS:
                worked += now - slice_begun
                pause = (now - slice_begun) * (1 / _SHARE - 1) if self._registry.is_computing else 0.0
                await trio.sleep(pause)
                slice_begun = self._clock()
        return worked + self._clock() - slice_begun, again

    def _deliver(self, connection: Connection) -> bool:
        try:
            return connection.deliver()
        except OSError:
            connection.leave(GOING_AWAY, "")
        except Exception as error:
            self._report_error(error)
            connection.leave(OUR_MISTAKE, "a mistake of ours")
        return False

    def watch(self, run_id: str, topics: set[Topic]) -> Subscription:
        """Make a subscription; see ``Watching``."""
        run = self._registry.get(run_id)
        feed = self._feeds.get(run_id)
        if feed is None:
            feed = self._feeds[run_id] = RunFeed(run, 1 / self._settings.updates_per_second)
        feed.want(topics | self._wanted(run_id))
        self._work.set()
        return Subscription(feed, topics, run.log.next_seq)

    def _wanted(self, run_id: str) -> set[Topic]:
        found: set[Topic] = set()
        for each in self._connections:
            if run_id in each.subscriptions:
                found |= each.subscriptions[run_id].topics
        return found

    def forget_unwatched(self) -> None:
        """Keep nothing any more of runs that nobody watches, nor of topics of theirs."""
        for run_id, feed in list(self._feeds.items()):
            topics = self._wanted(run_id)
            feed.want(topics)
            if not topics:
                del self._feeds[run_id]

    # Connections

    async def handle(self, handover: Handover) -> None:
        """Serve one connection, from its handshake to its end; raises nothing but what cancels it."""
        outlet = Outlet(handover.stream, handover.socket, self._settings.write_seconds, self._clock, self._work_again)
        try:
            async with trio.open_nursery() as nursery:
                with trio.move_on_after(_HANDSHAKE_SECONDS) as shaking:
                    nursery.start_soon(_end_when_closed, shaking, outlet)
                    request = await wrap_server_stream(
                        nursery, outlet, _WAITING_COMMANDS, self._settings.max_message_bytes
                    )
                    route = await self._route(request, handover)
                    if route is not None:
                        websocket = await request.accept(
                            subprotocol=MSGPACK_SUBPROTOCOL if route.form == "msgpack" else None
                        )
                if not shaking.cancelled_caught and route is not None:
                    await self._serve(websocket, outlet, route)
                nursery.cancel_scope.cancel()
        except* (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError, OSError, ValueError):
            # The client went away, or what it sent is no handshake: a header that is not ASCII, for one.
            pass
        except* Exception as group:
            for error in group.exceptions:
                self._report_error(error)
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await trio.aclose_forcefully(outlet)

    async def _route(self, request: WebSocketRequest, handover: Handover) -> Route | None:
        """Find what a handshake is for; one that is refused is answered."""
        is_full = self._is_closing or len(self._connections) >= self._settings.max_websockets
        found = find_route(handover, request.proposed_subprotocols, self._settings, is_full=is_full)
        if isinstance(found, Route) and found.run is not None:
            try:
                run = self._registry.get(found.run)
                await run.log.prepare()
            except UserError as error:
                found = Refused(404, "unknown_run", str(error))
        if isinstance(found, Refused):
            await request.reject(
                found.status, extra_headers=[(b"content-type", b"application/problem+json")], body=found.body()
            )
            return None
        return found

    async def _serve(self, websocket: WebSocketConnection, outlet: Outlet, route: Route) -> None:
        connection = Connection(outlet, route.form, self._settings, ends_with_run=route.run is not None)
        if route.run is not None:
            subscription = self.watch(route.run, {"trades", "progress"})
            subscription.seq = min(route.from_seq, subscription.seq)
            connection.subscriptions[route.run] = subscription
        self._connections.add(connection)
        self._work.set()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.drain)
                nursery.start_soon(connection.ping, websocket)
                nursery.start_soon(connection.listen, websocket, self._registry, self, self._report_error)
                await connection.wait_leaving()
                await connection.close(websocket)
                nursery.cancel_scope.cancel()
        finally:
            self._connections.discard(connection)
            self.forget_unwatched()
            if not self._connections:
                self._none_left.set()

    def _work_again(self) -> None:
        self._work.set()

    async def close(self) -> None:
        """Say goodbye to everybody, and wait until they are gone."""
        self._is_closing = True
        self._none_left = trio.Event()
        for connection in self._connections:
            connection.leave(GOING_AWAY, "the server is being stopped")
        if self._connections:
            await self._none_left.wait()


async def _end_when_closed(handshake: trio.CancelScope, outlet: Outlet) -> None:
    """End a handshake that will not be: trio-websocket closes the stream, and lets who waits for the request wait."""
    await outlet.wait_closed()
    handshake.cancel()
