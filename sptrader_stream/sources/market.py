"""What a run trades: an instrument together with where its candles come from."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.contract import DataPolicy
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.source import CandleSource


class MarketSpec(msgspec.Struct, frozen=True):
    """An instrument, and where its candles come from.

    Attributes:
        instrument: what is traded.
        source: has its candles.
        start, end: the range that was asked for, nanoseconds since 1970 UTC, inclusive; None for all there is.
        timezone: that was given for a file's times; None for none.
    """

    instrument: Instrument
    source: CandleSource
    start: int | None = None
    end: int | None = None
    timezone: str | None = None

    def candles(self, policy: DataPolicy) -> Iterator[ReadyCandles]:
        """Read the candles, held against the data contract.

        Raises:
            DataError: the source cannot be read on, or a finding blocks; everything before it was given.
        """
        return ready_chunks(self.source, Intake(self.source, self.instrument, policy))
