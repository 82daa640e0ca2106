"""Entity tags of HTTP: what a client has, and what it wants to change (RFC 9110, section 13)."""

from __future__ import annotations

import re
from typing import Final

from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.request_errors import InvalidRequestError

_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


def quoted(tag: str) -> str:
    """Write a tag as a header has it."""
    return f'"{tag}"'


def is_current(if_none_match: str | None, tag: str) -> bool:
    """Whether a client that sent ``If-None-Match`` has this version already."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)


def wanted_version(if_match: str | None, current: str | None) -> str | None:
    """Read ``If-Match``: the version that a client wants to change, ``*`` for whichever there is, None for none said.

    Args:
        if_match: the header.
        current: the version that there is; chosen where the header lists several with it among them.

    Raises:
        InvalidRequestError: the header is no list of tags.
    """
    if if_match is None:
        return None
    plain = if_match.strip()
    if plain == "*":
        return plain
    tags = _TAG.findall(plain)
    if not tags:
        # Forgotten quotes are the most frequent mistake here.
        if re.fullmatch(r"[\w-]+", plain):
            return plain
        message = 'expected an ETag, such as "3fa9c1", or *'
        raise InvalidRequestError(f"If-Match: {message}", [FieldProblem(path="If-Match", message=message)])
    return current if current in tags else str(tags[0])
