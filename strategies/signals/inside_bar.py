"""A stateful signal: candle by candle, with a memory of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sptrader_stream.signals.api import Candle, Candles, Output, StatefulSignal, parameter


class InsideBar(StatefulSignal):
    """Candles inside the range of one before them, then a close outside of it."""

    bars: int = parameter(1, minimum=1, description="How many candles in a row must lie inside.")

    outputs = (
        Output("pattern", choices=("inside", "breaks_up", "breaks_down")),
        Output("inside_bars", description="how many candles in a row lie inside so far"),
    )

    def start(self) -> None:
        """Before the first candle there is no range to lie in."""
        self.mother: Candle | None = None
        self.inside = 0

    def update(self, candles: Candles, indicators: Mapping[str, np.ndarray]) -> Mapping[str, list[str] | list[int]]:
        """Go through the new candles one by one."""
        patterns, counts = [], []
        for candle in candles.rows():
            patterns.append(self.look_at(candle))
            counts.append(self.inside)
        return {"pattern": patterns, "inside_bars": counts}

    def look_at(self, candle: Candle) -> str:
        """Say what this candle is, and remember it if it sets a new range."""
        mother = self.mother
        if mother is None:
            self.mother = candle
            return "none"
        if candle.high <= mother.high and candle.low >= mother.low:
            self.inside += 1
            return "inside" if self.inside >= self.bars else "none"
        ready = self.inside >= self.bars
        pattern = "none"
        if ready and candle.close > mother.high:
            pattern = "breaks_up"
        elif ready and candle.close < mother.low:
            pattern = "breaks_down"
        self.mother, self.inside = candle, 0
        return pattern
