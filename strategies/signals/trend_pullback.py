"""A window signal over pandas: a DataFrame of candles and Series of indicators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sptrader_stream.signals.api import IndicatorRequest, Output, WindowSignal, indicator, parameter

if TYPE_CHECKING:
    import pandas as pd


class TrendPullback(WindowSignal):
    """In a trend, the price goes against it for some candles and then turns."""

    trend: int = parameter(50, minimum=2, description="Candles in the average that tells the trend.")
    pullback: int = parameter(3, minimum=1, maximum=50, description="Falling (or rising) closes in a row.")

    frame = "pandas"
    outputs = (
        Output("setup", choices=("buy_dip", "sell_rally")),
        Output("distance", description="the close's distance from the trend, relative to it"),
    )

    @property
    def lookback(self) -> int:
        """One candle for the turn, one for the first change."""
        return self.pullback + 1

    @property
    def indicators(self) -> Mapping[str, IndicatorRequest]:
        """Computed over the whole run, so that no lookback is needed for it."""
        return {"trend": indicator("sma", period=self.trend)}

    def compute(self, candles: pd.DataFrame, indicators: Mapping[str, pd.Series]) -> Mapping[str, Any]:
        """Count how often in a row the close went against the trend, up to the candle before."""
        close, trend = candles["close"], indicators["trend"]
        change = close.diff()
        fell = (change < 0).astype(int).rolling(self.pullback).sum().shift(1) == self.pullback
        rose = (change > 0).astype(int).rolling(self.pullback).sum().shift(1) == self.pullback

        buy, sell = fell & (change > 0) & (close > trend), rose & (change < 0) & (close < trend)
        setup = np.select([buy, sell], ["buy_dip", "sell_rally"], default="none")
        return {"setup": setup, "distance": close / trend - 1}
