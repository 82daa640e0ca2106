"""The operands that a strategy's conditions name, each kept once, in the order in which they first occur."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sptrader_stream.rules.conditions import Column
from sptrader_stream.rules.operands import Operand


class OperandTable:
    """Hands out a column for each distinct operand of a timeframe."""

    def __init__(self) -> None:
        self._indices: dict[tuple[str | None, Operand], int] = {}
        self._timeframe: str | None = None

    @contextmanager
    def on(self, timeframe: str) -> Iterator[None]:
        """Hand out columns of a higher timeframe within the block."""
        self._timeframe = timeframe
        try:
            yield
        finally:
            self._timeframe = None

    def column(self, operand: Operand) -> Column:
        """The column of ``operand``, a new one at its first mention on this timeframe."""
        return Column(self._indices.setdefault((self._timeframe, operand), len(self._indices)))

    @property
    def operands(self) -> tuple[Operand, ...]:
        """All operands; a column's index is its place here."""
        return tuple(operand for _, operand in self._indices)

    @property
    def higher_timeframes(self) -> tuple[str, ...]:
        """The timeframes of the operands other than the strategy's own, each once."""
        return tuple(dict.fromkeys(timeframe for timeframe, _ in self._indices if timeframe is not None))

    @property
    def operand_timeframes(self) -> tuple[int, ...]:
        """By operand: 0 for the strategy's own timeframe, else 1 + its place in ``higher_timeframes``."""
        timeframes = (None, *self.higher_timeframes)
        return tuple(timeframes.index(timeframe) for timeframe, _ in self._indices)
