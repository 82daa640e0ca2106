"""What every request passes before it comes to Litestar: whose it is, HEAD, and a header that every answer has.

A page of another origin may not change anything here: browsers say where a request comes from. A server that listens
on loopback alone also refuses requests to other hosts' names, by which a page could pass for one of this server's own
(DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import trio
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from sptrader_stream.server.origins import is_allowed_origin
from sptrader_stream.server.request_errors import problem_of
from sptrader_stream.server.rest.problems import PROBLEM_JSON, ForbiddenError
from sptrader_stream.server.settings import ServerSettings

_HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")


def guarded(app: ASGIApp, settings: ServerSettings, report: Callable[[Exception], str]) -> ASGIApp:
    """Put this in front of an application.

    Args:
        app: what answers the requests that pass.
        settings: where the server listens, and which origins may come.
        report: as for :func:`problem_of`.
    """

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        refusal = _refusal(scope, settings)
        if refusal is not None:
            await _refuse(refusal, scope, send, report)
        elif scope["method"] == "HEAD":
            await _head_only(app, scope, receive, _safe(send))
        else:
            await app(scope, receive, _safe(send))

    return front


def is_allowed_host(host: str, settings: ServerSettings) -> bool:
    """Whether requests to a name are meant for this server.

    Args:
        host: as the header ``Host`` has it; empty where there is none.
        settings: where the server listens.
    """
    if not host or not _is_loopback(settings.host):
        return True
    name = _name_of(host)
    return _is_loopback(name) or any(_name_of(each.rpartition("//")[2]) == name for each in settings.allowed_origins)


def _refusal(scope: HTTPScope, settings: ServerSettings) -> ForbiddenError | None:
    host, origin = _header(scope["headers"], b"host"), _header(scope["headers"], b"origin")
    if not is_allowed_host(host, settings):
        return ForbiddenError(
            f"this server listens for its own machine only and is not {host}; to reach it by that name, set host, or "
            "name the page's origin in allowed_origins"
        )
    if origin and scope["method"] not in _HARMLESS and not is_allowed_origin(origin, host, settings.allowed_origins):
        return ForbiddenError(f"pages of {origin} may not change anything here; allowed_origins names those that may")
    return None


async def _refuse(error: ForbiddenError, scope: HTTPScope, send: Send, report: Callable[[Exception], str]) -> None:
    body = msgspec.json.encode(problem_of(error, report, scope["path"]))
    headers = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        _NO_SNIFFING,
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body, "more_body": False})


async def _head_only(app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Answer HEAD as GET without the body, which is not even made where it is made piece by piece."""
    is_done = False
    with trio.CancelScope() as making:

        async def send_head(message: Message) -> None:
            nonlocal is_done
            if message["type"] != "http.response.body":
                await send(message)
            elif not is_done:
                is_done = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                making.cancel()

        await app({**scope, "method": "GET"}, receive, send_head)


def _safe(send: Send) -> Send:
    async def send_safely(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: Any = message["headers"]
            if _NO_SNIFFING not in headers:
                message["headers"] = [*headers, _NO_SNIFFING]
        await send(message)

    return send_safely


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")


def _name_of(host: str) -> str:
    """A host's name without its port, small letters."""
    plain = host.strip().lower()
    if plain.startswith("["):
        return plain[1:].partition("]")[0]
    return plain.partition(":")[0].rstrip(".")


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
