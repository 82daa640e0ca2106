"""Where candles come from, and the contract that they are held to."""

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.sources.source import CandleSource, RawCandles, SourceInfo

__all__ = ["CandleSource", "RawCandles", "ReadyCandles", "SourceInfo"]
