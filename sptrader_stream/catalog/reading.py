"""A series of the catalog as a source of candles, be it of candles or of ticks."""

from __future__ import annotations

from pathlib import Path

from sptrader_stream.catalog.finding import CANDLES_OF_TICKS
from sptrader_stream.catalog.manifest import read_manifest
from sptrader_stream.catalog.source import CatalogSource
from sptrader_stream.catalog.ticks import CatalogTicks
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.source import CandleSource
from sptrader_stream.sources.tick_candles import TickCandleSource
from sptrader_stream.timeframes import parse_timeframe


def open_candles(
    folder: Path,
    instrument: Instrument,
    *,
    timeframe: str | None = None,
    start: int | None = None,
    end: int | None = None,
) -> CandleSource:
    """Open the candles of a series, or those that its ticks make and that are over by the last of them.

    Args:
        folder: the series'.
        instrument: what it holds.
        timeframe: such as ``1h``, one that its candles make up; None for their own, of ticks ``CANDLES_OF_TICKS``.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the first there is.
        end: last open time wanted, inclusive; None for the last there is.

    Raises:
        DataError: the folder holds no series, or one of another instrument or of a timeframe that does not do.
        UserError: ``timeframe`` is none.
    """
    manifest = read_manifest(folder)
    if manifest is None or not manifest.has_ticks:
        return CatalogSource(folder, instrument, timeframe=timeframe, start=start, end=end)
    wanted = timeframe or CANDLES_OF_TICKS
    length = parse_timeframe(wanted)
    if manifest.span is not None:
        # Whether a candle is over that the last tick falls into is not known: more ticks would make another one of it.
        whole = manifest.span[1] - length
        end = whole if end is None else min(end, whole)
    reader = CatalogTicks(folder, instrument, start, None if end is None else end + length)
    return TickCandleSource(reader, instrument, timeframe=wanted, start=start, end=end)
