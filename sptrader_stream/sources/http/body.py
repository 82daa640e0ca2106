"""What a market-data server answers: candles and metadata, out of JSON, exact and held to what was asked.

Candles that are written the usual way are read by a kernel (``scan``), everything else by a decoder.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from operator import attrgetter
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.decoding import json_decoder
from sptrader_stream.sources.http.scan import UNUSUAL, scan
from sptrader_stream.sources.source import RawCandles
from sptrader_stream.timeframes import NANOSECONDS

# Up to 15 significant digits a float64 stands for one decimal text; what has more is decided by its text.
_NUMERALS: Final = bytes(ord("0") if chr(each) in "0123456789." else ord("x") for each in range(256))
_LONG: Final = b"0" * 17
_PRICES: Final = ("open", "high", "low", "close")
_QUARTER: Final = Decimal("0.25")
_FAR: Final = Decimal("0.001")


class AnswerError(Exception):
    """An answer that is not what was asked for; says what is wrong with it."""


class SymbolMetadata(msgspec.Struct, frozen=True):
    """What a server has of a symbol; times are Unix seconds."""

    symbol: str
    earliest: int
    latest: int
    timeframes: list[str]
    tick_count: int = 0


class _Row(msgspec.Struct, frozen=True, gc=False):
    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None = None


class _ExactRow(msgspec.Struct, frozen=True, gc=False):
    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: float | None = None


_ROWS: Final = json_decoder(list[_Row])
_EXACT_ROWS: Final = json_decoder(list[_ExactRow])
_METADATA: Final = json_decoder(SymbolMetadata)


def read_metadata(body: bytes) -> SymbolMetadata:
    """Read what a server says of a symbol.

    Raises:
        AnswerError: it is something else.
    """
    try:
        return _METADATA.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AnswerError(f"no metadata of a symbol: {error}") from None


def read_candles(body: bytes, first: int, last: int, precision: int, row: int) -> RawCandles:
    """Read candles, rising in time and within what was asked for.

    Args:
        body: JSON, as it came.
        first, last: the range, Unix seconds, inclusive.
        precision: decimal places of the instrument's price.
        row: index of the first candle among those of the source.

    Raises:
        AnswerError: it is something else, or a candle is out of order or range.
    """
    found = _scanned(body)
    times, columns = _decoded(body, precision) if found is None else found
    if len(times):
        if int(times.min()) < first or int(times.max()) > last:
            raise AnswerError("candles outside of the range that was asked for")
        if len(times) > 1 and bool((np.diff(times) <= 0).any()):
            raise AnswerError("candles out of order, or one twice")
    open_, high, low, close, volume = columns
    return RawCandles(
        row=row, time=times * NANOSECONDS, open=open_, high=high, low=low, close=close, volume=volume, spread=None
    )


def _scanned(body: bytes) -> tuple[Ints, list[Floats]] | None:
    """Read candles that are written the usual way; None where a decoder has to look."""
    room = body.count(b"}")
    times: Ints = np.empty(room, np.int64)
    columns: list[Floats] = [np.empty(room) for _ in range(5)]
    open_, high, low, close, volume = columns
    count = scan(np.frombuffer(body, np.int8), times, open_, high, low, close, volume, np.empty(6))
    if count == UNUSUAL:
        return None
    return times[:count], [each[:count] for each in columns]


def _decoded(body: bytes, precision: int) -> tuple[Ints, list[Floats]]:
    """Read candles however they are written.

    Raises:
        AnswerError: they are none.
    """
    try:
        if not _has_long_number(body):
            rows: list[_Row] | list[_ExactRow] = _ROWS.decode(body)
            columns = [_floats(rows, name) for name in _PRICES]
        else:
            rows = _EXACT_ROWS.decode(body)
            columns = [
                np.array([_carried(getattr(each, name), precision) for each in rows], np.float64) for name in _PRICES
            ]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AnswerError(f"no list of candles: {error}") from None
    times: Ints = np.fromiter(map(attrgetter("time"), rows), np.int64, len(rows))
    return times, [*columns, np.fromiter((each.volume or 0.0 for each in rows), np.float64, len(rows))]


def _has_long_number(body: bytes) -> bool:
    """Whether digits and points stand together for longer than a number of 15 digits is."""
    return _LONG in body.translate(_NUMERALS)


def _floats(rows: list[_Row] | list[_ExactRow], name: str) -> Floats:
    return np.fromiter(map(attrgetter(name), rows), np.float64, len(rows))


def _carried(price: Decimal, precision: int) -> float:
    """A float64 that the data contract reads as the tick nearest to a decimal, and as finer than a tick where it is.

    Halves go to even. A tick count below 9 * 10^12 divided by a power of ten is read back exactly; a quarter tick more
    is off the tick, and nearest to the same one.
    """
    scale = Decimal(10) ** precision
    ticks = price * scale
    nearest = ticks.to_integral_value(ROUND_HALF_EVEN)
    rest = ticks - nearest
    if abs(rest) <= _FAR:
        return float(nearest / scale)
    return float((nearest + (_QUARTER if rest > 0 else -_QUARTER)) / scale)
