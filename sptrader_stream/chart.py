"""A line chart in characters: braille dots, or plain stars where the terminal knows no more than ASCII."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from sptrader_stream.columns import Ints

# The eight dots of a braille character, as bits of its code behind U+2800: rows from the top, two columns.
_BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_STAR = np.array([[1]])


class Envelope(NamedTuple):
    """The lowest and highest value of a series in each of a few equal stretches of time, int64."""

    lows: Ints
    highs: Ints


def envelope(changes: Iterable[tuple[Ints, Ints]], period: tuple[int, int], columns: int) -> Envelope:
    """Reduce a series that keeps its value until it changes.

    Args:
        changes: times and values, in pieces, in order; the first is at the beginning of the period.
        period: the first and last time.
        columns: how many stretches to divide the period into.
    """
    width = (period[1] - period[0]) // columns + 1
    lows: Ints = np.full(columns, np.iinfo(np.int64).max)
    highs: Ints = np.full(columns, np.iinfo(np.int64).min)
    lasts: Ints = np.zeros(columns, np.int64)
    for times, values in changes:
        at = (times - period[0]) // width
        np.minimum.at(lows, at, values)
        np.maximum.at(highs, at, values)
        ends = np.append(at[1:] != at[:-1], True)
        lasts[at[ends]] = values[ends]
    carried = lasts[0]
    for column in range(1, columns):
        changed = lows[column] <= highs[column]
        lows[column] = min(lows[column], carried)
        highs[column] = max(highs[column], carried)
        carried = lasts[column] if changed else carried
    return Envelope(lows, highs)


def dots_across(ascii_only: bool) -> int:
    """How many values fit side by side into one character."""
    return 1 if ascii_only else 2


def draw(curve: Envelope, width: int, rows: int, ascii_only: bool) -> list[str]:
    """Draw a curve as lines of text, the highest first.

    Args:
        curve: the curve; ``width * dots_across(ascii_only)`` stretches of it can be told apart.
        width: characters across.
        rows: characters in height.
        ascii_only: draw with stars.
    """
    cell = _STAR if ascii_only else _BRAILLE
    down, across = cell.shape
    bottom, top = int(curve.lows.min()), int(curve.highs.max())
    dots = rows * down
    starts = np.arange(width * across) * len(curve.lows) // (width * across)
    lows, highs = np.minimum.reduceat(curve.lows, starts), np.maximum.reduceat(curve.highs, starts)
    # Each dot reaches to where the one before it ended, so that a jump is drawn as a line.
    lows[1:], highs[1:] = np.minimum(lows[1:], highs[:-1]), np.maximum(highs[1:], lows[:-1])
    scale = (dots - 1) / (top - bottom) if top > bottom else 0.0
    offset = 0.0 if top > bottom else dots // 2
    from_dot, to_dot = (np.rint((each - bottom) * scale + offset) for each in (lows, highs))
    height = np.arange(dots)[::-1, None]
    lit = (from_dot <= height) & (height <= to_dot)
    codes = np.einsum("rdca,da->rc", lit.reshape(rows, down, -1, across), cell)
    if ascii_only:
        return ["".join(" *"[code] for code in line) for line in codes.tolist()]
    return ["".join(chr(0x2800 + code) for code in line) for line in codes.tolist()]
