"""Where a fast moving average crosses a slow one: ``ma_crossover``, ``ema_crossover`` and ``macd_cross``."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sptrader_stream.candles import CandleView
from sptrader_stream.columns import Codes, Floats, Ints
from sptrader_stream.indicators import build
from sptrader_stream.kernels import device, kernel
from sptrader_stream.signals.registry import ParameterValue


Columns = tuple[Floats | Codes, ...]

# What is carried about a pair of averages.
RELATION = 0
WAITING = 1
CANDLES_LEFT = 2


@device
def relative_distance(fast: float, slow: float) -> float:
    """|fast - slow| / |slow|; 0 if they are equal, even if both are 0."""
    return 0.0 if fast == slow else abs(fast - slow) / abs(slow)


@device
def note_cross(
    i: int,
    now: int,
    distance: float,
    min_separation: float,
    confirmation: int,
    state: Ints,
    codes: Codes,
    strength: Floats,
) -> int:
    """Take the relation of candle ``i``; needed where it is another than before, and while a cross waits.

    ``state`` holds the last relation (1 above, 2 not above, 0 before both averages are defined), the cross that waits
    for confirmation (0 for none), and how many candles it still has to wait. Answers the cross that waits from here
    on.
    """
    if now != state[RELATION]:
        state[WAITING] = now if state[RELATION] != 0 and distance >= min_separation else 0
        state[CANDLES_LEFT] = confirmation
        state[RELATION] = now
    else:
        state[CANDLES_LEFT] -= 1
    if state[WAITING] != 0 and state[CANDLES_LEFT] == 0:
        codes[i] = state[WAITING]
        strength[i] = distance
        state[WAITING] = 0
    return state[WAITING]


@kernel
def find_crosses(
    fast: Floats, slow: Floats, min_separation: float, confirmation: int, state: Ints, codes: Codes, strength: Floats
) -> int:
    """Say 1 where ``fast`` rises above ``slow`` and 2 where it falls to or below it; see ``ma_crossover``.

    Args:
        fast: one average, NaN where undefined.
        slow: the other one.
        min_separation: how far apart they must be for a cross to count, see :func:`relative_distance`.
        confirmation: candles for which a cross has to wait.
        state: see :func:`note_cross`.
        codes: the crosses, 0 for none.
        strength: the distance at each of them, else NaN.
    """
    codes[:] = 0
    strength[:] = math.nan
    relation, waiting = state[RELATION], state[WAITING]
    for i in range(len(fast)):
        now = 1 if fast[i] > slow[i] else 2
        if now == relation and waiting == 0:
            continue
        if math.isnan(fast[i]) or math.isnan(slow[i]):
            continue
        distance = relative_distance(fast[i], slow[i])
        waiting = note_cross(i, now, distance, min_separation, confirmation, state, codes, strength)
        relation = now
    return 0


@kernel
def find_simple_crosses(
    values: Ints,
    window: Ints,
    place: Ints,
    sums: Floats,
    fast_length: int,
    min_separation: float,
    confirmation: int,
    state: Ints,
    codes: Codes,
    strength: Floats,
) -> int:
    """As :func:`find_crosses` for the simple averages of whole numbers, without making the averages.

    Two window sums, each multiplied by the length of the other window, compare as the averages do. All of this is
    exact as long as the products stay below 2^53.

    Args:
        values: the batch.
        window: ring buffer, as long as the slow window; zeros before the first value.
        place: the ring's head, and the number of values seen (up to a full window).
        sums: the sums of the fast and of the slow window.
        fast_length: values in the fast window.
        min_separation, confirmation, state, codes, strength: see :func:`find_crosses`.
    """
    codes[:] = 0
    strength[:] = math.nan
    slow_length = len(window)
    head, seen = place[0], place[1]
    fast, slow = sums[0], sums[1]
    relation, waiting = state[RELATION], state[WAITING]
    carried = min(len(values), slow_length)
    for i in range(len(values)):
        x = values[i]
        if i >= carried:
            fast += float(x - values[i - fast_length])
            slow += float(x - values[i - slow_length])
        else:
            before = head - fast_length
            fast += float(x - window[before if before >= 0 else before + slow_length])
            slow += float(x - window[head])
            window[head] = x
            head += 1
            if head == slow_length:
                head = 0
            if seen < slow_length:
                seen += 1
                if seen < slow_length:
                    continue
        now = 1 if fast * slow_length > slow * fast_length else 2
        if now == relation and waiting == 0:
            continue
        distance = relative_distance(fast / fast_length, slow / slow_length)
        waiting = note_cross(i, now, distance, min_separation, confirmation, state, codes, strength)
        relation = now
    if len(values) > slow_length:
        window[:] = values[len(values) - slow_length :]
        head = 0
    place[0], place[1] = head, seen
    sums[0], sums[1] = fast, slow
    return 0
