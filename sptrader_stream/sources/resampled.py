"""Candles of a coarser timeframe than a source has, built from its own once these have passed the data contract."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sptrader_stream.sources.source import CandleSource, Chunk, SourceInfo, StoppableSource
from sptrader_stream.timeframes import format_timeframe, parse_timeframe


class ResampledSource:
    """A source whose candles are to be put together; the intake does that (see ``SourceInfo.built_from``).

    Args:
        source: has the finer candles.
        timeframe: of the candles to build; whole candles of the source make one up.
    """

    def __init__(self, source: CandleSource, timeframe: str) -> None:
        self._source = source
        self.info: SourceInfo = msgspec.structs.replace(
            source.info, timeframe=timeframe, built_from=source.info.timeframe, rows=None
        )

    def chunks(self) -> Iterator[Chunk]:
        """Read the finer candles, see ``CandleSource``."""
        return self._source.chunks()

    def place(self, row: int) -> str:
        """Say where a finer candle is."""
        return self._source.place(row)

    def stop(self) -> None:
        """See ``StoppableSource``; a source that cannot wait has nothing to be stopped."""
        if isinstance(self._source, StoppableSource):
            self._source.stop()


def in_timeframe(source: CandleSource, timeframe: str | None) -> CandleSource:
    """Give a source in a timeframe.

    Args:
        source: has candles of this timeframe, or of a finer one that makes it up.
        timeframe: such as ``1h``; None for the source's own.
    """
    if timeframe is None or parse_timeframe(timeframe) == parse_timeframe(source.info.timeframe):
        return source
    return ResampledSource(source, format_timeframe(parse_timeframe(timeframe)))
