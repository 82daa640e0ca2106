"""Candles of several sources as one stream: merged by time into blocks, and the blocks cut into batches.

Which rows come in which order depends on the candles alone, not on the sizes of the sources' chunks or of batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Final

import numpy as np

from sptrader_stream.candles import ReadyCandles, part_of
from sptrader_stream.columns import Ints
from sptrader_stream.errors import DataError
from sptrader_stream.events import Candles
from sptrader_stream.sources.source import CHUNK_ROWS, NO_TIME

_NEVER: Final = 2**63 - 1


def merged(sources: Sequence[Iterator[ReadyCandles]], rows: int = CHUNK_ROWS) -> Iterator[Candles]:
    """Merge the candles of several instruments by time; those of a single one pass chunk by chunk, uncopied.

    A source that fails ends the stream: at its last candle, up to which the others are still read.

    Args:
        sources: for each instrument its checked candles, the times rising.
        rows: candles of an instrument in what is given, at most. So much of every source is read ahead.

    Raises:
        DataError: a source ended with it; of several the one whose candles end first. Everything before was given.
    """
    if len(sources) == 1:
        yield from _alone(sources[0])
        return
    queues = [_Queue(source) for source in sources]
    first, with_spread = 0, False
    while True:
        for queue in queues:
            queue.fill(rows)
        if first == 0:
            with_spread = any(queue.has_spread for queue in queues)
        failed = [(queue.last, queue.failure) for queue in queues if queue.failure is not None]
        limit = min((last for last, _ in failed), default=_NEVER)
        until = min(limit, *(queue.time_of(rows) for queue in queues))
        taken = [queue.take(until) for queue in queues]
        block = _joined(first, taken, with_spread)
        if len(block.time) == 0:
            break
        yield block
        first += len(block.time)
    if failed:
        # Of those that end at the same time it is the first.
        raise min(failed, key=itemgetter(0))[1]


def batch_of(candles: ReadyCandles, first: int) -> Candles:
    """Give the candles of a single instrument as a batch, behind ``first`` earlier ones; nothing is copied."""
    return Candles(
        first, [len(candles)], candles.time, candles.open, candles.high, candles.low, candles.close, candles.volume,
        candles.spread,
    )  # fmt: skip


def _alone(source: Iterator[ReadyCandles]) -> Iterator[Candles]:
    first = 0
    for chunk in source:
        yield batch_of(chunk, first)
        first += len(chunk)


def _part(block: Candles, start: int, end: int) -> Candles:
    spread = block.spread
    return Candles(
        block.first + start, [end - start], block.time[start:end], block.open[start:end], block.high[start:end],
        block.low[start:end], block.close[start:end], block.volume[start:end],
        None if spread is None else spread[start:end],
    )  # fmt: skip


class BlockCutter:
    """Cuts a block of candles into batches that do not split a timestamp.

    Args:
        block: what ``merged`` gave.
    """

    def __init__(self, block: Candles) -> None:
        self._block = block
        self._first = block.first
        self._places = [0, *block.ends[:-1]]

    @property
    def has_more(self) -> bool:
        """Whether there are candles that were not taken."""
        return self._places != self._block.ends

    def timestamps(self, most: int) -> Ints:
        """The next timestamps, each once, rising; at most so many."""
        time = self._block.time
        parts = [time[place : min(place + most, end)] for place, end in self._spans()]
        return parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts))[:most]

    def take(self, size: int) -> Candles:
        """Take the next candles: up to where the first instrument reaches ``size`` of them."""
        time = self._block.time
        return self.take_until(
            min(int(time[place + size - 1]) if place + size <= end else _NEVER for place, end in self._spans())
        )

    def take_until(self, until: int) -> Candles:
        """Take the candles up to a time, inclusive."""
        block, places = self._block, self._places
        time = block.time
        cuts = [place + int(time[place:end].searchsorted(until, "right")) for place, end in self._spans()]
        if self._first == block.first and cuts == block.ends:
            batch = block
        elif len(cuts) == 1:
            batch = _part(block, places[0], cuts[0])
        else:
            taken = [
                [part_of(block, place, end)] if place < end else [] for place, end in zip(places, cuts, strict=True)
            ]
            batch = _joined(self._first, taken, block.spread is not None)
        self._first += len(batch.time)
        self._places = cuts
        return batch

    def _spans(self) -> Iterator[tuple[int, int]]:
        return zip(self._places, self._block.ends, strict=True)


class _Queue:
    """What was read of a source and not yet taken.

    Attributes:
        last: the time of the last candle that was read, ``NO_TIME`` before there is one.
        failure: why the source ended, if it ended early.
        has_spread: whether its candles have spreads, known once one was read.
    """

    def __init__(self, source: Iterator[ReadyCandles]) -> None:
        self.last = NO_TIME
        self.failure: DataError | None = None
        self.has_spread = False
        self._source = source
        self._has_ended = False
        self._chunks: list[ReadyCandles] = []
        self._rows = 0

    def fill(self, rows: int) -> None:
        """Read until so many candles wait, or the source ends."""
        while self._rows < rows and not self._has_ended:
            try:
                chunk = next(self._source)
            except StopIteration:
                self._has_ended = True
            except DataError as error:
                self._has_ended, self.failure = True, error
            else:
                self._chunks.append(chunk)
                self._rows += len(chunk)
                self.last = int(chunk.time[-1])
                self.has_spread = chunk.spread is not None

    def time_of(self, row: int) -> int:
        """Give the time of the candle that is ``row``-th in the queue, counted from 1."""
        for chunk in self._chunks:
            if row <= len(chunk):
                return int(chunk.time[row - 1])
            row -= len(chunk)
        return _NEVER

    def take(self, until: int) -> list[ReadyCandles]:
        """Take the candles up to a time, inclusive."""
        taken: list[ReadyCandles] = []
        while self._chunks:
            chunk = self._chunks[0]
            count = int(chunk.time.searchsorted(until, "right"))
            if count == len(chunk):
                taken.append(self._chunks.pop(0))
                continue
            if count:
                taken.append(part_of(chunk, 0, count))
                self._chunks[0] = part_of(chunk, count, len(chunk))
            break
        self._rows -= sum(map(len, taken))
        return taken


def _joined(first: int, instruments: Sequence[Sequence[ReadyCandles]], with_spread: bool) -> Candles:
    """Put the candles of each instrument one behind the other, copying each of them once."""
    ends: list[int] = []
    rows = 0
    for pieces in instruments:
        rows += sum(map(len, pieces))
        ends.append(rows)
    everything = [piece for pieces in instruments for piece in pieces]
    if not everything:
        nothing: Ints = np.empty(0, np.int64)
        return Candles(first, ends, nothing, nothing, nothing, nothing, nothing, np.empty(0))
    return Candles(
        first,
        ends,
        np.concatenate([piece.time for piece in everything]),
        np.concatenate([piece.open for piece in everything]),
        np.concatenate([piece.high for piece in everything]),
        np.concatenate([piece.low for piece in everything]),
        np.concatenate([piece.close for piece in everything]),
        np.concatenate([piece.volume for piece in everything]),
        np.concatenate([_spread(piece) for piece in everything]) if with_spread else None,
    )


def _spread(candles: ReadyCandles) -> Ints:
    return np.full(len(candles), -1) if candles.spread is None else candles.spread
