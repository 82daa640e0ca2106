"""Asking a market-data server: again and again where it stumbles, and a clear end where it does not get up."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import httpx
import trio

from sptrader_stream.errors import DataError, NoCandlesError
from sptrader_stream.sources.http.body import AnswerError
from sptrader_stream.sources.http.cache import AnswerCache
from sptrader_stream.sources.http.settings import HttpSettings

T = TypeVar("T")

_OK: Final = 200
_TOO_MANY: Final = 429
_NOT_FOUND: Final = 404
_NOT_MODIFIED: Final = 304
_SHOWN: Final = 200


class Fetcher:
    """Asks one server.

    Args:
        client: with its address.
        settings: how patient to be.
        chance: draws the pauses.
        now: the time of day, for a ``Retry-After`` that names a date.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        settings: HttpSettings,
        chance: random.Random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._settings = settings
        self._chance = chance
        self._now = now
        self._cache = None if settings.cache is None else AnswerCache(settings.cache)

    async def get(self, path: str, query: dict[str, str | int], read: Callable[[bytes], T]) -> T:
        """Ask until there is an answer that can be read.

        Args:
            path, query: what to ask.
            read: reads the body; one that it refuses with AnswerError is asked for again.

        Raises:
            NoCandlesError: the server answers 404.
            DataError: the server refuses, or has not answered within the patience; says what was asked and answered.
        """
        settings = self._settings
        asked = str(self._client.build_request("GET", path, params=query).url)
        kept = None if self._cache is None else self._cache.find(asked)
        headers = {} if kept is None else {"If-None-Match": kept.etag}
        pause, reason, attempts = settings.first_pause_seconds, "nothing", 0
        with trio.move_on_after(settings.patience_seconds):
            while True:
                attempts += 1
                wait: float | None = None
                try:
                    with trio.fail_after(settings.attempt_seconds):
                        response = await self._client.get(path, params=query, headers=headers)
                    if response.status_code == _NOT_MODIFIED and kept is not None:
                        return read(kept.body)
                    if response.status_code == _OK:
                        found = read(response.content)
                        self._keep(asked, response)
                        return found
                    reason = _said(response)
                    if response.status_code == _NOT_FOUND:
                        raise NoCandlesError(f"{asked}: the market-data server answered {reason}")
                    if response.status_code != _TOO_MANY and response.status_code < 500:
                        raise DataError(f"{asked}: the market-data server answered {reason}")
                    wait = self._retry_after(response.headers.get("retry-after"))
                except AnswerError as error:
                    reason = f"{error}; it began with {_shown(response.content)}"
                except httpx.HTTPError as error:
                    reason = str(error) or type(error).__name__
                except trio.TooSlowError:
                    reason = f"nothing within {settings.attempt_seconds:g} s"
                drawn = self._chance.uniform(0, pause)
                pause = min(2 * pause, settings.longest_pause_seconds)
                await trio.sleep(drawn if wait is None else wait)
        raise DataError(
            f"{asked}: no usable answer of the market-data server in {attempts} attempts within "
            f"{settings.patience_seconds:g} s; the last was: {reason}"
        )

    def _keep(self, asked: str, response: httpx.Response) -> None:
        etag = response.headers.get("etag")
        if self._cache is not None and etag is not None:
            self._cache.keep(asked, etag, response.content)

    def _retry_after(self, said: str | None) -> float | None:
        """Seconds that the server wants to be left alone; None where it does not say."""
        if said is None:
            return None
        if said.strip().isdigit():
            return float(said)
        try:
            return max(0.0, (parsedate_to_datetime(said) - self._now()).total_seconds())
        except (ValueError, TypeError):
            return None


def _said(response: httpx.Response) -> str:
    return f"{response.status_code} {_shown(response.content)}"


def _shown(body: bytes) -> str:
    return repr(body[:_SHOWN].decode("utf-8", "replace")) if body else "an empty body"
