"""A run's equity and drawdown, reduced to what a chart can show without losing a peak or a trough."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.money import MONEY_SCALE
from sptrader_stream.store.equity import count_changes, read_equity

_MOST_POINTS: Final = 5_000
# Of each group of changes.
_KEPT: Final = 5


class EquityCurve(msgspec.Struct, frozen=True):
    """Equity where it changed; between two points it stays.

    Attributes:
        time: nanoseconds since 1970.
        equity: the account currency.
        drawdown: from the running peak, a fraction, not above zero.
    """

    time: Ints
    equity: Floats
    drawdown: Floats

    def at_ends(self, begin: int, end: int, stretches: int) -> Floats:
        """Equity at the ends of equal stretches of time, at least a cent; float64, shape (stretches,).

        Args:
            begin, end: nanoseconds since 1970.
            stretches: how many.
        """
        ends = begin + (end - begin) * np.arange(1, stretches + 1) / stretches
        found = self.equity[np.maximum(np.searchsorted(self.time, ends, side="right") - 1, 0)]
        return np.maximum(found, 0.01)


def read_curve(folder: Path, start_capital: int) -> EquityCurve:
    """Read a run's equity: of each group of changes the lowest, the highest, the deepest drawdown and the last.

    Memory does not depend on the length of the run; few changes are kept as they are.

    Args:
        folder: the run's.
        start_capital: money (10^-8), the first peak.

    Raises:
        StorageError: the run's equity cannot be read.
    """
    changes = count_changes(folder)
    size = 1 if changes <= _MOST_POINTS else -(-changes // (_MOST_POINTS // _KEPT))
    times: list[Ints] = []
    equities: list[Floats] = []
    drawdowns: list[Floats] = []
    peak = start_capital
    for piece_times, piece in read_equity(folder):
        peaks = np.maximum(np.maximum.accumulate(piece), peak)
        peak = int(peaks[-1])
        drawdown = np.minimum(piece / np.maximum(peaks, 1) - 1.0, 0.0)
        kept = _extremes(piece, drawdown, size)
        times.append(piece_times[kept])
        equities.append(piece[kept] / MONEY_SCALE)
        drawdowns.append(drawdown[kept])
    if not times:
        return EquityCurve(np.empty(0, np.int64), np.empty(0), np.empty(0))
    return EquityCurve(np.concatenate(times), np.concatenate(equities), np.concatenate(drawdowns))


def _extremes(equity: Ints, drawdown: Floats, size: int) -> Ints:
    """Choose the places to keep in a piece, ascending."""
    if size == 1:
        return np.arange(len(equity))
    chosen: set[int] = set()
    for start in range(0, len(equity), size):
        part = equity[start : start + size]
        low, high, deep = int(part.argmin()), int(part.argmax()), int(drawdown[start : start + size].argmin())
        chosen.update(start + each for each in (0, low, high, deep, len(part) - 1))
    return np.array(sorted(chosen), np.int64)
