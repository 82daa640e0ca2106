"""Candles that this server has, in the shape of the market-data server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import Parameter

from sptrader_stream.catalog.finding import Holding
from sptrader_stream.instruments import normalise_symbol
from sptrader_stream.money import format_scaled
from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.library import CandleLibrary
from sptrader_stream.server.request_errors import InvalidRequestError, UnknownSymbolError
from sptrader_stream.server.rest.contract import Served
from sptrader_stream.server.rest.etags import is_current, quoted
from sptrader_stream.server.rest.problems import problems
from sptrader_stream.server.rest.reading import Reading
from sptrader_stream.timeframes import NANOSECONDS, format_time, parse_timeframe

TIMEFRAMES: Final = ("1m", "5m", "15m", "1h", "4h", "12h", "1d")
_TWO_YEARS: Final = 2 * 366 * 86_400
_TAG: Final = ["Candles of this server"]
_MAX_AGE: Final = "public, max-age=60"

Start = Annotated[int, Parameter(query="from", ge=-(10**10), le=10**10, description="Unix seconds, inclusive.")]
End = Annotated[int, Parameter(query="to", ge=-(10**10), le=10**10, description="Unix seconds, inclusive.")]


class SymbolCoverage(msgspec.Struct, frozen=True):
    """A symbol that this server has candles of; times are Unix seconds."""

    symbol: str
    earliest: int
    latest: int
    tick_count: int


class Metadata(msgspec.Struct, frozen=True):
    """What this server has candles of."""

    symbols: list[SymbolCoverage]
    timeframes: list[str]


class SymbolMetadata(msgspec.Struct, frozen=True):
    """What this server has of one symbol, and the timeframes that whole candles make up."""

    symbol: str
    earliest: int
    latest: int
    tick_count: int
    timeframes: list[str]


@get("/api/metadata", tags=_TAG, responses=problems(404), operation_id="metadata")
async def metadata(service: Served, reading: Reading, symbol: str | None = None) -> Metadata | SymbolMetadata:
    """Tell what this server has candles of: everything, or one symbol."""
    if symbol is not None:
        return await reading.read(_metadata_of, service.library, symbol)
    return await reading.read(_metadata, service.library)


@get("/api/metadata/{symbol:str}", tags=_TAG, responses=problems(404), operation_id="symbol_metadata")
async def symbol_metadata(symbol: str, service: Served, reading: Reading) -> SymbolMetadata:
    """Tell what this server has of one symbol."""
    return await reading.read(_metadata_of, service.library, symbol)


@get("/api/candles", tags=_TAG, responses=problems(404, 422), operation_id="candles")
async def candles(
    symbol: str,
    timeframe: str,
    start: Start,
    end: End,
    service: Served,
    reading: Reading,
    if_none_match: Annotated[str | None, Parameter(header="If-None-Match")] = None,
) -> Response[bytes]:
    """Give candles, rising in time; `[]` and the headers `X-Available-From` and `-To` where the range has none."""
    return await _candles(service, reading, symbol, timeframe, start, end, if_none_match)


@get(
    "/api/candles/{symbol:str}/{timeframe:str}", tags=_TAG, responses=problems(404, 422), operation_id="symbol_candles"
)
async def symbol_candles(
    symbol: str,
    timeframe: str,
    start: Start,
    end: End,
    service: Served,
    reading: Reading,
    if_none_match: Annotated[str | None, Parameter(header="If-None-Match")] = None,
) -> Response[bytes]:
    """Give candles; the same by path."""
    return await _candles(service, reading, symbol, timeframe, start, end, if_none_match)


async def _candles(
    service: Served, reading: Reading, symbol: str, timeframe: str, start: int, end: int, known: str | None
) -> Response[bytes]:
    _check(timeframe, start, end)
    body = await reading.read(_read, service.library, symbol, timeframe, start, end)
    tag = hashlib.sha256(body).hexdigest()[:32]
    headers = {"ETag": quoted(tag), "Cache-Control": _MAX_AGE}
    if is_current(known, tag):
        return Response(b"", status_code=304, headers=headers, media_type=MediaType.JSON)
    if body == b"[]":
        coverage = await reading.read(_metadata_of, service.library, symbol)
        headers |= {
            "X-Data-Available": "false",
            "X-Available-From": format_time(coverage.earliest * NANOSECONDS),
            "X-Available-To": format_time(coverage.latest * NANOSECONDS),
        }
    return Response(body, headers=headers, media_type=MediaType.JSON)


def _check(timeframe: str, start: int, end: int) -> None:
    wrong = []
    if timeframe not in TIMEFRAMES:
        wrong.append(FieldProblem(path="timeframe", message=f"expected one of {', '.join(TIMEFRAMES)}"))
    if start >= end:
        wrong.append(FieldProblem(path="from", message="has to be before to"))
    elif end - start > _TWO_YEARS:
        wrong.append(FieldProblem(path="to", message="a range is two years at most: ask for it in pieces"))
    if wrong:
        raise InvalidRequestError("; ".join(f"{each.path}: {each.message}" for each in wrong), wrong)


def _read(library: CandleLibrary, symbol: str, timeframe: str, start: int, end: int) -> bytes:
    instrument, found = library.candles(symbol, timeframe, start * NANOSECONDS, end * NANOSECONDS)
    digits = instrument.price_precision

    def rows() -> Iterator[str]:
        for chunk in found:
            prices = (
                [format_scaled(each, digits) for each in column.tolist()]
                for column in (chunk.open, chunk.high, chunk.low, chunk.close)
            )
            for time, open_, high, low, close, volume in zip(
                chunk.time.tolist(), *prices, chunk.volume.tolist(), strict=True
            ):
                tail = f',"volume":{volume:.12g}' if volume else ""
                yield (
                    f'{{"time":{time // NANOSECONDS},"open":{open_},"high":{high},"low":{low},"close":{close}{tail}}}'
                )

    return f"[{','.join(rows())}]".encode()


def _metadata(library: CandleLibrary) -> Metadata:
    instruments = library.instruments()
    # The finest candles of a symbol come first.
    finest: dict[str, Holding] = {}
    for each in library.holdings():
        if each.symbol in instruments:
            finest.setdefault(each.symbol, each)
    return Metadata([_coverage(library, each) for each in finest.values()], list(TIMEFRAMES))


def _metadata_of(library: CandleLibrary, symbol: str) -> SymbolMetadata:
    finest = _finest(library, symbol)
    found = _coverage(library, finest)
    timeframes = library.timeframes(finest.symbol, TIMEFRAMES)
    return SymbolMetadata(found.symbol, found.earliest, found.latest, found.tick_count, timeframes)


def _finest(library: CandleLibrary, symbol: str) -> Holding:
    found = library.find(normalise_symbol(symbol), None)
    if found is None:
        raise UnknownSymbolError(f"this server has no candles of {symbol}")
    return found


def _coverage(library: CandleLibrary, holding: Holding) -> SymbolCoverage:
    found = library.coverage(holding)
    # The last moment of the last candle: until then nothing is missing.
    latest = (found.latest + parse_timeframe(holding.timeframe)) // NANOSECONDS - 1
    return SymbolCoverage(holding.symbol, found.earliest // NANOSECONDS, latest, found.candles)


HANDLERS: Final = [metadata, symbol_metadata, candles, symbol_candles]
