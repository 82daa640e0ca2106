"""Highest and lowest of the last values: highest, lowest, donchian, whatever the period at the same cost per value.

The method of van Herk (1992) and of Gil and Werman (1993): the series is cut into blocks as long as the window. A
window covers the end of one block and the start of the next, so its maximum is the larger of a suffix maximum of
the finished block and the running maximum of the growing one. One array serves for both, because a suffix maximum is
needed for the last time just before the growing block claims its place. Kernels keep the running maximum in a local
variable, with the next place in the block; minima are maxima of the negated series.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.indicators.registry import (
    Indicator,
    IndicatorInfo,
    KernelIndicator,
    Parameters,
    full_window,
    period,
)
from sptrader_stream.kernels import device, kernel


def empty_block(length: int) -> Floats:
    """Make the block of a series that has not begun; its running maximum starts at minus infinity, too."""
    return np.full(length, -np.inf)


@device
def larger(a: float, b: float) -> float:
    """Give the larger of two numbers that are not NaN; one machine instruction, where ``max`` branches."""
    return a if a > b else b


@device
def turn_into_suffix_maxima(block: Floats) -> int:
    """Replace every value of a finished block by the maximum from there to its end."""
    for k in range(len(block) - 2, -1, -1):
        block[k] = larger(block[k + 1], block[k])
    return 0


@kernel
def extreme(values: Floats, out: Floats, block: Floats, place: Ints, best: Floats, sign: float, scale: float) -> int:
    """Maximum (``sign`` 1) or minimum (``sign`` -1) of the last ``len(block)`` values."""
    length = len(block)
    divisor = sign * scale
    at, seen = place[0], place[1]
    top = best[0]
    for i in range(len(values)):
        out[i] = math.nan
        if math.isnan(values[i]):
            continue
        x = sign * values[i]
        top = larger(x, top)
        block[at] = x
        at += 1
        found = top if at == length else larger(top, block[at])
        if at == length:
            turn_into_suffix_maxima(block)
            at, top = 0, -math.inf
        if seen < length:
            seen += 1
        if seen == length:
            out[i] = found / divisor
    place[0], place[1] = at, seen
    best[0] = top
    return 0


@kernel
def price_channel(
    highs: Floats,
    lows: Floats,
    middle: Floats,
    upper: Floats,
    lower: Floats,
    high_block: Floats,
    low_block: Floats,
    place: Ints,
    best: Floats,
    scale: float,
) -> int:
    """Highest high and lowest low of the last ``len(high_block)`` candles, and the middle between them."""
    length = len(high_block)
    middle_divisor = 2.0 * scale
    at, seen = place[0], place[1]
    top, bottom = best[0], best[1]
    for i in range(len(highs)):
        middle[i] = upper[i] = lower[i] = math.nan
        if math.isnan(highs[i]) or math.isnan(lows[i]):
            continue
        top, bottom = larger(highs[i], top), larger(-lows[i], bottom)
        high_block[at], low_block[at] = highs[i], -lows[i]
        at += 1
        highest, lowest = top, -bottom
        if at == length:
            turn_into_suffix_maxima(high_block)
            turn_into_suffix_maxima(low_block)
            at, top, bottom = 0, -math.inf, -math.inf
        else:
            highest, lowest = larger(top, high_block[at]), -larger(bottom, low_block[at])
        if seen < length:
            seen += 1
        if seen == length:
            middle[i] = (highest + lowest) / middle_divisor
            upper[i] = highest / scale
            lower[i] = lowest / scale
    place[0], place[1] = at, seen
    best[0], best[1] = top, bottom
    return 0


def _extreme(sign: float, parameters: Parameters, scale: float) -> Indicator:
    block = empty_block(int(parameters["period"]))
    return KernelIndicator(extreme, 1, block, np.zeros(2, np.int64), empty_block(1), sign, scale)


def _donchian(parameters: Parameters, scale: float) -> Indicator:
    length = int(parameters["period"])
    blocks = empty_block(length), empty_block(length)
    return KernelIndicator(price_channel, 3, *blocks, np.zeros(2, np.int64), empty_block(2), scale)


EXTREMES = (
    IndicatorInfo(
        name="highest",
        summary="Highest of the last values, the current one included.",
        formula="max over the last `period` values",
        reference="TA-Lib MAX",
        inputs=("source",),
        parameters=(period(None),),
        lookbacks=full_window,
        make=partial(_extreme, 1.0),
    ),
    IndicatorInfo(
        name="lowest",
        summary="Lowest of the last values, the current one included.",
        formula="min over the last `period` values",
        reference="TA-Lib MIN",
        inputs=("source",),
        parameters=(period(None),),
        lookbacks=full_window,
        make=partial(_extreme, -1.0),
    ),
    IndicatorInfo(
        name="donchian",
        summary="Donchian channel, the current candle included.",
        formula="upper = highest high, lower = lowest low of the last `period` candles, middle = their mean",
        reference="Donchian; TA-Lib MAX of the highs, MIN of the lows",
        inputs=("high", "low"),
        parameters=(period(20),),
        outputs=("middle", "upper", "lower"),
        lookbacks=lambda parameters: full_window(parameters) * 3,
        make=_donchian,
    ),
)
