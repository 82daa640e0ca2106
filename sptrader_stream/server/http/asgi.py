"""Types of ASGI 3, and one request's way through an application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import unquote

import h11

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

Address: TypeAlias = tuple[str, int]


def split_target(target: bytes) -> tuple[str, bytes, bytes]:
    """Split a request's target: the path decoded, the path as it came, and the query.

    Raises:
        UnicodeDecodeError: the path is not UTF-8.
    """
    raw_path, _, query = target.partition(b"?")
    return unquote(raw_path.decode("ascii"), errors="strict"), raw_path, query


def make_scope(request: h11.Request, client: Address, server: Address) -> dict[str, Any]:
    """Describe a request as ASGI has it.

    Raises:
        UnicodeDecodeError: the path is not UTF-8.
    """
    path, raw_path, query = split_target(request.target)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": request.http_version.decode("ascii"),
        "method": request.method.decode("ascii").upper(),
        "scheme": "http",
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": [(bytes(name), bytes(value)) for name, value in request.headers],
        "client": client,
        "server": server,
        "state": {},
        "extensions": {},
    }
