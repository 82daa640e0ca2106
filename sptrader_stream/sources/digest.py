"""A checksum of the candles that a run has seen: by it, the same candles are known again wherever they come from.

It depends on every value and on the order, and not on how candles were cut into chunks. It tells other candles apart,
and is no protection against somebody who forges them: the sum is a polynomial modulo 2^64, twice with other constants,
over numbers that are mixed as by Stafford's variants of MurmurHash3's finaliser.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from sptrader_stream.candles import CandleColumns, block_of, part_of
from sptrader_stream.columns import Ints
from sptrader_stream.events import Candles
from sptrader_stream.kernels import device, kernel

# Layout of a state: how many candles, the first and the last open time, and the two sums.
COUNT: Final = 0
FIRST: Final = 1
LAST: Final = 2
_SUM: Final = 3
_OTHER_SUM: Final = 4
STATE_LENGTH: Final = 5

# More than can be on their way: of whole blocks in batches, and of blocks in smaller batches.
_ENDS_KEPT: Final = 64
_BLOCKS_KEPT: Final = 8
_MASK: Final = 2**64 - 1
_NO_SPREAD: Final[Ints] = np.empty(0, np.int64)


@device
def _mixed(value: int) -> int:
    value = (value ^ ((value >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    return value ^ ((value >> 27) & 0x1FFFFFFFFF)


@kernel
def add_candles(
    time: Ints, open_: Ints, high: Ints, low: Ints, close: Ints, volume: Ints, spread: Ints, state: Ints
) -> int:
    """Add candles to both sums.

    Args:
        time, open_, high, low, close: the columns; the prices ticks.
        volume: the bits of the float64.
        spread: ticks; empty where there is none.
        state: carried, ``STATE_LENGTH`` values, zeros at first.

    Returns:
        How many candles were added so far.
    """
    first, second = state[_SUM], state[_OTHER_SUM]
    for i in range(len(time)):
        width = spread[i] if len(spread) > 0 else -1
        row = (
            time[i] * 6364136223846793005
            + open_[i] * 3202034522624059733
            + high[i] * 1865811235122147685
            + low[i] * 4354685564936845319
            + close[i] * 2685821657736338717
            + volume[i] * 1181783497276652981
            + width * 7664345821815920749
        )
        row = _mixed(row)
        first = first * 3935559000370003845 + row
        second = second * 2862933555777941757 + (row ^ time[i])
    if len(time) > 0:
        if state[COUNT] == 0:
            state[FIRST] = time[0]
        state[LAST] = time[len(time) - 1]
        state[COUNT] += len(time)
    state[_SUM], state[_OTHER_SUM] = first, second
    count: int = state[COUNT]
    return count


def new_state() -> Ints:
    """A state before the first candle."""
    return np.zeros(STATE_LENGTH, np.int64)


def add(candles: CandleColumns, state: Ints) -> None:
    """Add the candles of one instrument to a state."""
    spread = _NO_SPREAD if candles.spread is None else candles.spread
    add_candles(
        candles.time, candles.open, candles.high, candles.low, candles.close, candles.volume.view(np.int64), spread,
        state,
    )  # fmt: skip


def checksum(state: Ints) -> str:
    """Write a state as 32 hexadecimal digits; empty where there was no candle."""
    if not state[COUNT]:
        return ""
    return "".join(f"{int(state[place]) & _MASK:016x}" for place in (_SUM, _OTHER_SUM))


class Digested(NamedTuple):
    """A block of candles, its last open time, and for each instrument the state behind it."""

    block: Candles
    last: int
    states: list[Ints]


def digested(blocks: Iterator[Candles], instruments: int) -> Iterator[Digested]:
    """Add blocks up on their way, where they are read.

    Raises:
        DataError: whatever ``blocks`` raises.
    """
    states = [new_state() for _ in range(instruments)]
    for block in blocks:
        states = [state.copy() for state in states]
        for index, state in enumerate(states):
            add(block_of(block, index), state)
        yield Digested(block, max(int(state[LAST]) for state in states if state[COUNT]), states)


class Trail:
    """The blocks that came last, from which the states at any recent candle can be told.

    What is recorded of a run may end before what was published, where an actor failed with batches on their way.

    Args:
        instruments: how many.
    """

    def __init__(self, instruments: int) -> None:
        self._start = [new_state() for _ in range(instruments)]
        self._blocks: deque[Digested] = deque(maxlen=_BLOCKS_KEPT)
        self._ends: deque[tuple[int, list[Ints]]] = deque(maxlen=_ENDS_KEPT)

    def add(self, digested: Digested) -> None:
        """Remember the next block."""
        self._blocks.append(digested)
        self._ends.append((digested.last, digested.states))

    def until(self, time: int | None) -> list[Ints]:
        """Give for each instrument the state behind its candles up to an open time; None for before the first."""
        if time is None:
            return self._start
        states = next((states for last, states in reversed(self._ends) if last <= time), self._start)
        rest = next((each.block for each in self._blocks if each.last > time), None)
        if rest is None:
            return states
        states = [state.copy() for state in states]
        for index, state in enumerate(states):
            candles = block_of(rest, index)
            add(part_of(candles, 0, int(np.searchsorted(candles.time, time, side="right"))), state)
        return states
