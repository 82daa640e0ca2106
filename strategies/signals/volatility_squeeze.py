"""A window signal: numpy over recent history, all candles at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sptrader_stream.signals.api import Candles, Output, WindowSignal, parameter


class VolatilitySqueeze(WindowSignal):
    """The range of recent candles becomes narrow, then the close breaks out of it."""

    period: int = parameter(20, minimum=2, maximum=1000, description="Candles in the range.")
    narrow: float = parameter(0.002, minimum=0.0, description="Height of a narrow range, relative to the close.")

    outputs = (
        Output("squeeze", choices=("begins", "breaks_up", "breaks_down")),
        Output("height", description="height of the range, relative to the close"),
    )

    @property
    def lookback(self) -> int:
        """The range of the candles before, and once more to see that it has become narrow."""
        return self.period + 1

    def compute(self, candles: Candles, indicators: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Compare each close with the range of the candles before it."""
        count = len(candles.close)
        top, bottom = np.full(count, np.nan), np.full(count, np.nan)
        windows = np.lib.stride_tricks.sliding_window_view
        top[self.period :] = windows(candles.high, self.period)[:-1].max(axis=1)
        bottom[self.period :] = windows(candles.low, self.period)[:-1].min(axis=1)

        height = (top - bottom) / candles.close
        squeezed = height <= self.narrow
        was_squeezed = np.concatenate([[False], squeezed[:-1]])
        squeeze = np.select(
            [squeezed & (candles.close > top), squeezed & (candles.close < bottom), squeezed & ~was_squeezed],
            ["breaks_up", "breaks_down", "begins"],
            default="none",
        )
        return {"squeeze": squeeze, "height": height}
