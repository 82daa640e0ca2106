"""The candles under a check: read into memory up to a bound, and cut between any two timestamps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles, part_of
from sptrader_stream.columns import Ints
from sptrader_stream.events import Candles
from sptrader_stream.sources.merging import merged


class History:
    """Candles of all instruments, to be cut anywhere between two timestamps.

    Args:
        candles: of each instrument, the times rising; together at least one.

    Attributes:
        candles: likewise; all have spreads, or none.
        times: the timestamps, each once.
        rows: for each instrument, how many of its rows lie before each timestamp; one more for all of them.
    """

    def __init__(self, candles: Sequence[ReadyCandles]) -> None:
        with_spread = any(each.spread is not None for each in candles)
        self.candles = [_with_spread(each) if with_spread else each for each in candles]
        self.times: Ints = reduce(np.union1d, [each.time for each in candles])
        ends = np.append(self.times, np.iinfo(np.int64).max)
        self.rows = [np.searchsorted(each.time, ends) for each in candles]

    def __len__(self) -> int:
        return len(self.times)

    def batch(self, start: int, end: int) -> Candles:
        """The candles of the timestamps ``start`` to ``end`` (exclusive), as the feed would publish them."""
        pieces = [
            part_of(candles, int(rows[start]), int(rows[end]))
            for candles, rows in zip(self.candles, self.rows, strict=True)
        ]
        ends: Ints = np.cumsum([len(each) for each in pieces])
        first = sum(int(rows[start]) for rows in self.rows)
        joined = pieces[0] if len(pieces) == 1 else _joined(pieces)
        return Candles(
            first, ends.tolist(), joined.time, joined.open, joined.high, joined.low, joined.close, joined.volume,
            joined.spread,
        )  # fmt: skip

    def part(self, start: int, end: int) -> History:
        """The candles of the timestamps ``start`` to ``end`` (exclusive), as a history of its own."""
        return History(
            [
                part_of(candles, int(rows[start]), int(rows[end]))
                for candles, rows in zip(self.candles, self.rows, strict=True)
            ]
        )


def collect(sources: Sequence[Iterator[ReadyCandles]], most: int) -> tuple[History | None, bool]:
    """Read the first candles of some instruments.

    Args:
        sources: of each instrument its checked candles.
        most: how many candles are kept, of all instruments together.

    Returns:
        The candles, None where there are none; and whether more follow, which are not kept.

    Raises:
        DataError: a source cannot be read on, or holds what the data contract forbids.
    """
    pieces: list[list[ReadyCandles]] = [[] for _ in sources]
    count = 0
    for block in merged(sources):
        for kept, (start, end) in zip(pieces, pairwise((0, *block.ends)), strict=True):
            kept.append(part_of(block, start, end))
        count += len(block.time)
        if count > most:
            break
    if count == 0:
        return None, False
    history = History([_joined(kept) for kept in pieces])
    if count <= most:
        return history, False
    rows: Ints = np.sum(history.rows, axis=0)
    return history.part(0, max(1, int(np.searchsorted(rows, most, side="right")) - 1)), True


def _with_spread(candles: ReadyCandles) -> ReadyCandles:
    if candles.spread is not None:
        return candles
    return msgspec.structs.replace(candles, spread=np.full(len(candles), -1))


def _joined(pieces: Sequence[ReadyCandles]) -> ReadyCandles:
    def joined(name: str) -> Any:
        return np.concatenate([getattr(each, name) for each in pieces])

    columns = {name: joined(name) for name in ("time", "open", "high", "low", "close", "volume")}
    return ReadyCandles(**columns, spread=None if pieces[0].spread is None else joined("spread"))
