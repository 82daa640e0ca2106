"""Candles of a market-data server as a source: cut into pieces, which are fetched ahead of whoever reads them."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import httpx
import msgspec
import trio

from sptrader_stream.errors import DataError, EmptyRangeError, UserError, innermost
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.http.ahead import Ahead
from sptrader_stream.sources.http.body import SymbolMetadata, read_candles, read_metadata
from sptrader_stream.sources.http.fetching import Fetcher
from sptrader_stream.sources.http.settings import HttpSettings
from sptrader_stream.sources.source import CHUNK_ROWS, RawCandles, SourceInfo, raw_part
from sptrader_stream.timeframes import NANOSECONDS, format_time, is_made_of, parse_timeframe

# The server refuses more.
_LONGEST_PIECE: Final = 2 * 365 * 86_400
# Pauses are drawn so that clients do not come back together; any seed will do.
_SEED: Final = 0x5EED

MakeClient = Callable[[HttpSettings], httpx.AsyncClient]


def make_client(settings: HttpSettings) -> httpx.AsyncClient:
    """The client of a server; attempts are bounded by the fetcher."""
    return httpx.AsyncClient(base_url=settings.url, timeout=None, follow_redirects=True)


class HttpSource:
    """One symbol and timeframe of a market-data server.

    Args:
        settings: the server.
        instrument: its symbol is asked for.
        timeframe: such as ``1h``, or a multiple of what the server has; None for the finest that it has.
        start, end: open times wanted, nanoseconds since 1970 UTC, inclusive; None for all that the server has.
        client: makes the HTTP client.
        now: the time of day, nanoseconds since 1970 UTC.

    Raises:
        DataError: the server does not answer, or does not know the symbol.
        EmptyRangeError: it has nothing of the range.
        UserError: it has none that makes the timeframe up.
    """

    def __init__(
        self,
        settings: HttpSettings,
        instrument: Instrument,
        *,
        timeframe: str | None = None,
        start: int | None = None,
        end: int | None = None,
        client: MakeClient = make_client,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._settings = settings
        self._instrument = instrument
        self._client = client
        self._ahead: Ahead[RawCandles] | None = None
        self._is_stopped = False
        self._name = f"{settings.url} {instrument.symbol}"
        found = self._ask_metadata()
        chosen = _choose(found, timeframe, self._name)
        step = parse_timeframe(chosen) // NANOSECONDS
        first = found.earliest - found.earliest % step
        last = found.latest
        if start is not None:
            first = max(first, -(-start // NANOSECONDS))
        if end is not None:
            last = min(last, end // NANOSECONDS)
        if last < first:
            raise EmptyRangeError(
                f"{self._name}: no candles in the range: the server has them from "
                f"{format_time(found.earliest * NANOSECONDS)} to {format_time(found.latest * NANOSECONDS)}"
            )
        self._range = (first, last)
        # The moment up to which the server has ticks, nanoseconds since 1970 UTC.
        self.latest = found.latest * NANOSECONDS
        self.info = SourceInfo(
            kind="http", name=f"{self._name} {chosen}", symbol=instrument.symbol, timeframe=chosen,
            start=first * NANOSECONDS, end=last * NANOSECONDS, has_spread=False, trust="external",
            retrieved_at=now(),
        )  # fmt: skip

    def place(self, row: int) -> str:
        """Say where a row is among what the server gave."""
        return f"candle {row + 1} of the server"

    def stop(self) -> None:
        """End reading at once, from any thread; see ``StoppableSource``."""
        self._is_stopped = True
        if self._ahead is not None:
            self._ahead.stop()

    def chunks(self) -> Iterator[RawCandles]:
        """Read the candles of the range, see ``CandleSource``."""
        found = False
        with Ahead(self._fetch, self._settings.pieces_ahead, self.info.name) as pieces:
            self._ahead = pieces
            if self._is_stopped:
                pieces.stop()
            for piece in pieces:
                found = True
                for first in range(0, len(piece.time), CHUNK_ROWS):
                    yield raw_part(piece, first, min(first + CHUNK_ROWS, len(piece.time)))
        if not found:
            first_time, last_time = (format_time(each * NANOSECONDS) for each in self._range)
            raise EmptyRangeError(f"{self.info.name}: the server has no candles from {first_time} to {last_time}")

    def _ask_metadata(self) -> SymbolMetadata:
        async def ask() -> SymbolMetadata:
            async with self._fetcher() as fetcher:
                return await fetcher.get("/api/metadata", {"symbol": self._instrument.symbol}, read_metadata)

        try:
            return trio.run(ask)
        except BaseExceptionGroup as group:
            raise innermost(group) from None

    @asynccontextmanager
    async def _fetcher(self) -> AsyncIterator[Fetcher]:
        async with self._client(self._settings) as client:
            yield Fetcher(client, self._settings, random.Random(_SEED))

    async def _fetch(self, pieces: trio.MemorySendChannel[RawCandles]) -> None:
        row = 0
        before: RawCandles | None = None
        path = f"/api/candles/{self._instrument.symbol}/{self.info.timeframe}"
        async with self._fetcher() as fetcher:
            for first, last in self._cuts():
                read = partial(
                    read_candles, first=first, last=last, precision=self._instrument.price_precision, row=row
                )
                piece = await fetcher.get(path, {"from": first, "to": last}, read)
                piece = self._without_double(before, piece)
                if len(piece.time):
                    row += len(piece.time)
                    before = piece
                    await pieces.send(piece)

    def _cuts(self) -> Iterator[tuple[int, int]]:
        """Cut the range at whole multiples, so that the same candles are asked for by the same address again."""
        first, last = self._range
        step = parse_timeframe(self.info.timeframe) // NANOSECONDS
        length = step * max(1, min(self._settings.piece_candles, _LONGEST_PIECE // step))
        while first <= last:
            # Both ends are inclusive, and a range of one moment is refused: the next piece begins where this one ends.
            until = min((first // length + 1) * length, max(last, first + 1))
            yield first, until
            if until >= last:
                return
            first = until

    def _without_double(self, before: RawCandles | None, piece: RawCandles) -> RawCandles:
        """Leave a candle at a seam out that came with the piece before.

        Raises:
            DataError: it was another one then.
        """
        if before is None or not len(piece.time) or piece.time[0] > before.time[-1]:
            return piece
        for name in ("open", "high", "low", "close", "volume"):
            was, now = float(getattr(before, name)[-1]), float(getattr(piece, name)[0])
            if was != now:
                raise DataError(
                    f"{self.info.name}: the candle of {format_time(int(piece.time[0]))} came twice, with {name} "
                    f"{was!r} and then {now!r}: the server's candles changed while they were read; run again"
                )
        rest = raw_part(piece, 1, len(piece.time))
        return msgspec.structs.replace(rest, row=piece.row)


def _choose(found: SymbolMetadata, timeframe: str | None, name: str) -> str:
    """Decide on a timeframe: the one wanted, or the coarsest that makes it up.

    The server's own list leaves out 1m, which it has by path.
    """
    known = sorted({*found.timeframes, "1m"}, key=parse_timeframe)
    if timeframe is None:
        return known[0]
    wanted = parse_timeframe(timeframe)
    fitting = [each for each in known if is_made_of(wanted, parse_timeframe(each))]
    if not fitting:
        raise UserError(f"{name}: the server has no candles that make up {timeframe}; it has {', '.join(known)}")
    return fitting[-1]
