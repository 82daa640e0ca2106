"""What a websocket handshake asks for: all runs (``/ws``) or one, and in which format; or why it is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import parse_qs

import msgspec

from sptrader_stream.server.documents import Problem
from sptrader_stream.server.http import Handover
from sptrader_stream.server.log.encoding import Format
from sptrader_stream.server.messages import MSGPACK_SUBPROTOCOL
from sptrader_stream.server.origins import is_allowed_origin
from sptrader_stream.server.settings import ServerSettings

_PROGRESS: Final = re.compile(r"/api/backtest/([^/]+)/progress/?")


class Route(NamedTuple):
    """What is asked for: one run, from an event on; or, without a run, whatever the client subscribes to."""

    run: str | None
    from_seq: int
    form: Format


class Refused(NamedTuple):
    """Why a handshake is refused."""

    status: int
    code: str
    detail: str

    def body(self) -> bytes:
        """The problem, as REST has it."""
        title = HTTPStatus(self.status).phrase
        return msgspec.json.encode(Problem(title=title, status=self.status, detail=self.detail, code=self.code))


def find_route(
    handover: Handover, subprotocols: Sequence[str], settings: ServerSettings, *, is_full: bool
) -> Route | Refused:
    """Find out what a handshake asks for.

    Args:
        handover: its path, query and headers.
        subprotocols: that the client offers.
        settings: origins that are allowed.
        is_full: whether no more connections are taken on.
    """
    headers = {name.lower(): value.decode("latin-1") for name, value in handover.headers}
    origin = headers.get(b"origin")
    if not is_allowed_origin(origin, headers.get(b"host", ""), settings.allowed_origins):
        return Refused(403, "forbidden_origin", f"pages of {origin} may not use this server: see allowed_origins")
    if is_full:
        return Refused(503, "too_many_connections", "no more websocket connections are taken on now: try again later")
    form: Format = "msgpack" if MSGPACK_SUBPROTOCOL in subprotocols else "json"
    if handover.path.rstrip("/") == "/ws":
        return Route(None, 0, form)
    one = _PROGRESS.fullmatch(handover.path)
    if one is None:
        return Refused(
            404, "unknown_path", f"{handover.path} is no websocket: there are /ws and /api/backtest/ID/progress"
        )
    said = parse_qs(handover.query).get("from_seq", ["0"])[-1]
    if not (said.isascii() and said.isdigit() and len(said) <= 18):
        return Refused(422, "invalid_request", f"from_seq: expected a number from 0 on, found {said!r}")
    return Route(one[1], int(said), form)
