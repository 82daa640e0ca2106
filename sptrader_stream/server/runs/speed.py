"""How fast a run goes: candles a second over the last moments, and over all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

# A shorter while says more about the machine than about the run.
_WHILE: Final = 0.5


class Speedometer:
    """Tells speeds from counts of candles that it is shown now and then.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun = self._since = clock()
        self._candles = 0
        self._speed: float | None = None

    def start(self) -> None:
        """The first candle comes now."""
        self._begun = self._since = self._clock()

    def read(self, candles: int) -> float:
        """Candles a second over the last half second or more; in the first one from the start on."""
        passed = self._clock() - self._since
        if passed >= _WHILE:
            self._speed = (candles - self._candles) / passed
            self._since, self._candles = self._clock(), candles
        return self.overall(candles) if self._speed is None else round(self._speed, 1)

    def overall(self, candles: int) -> float:
        """Candles a second from the start on."""
        passed = self._clock() - self._begun
        return round(candles / passed, 1) if passed > 0 else 0.0
