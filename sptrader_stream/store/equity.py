"""A run's equity on disk: one pair (time, equity) for every candle at which it changed, int64, little endian.

While nothing is open nothing is written; the equity at any candle is that of the last pair up to it. Positions that are
closed at the end of a run may add a second pair of the last candle's time.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import numpy as np

from sptrader_stream.columns import Ints
from sptrader_stream.errors import StorageError
from sptrader_stream.files import create, write_all
from sptrader_stream.kernels import kernel

EQUITY_FILE: Final = "equity.bin"
_ROWS_AT_A_TIME: Final = 65_536
_PAIR_BYTES: Final = 16


@kernel
def keep_changes(time: Ints, equity: Ints, state: Ints, out: Ints) -> int:
    """Put the pairs at which equity differs from the one before into ``out``; answers the number of words used.

    Args:
        time: open times.
        equity: after each candle.
        state: the last equity of the batch before; updated.
        out: two words for each candle.
    """
    last = state[0]
    words = 0
    for index in range(len(equity)):
        value = equity[index]
        if value != last:
            out[words] = time[index]
            out[words + 1] = value
            words += 2
            last = value
    state[0] = last
    return words


class EquityWriter:
    """Appends a run's equity, batch by batch, to a new file in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._file = create(folder / EQUITY_FILE)
        self._state: Ints = np.full(1, np.iinfo(np.int64).min)
        self._pairs: Ints = np.empty(0, np.int64)

    def append(self, time: Ints, equity: Ints) -> None:
        """Add a batch: open times, each once, and equity (10^-8) by time."""
        if len(self._pairs) < 2 * len(time):
            self._pairs = np.empty(2 * len(time), np.int64)
        words = keep_changes(time, equity, self._state, self._pairs)
        if words:
            write_all(self._file, self._pairs[:words].data)

    def __enter__(self) -> EquityWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def read_equity(folder: Path) -> Iterator[tuple[Ints, Ints]]:
    """Read a run's equity in pieces: times and equity where it changed.

    Raises:
        StorageError: it is not there, or cannot be read.
    """
    with _open(folder) as file:
        while len(piece := np.fromfile(file, "<i8", 2 * _ROWS_AT_A_TIME)) > 1:
            pairs = piece[: len(piece) // 2 * 2].reshape(-1, 2).astype(np.int64)
            yield pairs[:, 0], pairs[:, 1]


def find_changes(folder: Path, start: int | None = None, end: int | None = None) -> tuple[int, int]:
    """Find the pairs that tell equity over a range of time: the one that holds when it begins, and those in it.

    Args:
        folder: the run's, which may be under way.
        start, end: nanoseconds since 1970, inclusive; None for all there is.

    Returns:
        The index of the first pair, and of the first one behind the last.

    Raises:
        StorageError: as :func:`read_equity`.
    """
    with _open(folder) as file:
        count = os.fstat(file.fileno()).st_size // _PAIR_BYTES
        if not count or (start is None and end is None):
            return 0, count
        # Mapped, because a search looks at few of them.
        times = np.memmap(file, "<i8", "r", shape=(count, 2))[:, 0]
        first = 0 if start is None else max(bisect_right(times, start) - 1, 0)
        last = count if end is None else bisect_right(times, end)
        return first, max(first, last)


def _open(folder: Path) -> BinaryIO:
    try:
        return (folder / EQUITY_FILE).open("rb")
    except FileNotFoundError:
        raise StorageError(f"{folder} has no {EQUITY_FILE}: a part of the run is lost; run it again") from None
    except OSError as error:
        raise StorageError(f"{folder / EQUITY_FILE}: cannot be read: {error.strerror}") from None
