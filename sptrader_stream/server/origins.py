"""Which pages of other origins may use the server from a browser."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit


def is_allowed_origin(origin: str | None, host: str, allowed: Sequence[str]) -> bool:
    """Tell whether a request may come from where it says that it comes from.

    Args:
        origin: the header ``Origin``; None where there is none, as from programs that are no browsers.
        host: the header ``Host``: a page that this server gave may always call it.
        allowed: other origins, such as ``https://app.example.com``; ``*`` stands for all.
    """
    if origin is None or "*" in allowed:
        return True
    return urlsplit(origin).netloc.lower() == host.lower() or origin.lower() in (each.lower() for each in allowed)
