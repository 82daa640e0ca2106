"""One connection: requests one after the other, each within its deadlines, or a hand-over to the websocket side."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import h11
import msgspec
import trio

from sptrader_stream.server.documents import Problem
from sptrader_stream.server.http.asgi import Address, Application, Message, make_scope, split_target
from sptrader_stream.server.http.handover import Handover, RewoundStream
from sptrader_stream.server.request_errors import problem_of
from sptrader_stream.server.settings import ServerSettings

_RECEIVE_BYTES: Final = 65_536
_CLOSE_SECONDS: Final = 1.0


class _RefusedError(Exception):
    """The request cannot be served; answered, and the connection is closed."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class _GoneError(Exception):
    """The client is gone, or takes nothing any more."""


class HttpConnection:
    """A connection that was accepted.

    Args:
        stream: it.
        raw: its socket.
        client, server: addresses.
        app: answers requests.
        websocket: takes upgrades.
        settings: limits.
        report_error: logs a mistake of ours; answers the incident's id.
        is_closing: whether the server is being stopped.
    """

    def __init__(
        self,
        stream: trio.SocketStream,
        raw: socket.socket,
        client: Address,
        server: Address,
        app: Application,
        websocket: Callable[[Handover], Awaitable[None]],
        settings: ServerSettings,
        report_error: Callable[[Exception], str],
        is_closing: Callable[[], bool],
    ) -> None:
        self.is_idle = True
        self.is_handed_over = False
        self._stream = stream
        self._raw = raw
        self._client = client
        self._server = server
        self._app = app
        self._websocket = websocket
        self._settings = settings
        self._report_error = report_error
        self._is_closing = is_closing
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=settings.head_bytes)
        # What has come since the last request ended: given back where the next one is an upgrade.
        self._head = bytearray()

    async def serve(self) -> None:
        """Serve until the connection ends; raises nothing but what cancels it."""
        try:
            while await self._one_request():
                self._http.start_next_cycle()
        except _RefusedError as refused:
            await self._refuse(refused)
        except _GoneError:
            pass
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _CLOSE_SECONDS):
                await trio.aclose_forcefully(self._stream)

    # One request

    async def _one_request(self) -> bool:
        """Serve the next request; answers whether another may follow."""
        request = await self._read_head()
        if request is None:
            return False
        self.is_idle = False
        if _is_upgrade(request):
            await self._hand_over(request)
            return False
        try:
            scope = make_scope(request, self._client, self._server)
        except UnicodeDecodeError:
            raise _RefusedError(400, "the path is not UTF-8") from None
        length = next((int(value) for name, value in request.headers if name == b"content-length"), 0)
        if length > self._settings.body_bytes:
            raise _too_large(self._settings)
        await _Exchange(self, self._http, request, self._settings).run(self._app, scope, self._report_error)
        # A body that nobody read would be taken for the next request.
        keep = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE and not self._is_closing()
        if keep:
            self._head = bytearray(self._http.trailing_data[0])
            self.is_idle = not self._head
        return keep

    async def _read_head(self) -> h11.Request | None:
        """Wait for a request, and read its head within its deadline; None where the client has left."""
        with trio.move_on_after(self._settings.idle_seconds) as idling:
            if not self._head and not await self._receive():
                return None
        if idling.cancelled_caught:
            return None
        self.is_idle = False
        with trio.move_on_after(self._settings.head_seconds):
            while True:
                event = self._next_event()
                if isinstance(event, h11.Request):
                    # h11 bounds heads that are not whole yet; one that came at once it takes whatever its size.
                    if self._head.find(b"\r\n\r\n") > self._settings.head_bytes:
                        raise _RefusedError(431, f"the head is larger than {self._settings.head_bytes} bytes")
                    return event
                if event is not h11.NEED_DATA:
                    return None
                if not await self._receive():
                    return None
        raise _RefusedError(408, f"the head of the request was not there within {self._settings.head_seconds:g} s")

    async def _hand_over(self, request: h11.Request) -> None:
        self.is_handed_over = True
        try:
            path, _, query = split_target(request.target)
        except UnicodeDecodeError:
            raise _RefusedError(400, "the path is not UTF-8") from None
        await self._websocket(
            Handover(
                stream=RewoundStream(self._stream, bytes(self._head)),
                socket=self._raw,
                path=path,
                query=query.decode("latin-1"),
                headers=[(bytes(name), bytes(value)) for name, value in request.headers],
            )
        )

    # What h11 and the socket do

    def _next_event(self) -> Any:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise _RefusedError(error.error_status_hint, str(error)) from None

    async def receive_event(self) -> Any:
        """Read on until h11 has an event.

        Raises:
            _GoneError: the client is gone.
        """
        while (event := self._next_event()) is h11.NEED_DATA:
            if not await self._receive():
                raise _GoneError
        return event

    async def _receive(self) -> bool:
        try:
            data = await self._stream.receive_some(_RECEIVE_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise _GoneError from None
        if self.is_idle or self._http.their_state is h11.IDLE:
            self._head += data
        self._http.receive_data(bytes(data))
        return bool(data)

    async def send(self, *events: Any) -> None:
        """Send h11's events.

        Raises:
            _GoneError: the client is gone, or takes nothing.
        """
        data = b"".join(self._http.send(each) or b"" for each in events)
        if not data:
            return
        try:
            # Piece by piece, so that a slow client has time for each and a stalled one for none.
            for start in range(0, len(data), _RECEIVE_BYTES):
                with trio.fail_after(self._settings.write_seconds):
                    await self._stream.send_all(data[start : start + _RECEIVE_BYTES])
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            raise _GoneError from None

    async def _refuse(self, refused: _RefusedError) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        problem = Problem(
            title=HTTPStatus(refused.status).phrase, status=refused.status, detail=str(refused), code="bad_request"
        )
        try:
            await self.send(*problem_events(problem, close=True))
            # The rest of what the client sends is not read: closing at once could reset what it has not read yet.
            await self._stream.send_eof()
            with trio.move_on_after(_CLOSE_SECONDS):
                while await self._stream.receive_some(_RECEIVE_BYTES):
                    pass
        except (_GoneError, h11.LocalProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            return


class _Exchange:
    """One request and its response, between h11 and the application."""

    def __init__(
        self, connection: HttpConnection, http: h11.Connection, request: h11.Request, settings: ServerSettings
    ) -> None:
        self._connection = connection
        self._http = http
        self._method = request.method
        self._settings = settings
        self._body_bytes = 0
        self._body_deadline: float | None = None
        self._has_body = True
        self._response: h11.Response | None = None
        self._has_begun = False
        self._ended = trio.Event()

    async def run(self, app: Application, scope: dict[str, Any], report_error: Callable[[Exception], str]) -> None:
        """Let the application answer."""
        try:
            await app(scope, self._receive, self._send)
        except (_RefusedError, _GoneError):
            raise
        except Exception as error:
            problem = problem_of(error, report_error, scope["path"])
            if self._has_begun:
                raise _GoneError from error
            await self._connection.send(*problem_events(problem, close=False))
            self._ended.set()
        if not self._ended.is_set():
            report_error(RuntimeError(f"the application did not answer {scope['method']} {scope['path']} to its end"))
            raise _GoneError
        await self._skip_body()

    async def _receive(self) -> Message:
        if not self._has_body:
            # Nothing more comes of this request; applications wait for that to know when they may stop.
            await self._ended.wait()
            return {"type": "http.disconnect"}
        if self._http.they_are_waiting_for_100_continue:
            await self._connection.send(h11.InformationalResponse(status_code=100, headers=[]))
        return await self._receive_body()

    async def _receive_body(self) -> Message:
        if self._body_deadline is None:
            self._body_deadline = trio.current_time() + self._settings.body_seconds
        with trio.move_on_at(self._body_deadline) as reading:
            try:
                event = await self._connection.receive_event()
            except _GoneError:
                self._has_body = False
                return {"type": "http.disconnect"}
        if reading.cancelled_caught:
            raise _RefusedError(408, f"the body of the request was not there within {self._settings.body_seconds:g} s")
        if isinstance(event, h11.Data):
            self._body_bytes += len(event.data)
            if self._body_bytes > self._settings.body_bytes:
                raise _too_large(self._settings)
            return {"type": "http.request", "body": bytes(event.data), "more_body": True}
        self._has_body = False
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _skip_body(self) -> None:
        """Read what the application did not, if that is little; else the connection cannot be used on."""
        if self._http.they_are_waiting_for_100_continue:
            return
        with trio.move_on_after(_CLOSE_SECONDS):
            while self._http.their_state is h11.SEND_BODY:
                event = await self._connection.receive_event()
                if isinstance(event, h11.Data):
                    self._body_bytes += len(event.data)
                    if self._body_bytes > self._settings.body_bytes:
                        return

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._response = _response(message["status"], list(message.get("headers", [])))
            return
        if message["type"] != "http.response.body" or self._response is None or self._ended.is_set():
            return
        events: list[Any] = []
        if not self._has_begun:
            self._has_begun = True
            events.append(self._response)
        body = message.get("body", b"")
        if body and self._method != b"HEAD":
            events.append(h11.Data(data=bytes(body)))
        if not message.get("more_body", False):
            events.append(h11.EndOfMessage())
        await self._connection.send(*events)
        if not message.get("more_body", False):
            self._ended.set()


def problem_events(problem: Problem, *, close: bool) -> list[Any]:
    """Put an error into a response."""
    body = msgspec.json.encode(problem)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if close:
        headers.append((b"connection", b"close"))
    return [_response(problem.status, headers), h11.Data(data=body), h11.EndOfMessage()]


def _too_large(settings: ServerSettings) -> _RefusedError:
    return _RefusedError(413, f"the body is larger than {settings.body_bytes} bytes, which are as many as may be")


def _response(status: int, headers: list[tuple[bytes, bytes]]) -> h11.Response:
    return h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode())


def _is_upgrade(request: h11.Request) -> bool:
    return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in request.headers)
