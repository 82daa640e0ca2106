"""Where a fast series crosses a slow one, and the same for two simple averages without making them.

Both work in passes over a stretch of candles that the compiler turns into vector instructions; only a running total
and the search for changes go candle by candle.
"""

from __future__ import annotations

import math

import numpy as np

from sptrader_stream.columns import Codes, Floats, Ints
from sptrader_stream.kernels import device, kernel

# Candles in a stretch: their columns stay in the processor's nearest cache.
STRETCH = 1024


def working_space(stretch: int = STRETCH) -> tuple[Ints, Ints]:
    """``state`` and ``candidates`` for :func:`find_crosses` as they are at first."""
    return np.zeros(3, np.int64), np.empty(stretch + 1, np.int64)


@device
def relative_distance(fast: float, slow: float) -> float:
    """|fast - slow| / |slow|; 0 if they are equal, even if both are 0."""
    return 0.0 if fast == slow else abs(fast - slow) / abs(slow)


@device
def relation(fast: float, slow: float) -> int:
    """1 above, 2 not above, 0 undefined."""
    return 1 if fast > slow else 2 if fast <= slow else 0


@device
def list_candidates(codes: Codes, every: bool, candidates: Ints) -> int:
    """List the first place, those with another code than the one before, or ``every``; answers their number.

    Without a branch: where averages cross no processor foresees, and each wrong guess would cost as much as 20 candles.
    """
    candidates[0] = 0
    count = 1
    for i in range(1, len(codes)):
        candidates[count] = i
        count += int(every or codes[i] != codes[i - 1])
    return count


@device
def note_crosses(
    fast: Floats,
    slow: Floats,
    min_separation: float,
    confirmation: int,
    state: Ints,
    candidates: Ints,
    codes: Codes,
    strength: Floats,
) -> int:
    """See :func:`find_crosses`, for a stretch of candles."""
    for i in range(len(fast)):
        codes[i] = relation(fast[i], slow[i])
    count = list_candidates(codes, confirmation != 0, candidates)
    codes[:] = 0
    strength[:] = math.nan
    last, waiting, candles_left = state[0], state[1], state[2]
    for k in range(count):
        i = candidates[k]
        now = relation(fast[i], slow[i])
        if now == 0:
            continue
        distance = relative_distance(fast[i], slow[i])
        if now != last:
            waiting = now if last != 0 and distance >= min_separation else 0
            candles_left = confirmation
            last = now
        else:
            candles_left -= 1
        if waiting != 0 and candles_left == 0:
            codes[i] = waiting
            strength[i] = distance
            waiting = 0
    state[0], state[1], state[2] = last, waiting, candles_left
    return 0


@kernel
def find_crosses(
    fast: Floats,
    slow: Floats,
    min_separation: float,
    confirmation: int,
    state: Ints,
    candidates: Ints,
    codes: Codes,
    strength: Floats,
) -> int:
    """Say 1 where ``fast`` rises above ``slow`` and 2 where it falls to or below it; see ``ma_crossover``.

    Args:
        fast: one series, NaN where undefined.
        slow: the other one.
        min_separation: the least :func:`relative_distance` with which a cross counts.
        confirmation: candles that a cross has to wait.
        state: the last relation (1 above, 2 not above, 0 before both are defined), the cross that waits for
            confirmation (0 for none), and how many candles it still has to wait.
        candidates: working space for a stretch of candles, at least 2.
        codes: the crosses, 0 for none.
        strength: the relative distance at each cross, else NaN.
    """
    step = len(candidates) - 1
    for at in range(0, len(fast), step):
        to = min(at + step, len(fast))
        note_crosses(
            fast[at:to], slow[at:to], min_separation, confirmation, state, candidates, codes[at:to], strength[at:to]
        )
    return 0


@device
def add_up(values: Ints, totals: Ints) -> int:
    """Running totals of ``values`` in ``totals[1:]``, on top of ``totals[0]``; answers the largest value."""
    largest = values[0]
    total = totals[0]
    following = totals[1:]
    for i in range(len(values)):
        total += values[i]
        largest = max(largest, values[i])
        following[i] = total
    return int(largest)


@device
def scaled_window_sums(totals: Ints, length: int, before: int, factor: int, sums: Floats) -> int:
    """For each running total from ``totals[before]`` on, the sum of the last ``length`` values, times ``factor``."""
    newest, leaving = totals[before:], totals[before - length :]
    for i in range(len(sums)):
        sums[i] = float(newest[i] - leaving[i]) * factor
    return 0


@kernel
def find_simple_crosses(
    values: Ints,
    totals: Ints,
    place: Ints,
    fast_length: int,
    slow_length: int,
    fast_sums: Floats,
    slow_sums: Floats,
    min_separation: float,
    confirmation: int,
    state: Ints,
    candidates: Ints,
    codes: Codes,
    strength: Floats,
) -> int:
    """As :func:`find_crosses` for the simple averages of whole numbers.

    The sum of each window is the difference of two running totals, exact even where these have wrapped around. Sums
    times the length of the other window compare as the averages do, exactly up to 2^53.

    Args:
        values: the batch.
        totals: running totals, ``slow_length`` of them carried and room for at least as many more; zeros at first.
        place: how many of the totals are in use, ``slow_length`` at first; and the number of values seen, up to
            ``slow_length``.
        fast_length, slow_length: values in the windows.
        fast_sums, slow_sums: working space, as long as the room in ``totals``.
        min_separation, confirmation, state, candidates, codes, strength: see :func:`find_crosses`.

    Returns:
        1 if a value is so large that a window's sum may not fit, else 0.
    """
    limit = 2**62 // slow_length
    used, seen = place[0], place[1]
    done = 0
    while done < len(values):
        if used == len(totals):
            totals[:slow_length] = totals[used - slow_length :]
            used = slow_length
        end = min(done + len(totals) - used, len(values))
        size = end - done
        if add_up(values[done:end], totals[used - 1 :]) > limit:
            return 1
        fast, slow = fast_sums[:size], slow_sums[:size]
        scaled_window_sums(totals, fast_length, used, slow_length, fast)
        scaled_window_sums(totals, slow_length, used, fast_length, slow)
        undefined = min(slow_length - 1 - seen, size)
        for i in range(undefined):
            fast[i] = math.nan
        seen = min(seen + size, slow_length - 1)
        note_crosses(fast, slow, min_separation, confirmation, state, candidates, codes[done:end], strength[done:end])
        used += size
        done = end
    place[0], place[1] = used, seen
    return 0
