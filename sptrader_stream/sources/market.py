"""What a run trades: an instrument together with where its candles come from."""

from __future__ import annotations

import msgspec

from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.source import CandleSource


class MarketSpec(msgspec.Struct, frozen=True):
    """An instrument, and where its candles come from; ``start`` and ``end`` are the range that was asked for.

    ``start`` and ``end`` are nanoseconds since 1970 UTC, inclusive; None for all there is.
    """

    instrument: Instrument
    source: CandleSource
    start: int | None = None
    end: int | None = None
