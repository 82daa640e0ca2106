"""The other runs that a strategy's past is held against: cut, with another future, in other batches, repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.columns import Ints
from sptrader_stream.execution.records import CANDLE, Fill, unpack
from sptrader_stream.research.check_findings import Kind
from sptrader_stream.research.check_history import History
from sptrader_stream.research.check_passes import BATCH, MOMENT, Pass, Setup, evenly
from sptrader_stream.research.check_scramble import SCRAMBLINGS, scrambled
from sptrader_stream.timeframes import format_time

BATCH_SIZES: Final = (1, 2, 7, 64, 1000, BATCH)
# Batches of a size, at most: in small ones every candle is expensive, above all in pandas.
_MOST_BATCHES: Final = 200
# Timestamps of another future behind a cut: more than a block of a user's window signal.
_FUTURE: Final = 4096
_RANDOM_BATCHES: Final = 40
_SEED: Final = 20250331


class Trial(msgspec.Struct, frozen=True):
    """Another run over the same past.

    Attributes:
        kind: what it shows if it says something else.
        seen: what it is, in words.
        history: its candles.
        ends: where its batches end.
        until: how many timestamps must be as in the whole run.
    """

    kind: Kind
    seen: str
    history: History
    ends: Sequence[int]
    until: int


def cut_places(setup: Setup, history: History, whole: Pass, count: int) -> list[int]:
    """Choose where to cut: half of the places spread evenly, the others just behind signals, decisions and fills.

    Args:
        setup: the strategy.
        history: the candles.
        whole: the pass over all of them.
        count: how many places, at most.

    Returns:
        Numbers of timestamps before the cuts, rising, each once, with at least one timestamp on either side.
    """
    size = len(history)
    events = [_signal_timestamps(setup, history, whole), _decision_timestamps(history, whole), fill_timestamps(whole)]
    share = count // 2 // len(events)
    near = {place for each in events for place in _some(each + 1, share)}
    even = [size * (number + 1) // (count - len(near) + 1) for number in range(count - len(near))]
    return sorted({place for place in (*near, *even) if 0 < place < size})


def trial_count(places: Sequence[int]) -> int:
    """How many there will be."""
    return 2 + 2 * len(places) + len(BATCH_SIZES)


def trials(history: History, whole: Pass, places: Sequence[int]) -> Iterator[Trial]:
    """All other runs.

    Args:
        history: the candles.
        whole: the pass over all of them.
        places: where to cut, see :func:`cut_places`.
    """
    size = len(history)
    yield Trial("not_deterministic", "when it is run again", history, evenly(size), size)
    for number, cut in enumerate(places):
        last = format_time(int(history.times[cut - 1]))
        yield Trial("looks_ahead", f"when the candles end at {last}", history, evenly(cut), cut)
        end = min(cut + _FUTURE, size)
        other = _other_future(history.part(0, end), cut, number)
        yield Trial("looks_ahead", f"when other candles follow the one at {last}", other, evenly(end), cut)
    decided = _decision_timestamps(history, whole)
    around = int(decided[0]) if len(decided) else size // 2
    for batch in BATCH_SIZES:
        ends = _in_batches(size, batch, around)
        yield Trial("depends_on_batches", f"in batches of {batch}", history, ends, ends[-1])
    random = np.random.default_rng(_SEED)
    ends = [*sorted({int(each) for each in random.integers(1, size, _RANDOM_BATCHES)} if size > 1 else ()), size]
    yield Trial("depends_on_batches", "in batches of random sizes", history, ends, size)


def fill_timestamps(whole: Pass) -> Ints:
    """The indices of the timestamps with fills, in order."""
    events = unpack(whole.records.reshape(-1))
    filled = np.array([isinstance(each, Fill) for each in events], np.bool_)
    timestamps: Ints = whole.records[filled, CANDLE]
    return timestamps


def _signal_timestamps(setup: Setup, history: History, whole: Pass) -> Ints:
    moments = [
        (instrument, whole.closes[instrument][timeframe][column != 0])
        for instrument, columns in enumerate(whole.columns)
        for column, timeframe in zip(columns, setup.plan.operand_timeframes, strict=True)
        if column.dtype == np.int8
    ]
    return _timestamps(history, moments)


def _decision_timestamps(history: History, whole: Pass) -> Ints:
    return _timestamps(history, [(index, table[:, MOMENT]) for index, table in enumerate(whole.decisions)])


def _timestamps(history: History, moments: Sequence[tuple[int, Ints]]) -> Ints:
    """The indices of the timestamps of moments of instruments, rising, each once."""
    times = [history.candles[instrument].time[found // 2] for instrument, found in moments]
    return np.searchsorted(history.times, np.unique(np.concatenate([np.empty(0, np.int64), *times])))


def _some(places: Ints, count: int) -> list[int]:
    """At most so many of the places, evenly spread over them."""
    chosen = np.linspace(0, len(places) - 1, min(count, len(places))).astype(np.int64)
    found: list[int] = places[chosen].tolist()
    return found


def _other_future(history: History, cut: int, number: int) -> History:
    how = SCRAMBLINGS[number % len(SCRAMBLINGS)]
    return History(
        [
            scrambled(candles, int(rows[cut]), how, _SEED + number)
            for candles, rows in zip(history.candles, history.rows, strict=True)
        ]
    )


def _in_batches(size: int, batch: int, around: int) -> list[int]:
    """Where batches end: at the beginning of the candles, and again where something happens, not too many of them."""
    length = batch * _MOST_BATCHES
    ends = list(range(batch, min(size, length) + 1, batch)) or [size]
    start = max(around - length // 4, ends[-1])
    if ends[-1] == size or start >= size:
        return ends if ends[-1] == size or length < size else [*ends, size]
    ends += [each for each in range(BATCH, start, BATCH) if each > ends[-1]]
    if start > ends[-1]:
        ends.append(start)
    end = min(size, start + length)
    return [*ends, *range(start + batch, end, batch), end]
