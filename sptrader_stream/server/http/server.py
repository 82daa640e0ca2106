"""The listener: accepts connections on one port, and ends them in order."""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from sptrader_stream.errors import ConfigError
from sptrader_stream.server.http.asgi import Address, Application
from sptrader_stream.server.http.connection import HttpConnection
from sptrader_stream.server.http.handover import Handover
from sptrader_stream.server.settings import ServerSettings

_BACKLOG: Final = 4_096
# Files beside the connections: journals, libraries, what candles are read from.
_OTHER_FILES: Final = 1_024
_FULL: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
# Until connections have ended and there is room for others.
_ROOM_SECONDS: Final = 0.1
_BUSY_BODY: Final = (
    b'{"title":"Service Unavailable","status":503,"detail":"too many connections: try again later",'
    b'"code":"too_many_connections"}'
)
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_BUSY_BODY), _BUSY_BODY)
)


class HttpServer:
    """Serves HTTP for an ASGI application, and hands websocket upgrades over.

    Args:
        app: answers requests.
        websocket: takes upgrades; the connection ends when it returns.
        settings: address and limits.
        report_error: logs a mistake of ours; answers the incident's id.
    """

    def __init__(
        self,
        app: Application,
        websocket: Callable[[Handover], Awaitable[None]],
        settings: ServerSettings,
        report_error: Callable[[Exception], str],
    ) -> None:
        self._app = app
        self._websocket = websocket
        self._settings = settings
        self._report_error = report_error
        self._connections: dict[HttpConnection, trio.CancelScope] = {}
        self._accepting = trio.CancelScope()
        self._is_closing = False
        self._changed = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[list[Address]] = trio.TASK_STATUS_IGNORED) -> None:
        """Accept connections until the server is stopped, and serve them to their ends.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        _allow_files(self._settings.max_connections + _OTHER_FILES)
        with _listen(self._settings) as listening:
            host, port = listening.getsockname()[:2]
            async with trio.open_nursery() as nursery:
                task_status.started([(host, port)])
                with self._accepting:
                    await self._accept(listening, (host, port), nursery)
                listening.close()

    async def stop(self) -> None:
        """Accept nothing any more, and wait until what is under way has ended.

        Idle connections end at once, requests within the time that the settings give; websockets are for their own
        side to end.
        """
        self._is_closing = True
        self._accepting.cancel()
        deadline = trio.current_time() + self._settings.shutdown_seconds
        for connection, scope in list(self._connections.items()):
            if connection.is_idle:
                scope.cancel()
            elif not connection.is_handed_over:
                scope.deadline = deadline
        with trio.move_on_at(deadline):
            while self._connections:
                await self._changed.wait()
                self._changed = trio.Event()
        for scope in self._connections.values():
            scope.cancel()

    async def _accept(self, listening: socket.socket, server: Address, nursery: trio.Nursery) -> None:
        while True:
            await trio.lowlevel.wait_readable(listening)
            try:
                raw, client = listening.accept()
            except OSError as error:
                if error.errno in _FULL:
                    await trio.sleep(_ROOM_SECONDS)
                continue
            raw.setblocking(False)
            if len(self._connections) >= self._settings.max_connections:
                self._turn_away(raw)
                continue
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            nursery.start_soon(self._serve, raw, (str(client[0]), int(client[1])), server)

    async def _serve(self, raw: socket.socket, client: Address, server: Address) -> None:
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(raw))
        connection = HttpConnection(
            stream, raw, client, server, self._app, self._websocket, self._settings, self._report_error,
            lambda: self._is_closing,
        )  # fmt: skip
        with trio.CancelScope() as scope:
            self._connections[connection] = scope
            try:
                await connection.serve()
            except Exception as error:
                self._report_error(error)
            finally:
                del self._connections[connection]
                self._changed.set()

    def _turn_away(self, raw: socket.socket) -> None:
        try:
            raw.send(_BUSY)
        except OSError:
            # It does not take even that.
            return
        finally:
            raw.close()


def _listen(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}. Is another server on "
            "it? Choose another port with --port, 0 for any that is free"
        ) from None
    listening.setblocking(False)
    return listening


def _allow_files(wanted: int) -> None:
    """Allow as many open files as connections may need, as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
