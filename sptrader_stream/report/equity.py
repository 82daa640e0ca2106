"""A run's equity and drawdown, reduced to what a chart can show without losing a peak or a trough."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.money import MONEY_SCALE
from sptrader_stream.store.equity import find_changes, read_equity

_MOST_POINTS: Final = 5_000
# So many are left of a group of changes.
FEWEST_POINTS: Final = 5


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


class EquityPoints(msgspec.Struct, frozen=True):
    """Some of the changes of a run's equity.

    Attributes:
        time: nanoseconds since 1970.
        equity: money (10^-8).
        drawdown: from the running peak, a fraction, not above zero.
        changes: how many there are in the range, those that were passed over included.
    """

    time: Ints
    equity: Ints
    drawdown: Floats
    changes: int


def read_curve(folder: Path, start_capital: int) -> EquityCurve:
    """Read a run's equity, reduced as by :func:`read_points`.

    Args:
        folder: the run's.
        start_capital: money (10^-8), the first peak.

    Raises:
        StorageError: the run's equity cannot be read.
    """
    found = read_points(folder, start_capital, _MOST_POINTS)
    return EquityCurve(found.time, found.equity / MONEY_SCALE, found.drawdown)


def read_points(
    folder: Path, start_capital: int, most: int, start: int | None = None, end: int | None = None
) -> EquityPoints:
    """Read a run's equity: of each group of changes the lowest, the highest, the deepest drawdown and the last.

    Memory does not depend on the length of the run; few changes are kept as they are. The change before the range comes
    first, as equity stands at it when the range begins.

    Args:
        folder: the run's, which may be under way.
        start_capital: money (10^-8), the first peak.
        most: points, at least ``FEWEST_POINTS``.
        start, end: of the range, nanoseconds since 1970, inclusive; None for all there is.

    Raises:
        StorageError: the run's equity cannot be read.
    """
    first, last = find_changes(folder, start, end)
    changes = last - first
    size = _group(changes, most)
    times: list[Ints] = []
    equities: list[Ints] = []
    drawdowns: list[Floats] = []
    peak, place = start_capital, 0
    for piece_times, piece in read_equity(folder):
        peaks = np.maximum(np.maximum.accumulate(piece), peak)
        peak = int(peaks[-1])
        low, high = max(first - place, 0), min(last - place, len(piece))
        place += len(piece)
        if low < high:
            inside = piece[low:high]
            drawdown = np.minimum(inside / np.maximum(peaks[low:high], 1) - 1.0, 0.0)
            kept = _extremes(inside, drawdown, size)
            times.append(piece_times[low:high][kept])
            equities.append(inside[kept])
            drawdowns.append(drawdown[kept])
        if place >= last:
            break
    if not times:
        return EquityPoints(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), 0)
    time, equity, drawdown = np.concatenate(times), np.concatenate(equities), np.concatenate(drawdowns)
    # Groups do not go over the ends of pieces, so that there may be a few too many.
    kept = _extremes(equity, drawdown, _group(len(time), most))
    return EquityPoints(time[kept], equity[kept], drawdown[kept], changes)


def _group(changes: int, most: int) -> int:
    """How many changes one group has to hold, so that no more than ``most`` points are left."""
    return 1 if changes <= most else -(-changes // (most // FEWEST_POINTS))


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
