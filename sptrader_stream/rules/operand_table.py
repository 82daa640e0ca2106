"""The operands that a strategy's conditions name, each kept once, in the order in which they first occur."""

from __future__ import annotations

from sptrader_stream.rules.conditions import Column
from sptrader_stream.rules.operands import Operand


class OperandTable:
    """Hands out a column for each distinct operand."""

    def __init__(self) -> None:
        self._indices: dict[Operand, int] = {}

    def column(self, operand: Operand) -> Column:
        """The column of ``operand``, a new one at its first mention."""
        return Column(self._indices.setdefault(operand, len(self._indices)))

    @property
    def operands(self) -> tuple[Operand, ...]:
        """All operands; a column's index is its place here."""
        return tuple(self._indices)
