"""How the market-data server is asked: where it is, and how long to be patient with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.errors import ConfigError
from sptrader_stream.sources.http.cache import cache_folder

URL_VARIABLE: Final = "WS_MARKET_DATA_URL"


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a market-data server is asked.

    Attributes:
        url: where it is.
        piece_candles: candles in a piece, at most; the server's own limit of two years goes before it.
        pieces_ahead: pieces that wait for the run, at most.
        attempt_seconds: until one attempt is given up; a cold start takes up to a minute.
        patience_seconds: until a piece that no attempt has brought is an error.
        cache: the folder in which answers are kept; None to keep none.
        first_pause_seconds, longest_pause_seconds: between attempts, doubled each time, and drawn from 0 to that.
    """

    url: str
    piece_candles: int = 20_000
    pieces_ahead: int = 4
    attempt_seconds: float = 90.0
    patience_seconds: float = 300.0
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30.0
    cache: Path | None = None


def http_settings(environment: Mapping[str, str]) -> HttpSettings:
    """Find the market-data server.

    Raises:
        ConfigError: the environment names none, or what it names is no address.
    """
    import httpx

    url = environment.get(URL_VARIABLE, "").strip().rstrip("/")
    if not url:
        raise ConfigError(f"which market-data server? Set {URL_VARIABLE}, such as {URL_VARIABLE}=http://127.0.0.1:3002")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigError(f"{URL_VARIABLE}: {url!r} is no address: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError(f"{URL_VARIABLE}: {url!r} is no address: expected one such as http://127.0.0.1:3002")
    return HttpSettings(url=url, cache=cache_folder(environment))
