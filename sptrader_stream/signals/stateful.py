"""A user's stateful signal at work, batch by batch.

Whether its memory really does not depend on where batches end cannot be seen from a single run. So at the start of a
run a second one of its kind gets the same candles one at a time, and must say the same.
"""

from __future__ import annotations

from sptrader_stream.candles import CandleView
from sptrader_stream.columns import Codes, Floats
from sptrader_stream.signals.api import Candles, StatefulSignal
from sptrader_stream.signals.usercode import UserIndicators, UserMethod, locked
from sptrader_stream.signals.userfile import UserFile

COMPARED_CANDLES = 256


class StatefulAdapter:
    """A :class:`StatefulSignal` as the engine sees it.

    Args:
        file: the signal's file.
        signal: the signal at its start.
        twin: another one at its start, for comparison.
        indicators: those that the signal asks for.
    """

    def __init__(
        self, file: UserFile, signal: StatefulSignal, twin: StatefulSignal, indicators: UserIndicators
    ) -> None:
        self._indicators = indicators
        self._method = UserMethod(file, signal.update)
        self._twin = UserMethod(file, twin.update)
        self._compared = 0

    def update(self, view: CandleView) -> tuple[Floats | Codes, ...]:
        """See :class:`Signal`."""
        candles = Candles(*map(locked, Candles.of(view)))
        series = [locked(each) for each in self._indicators.update(view)]
        length = len(view)
        told = self._method.call(candles, dict(zip(self._indicators.names, series, strict=True)), length, 0)
        if self._compared < COMPARED_CANDLES:
            self._compare(candles, series, told)
        return tuple(told)

    def _compare(self, candles: Candles, series: list[Floats], told: list[Floats | Codes]) -> None:
        for row in range(min(len(candles.time), COMPARED_CANDLES - self._compared)):
            one = slice(row, row + 1)
            indicators = {name: each[one] for name, each in zip(self._indicators.names, series, strict=True)}
            alone = self._twin.call(Candles._make(column[one] for column in candles), indicators, 1, 0)
            self._twin.compare([column[one] for column in told], alone, self._compared, "depends_on_batches")
            self._compared += 1
