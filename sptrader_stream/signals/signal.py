"""What the engine asks of a signal, built-in or the user's own."""

from __future__ import annotations

from typing import Protocol

from sptrader_stream.candles import CandleView
from sptrader_stream.columns import Codes, Floats


class Signal(Protocol):
    """A signal at work on one instrument, with its state."""

    def update(self, view: CandleView) -> tuple[Floats | Codes, ...]:
        """Take the next batch of candles.

        Args:
            view: the candles; at least one.

        Returns:
            One array per declared output, one value per candle: int8 codes (0 is none) where the output has choices,
            else float64 (NaN is undefined). Any split into batches gives the same values, bit for bit.

        Raises:
            SignalError: the user's own code failed.
        """
        ...
