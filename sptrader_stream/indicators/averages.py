"""Moving averages over one series: sma, ema, rma, wma.

Window sums are kept by adding the newest and taking off the oldest value. Over ticks every step is exact. Over other
series rounding would pile up, so a second sum is started whenever the ring buffer is at its start, and takes over
when the ring is full again: by then it holds the plain sum of the window.
"""

from __future__ import annotations

import math

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


@device
def window_means(values: Floats, out: Floats, window: Floats, place: Ints, sums: Floats, scale: float) -> int:
    """Mean of the last ``len(window)`` values, for a whole batch.

    Args:
        values: the batch.
        out: the means, divided by ``scale``; may be ``values`` itself.
        window: ring buffer, zeros before the first value.
        place: the ring's head, and the number of values seen (up to a full window).
        sums: the running and the fresh sum.
        scale: ticks per price unit.
    """
    length = len(window)
    divisor = length * scale
    head, seen = place[0], place[1]
    total, fresh = sums[0], sums[1]
    for i in range(len(values)):
        x = values[i]
        if math.isnan(x):
            out[i] = math.nan
            continue
        total += x - window[head]
        fresh += x
        window[head] = x
        head += 1
        if head == length:
            head, total, fresh = 0, fresh, 0.0
        if seen < length:
            seen += 1
        out[i] = total / divisor if seen == length else math.nan
    place[0], place[1] = head, seen
    sums[0], sums[1] = total, fresh
    return 0


@kernel
def simple_average(values: Floats, out: Floats, window: Floats, place: Ints, sums: Floats, scale: float) -> int:
    """See :func:`window_means`."""
    return window_means(values, out, window, place, sums, scale)


@kernel
def weighted_average(values: Floats, out: Floats, window: Floats, place: Ints, sums: Floats, scale: float) -> int:
    """Mean of the last ``len(window)`` values, weighted 1 for the oldest up to ``len(window)`` for the newest.

    ``place`` as in :func:`window_means`; ``sums`` holds the running plain and weighted sums, then the fresh ones.
    """
    length = len(window)
    divisor = (length * (length + 1) // 2) * scale
    head, seen = place[0], place[1]
    total, weighted, fresh_total, fresh_weighted = sums[0], sums[1], sums[2], sums[3]
    for i in range(len(values)):
        x = values[i]
        if math.isnan(x):
            out[i] = math.nan
            continue
        weighted += length * x - total
        total += x - window[head]
        window[head] = x
        head += 1
        fresh_total += x
        fresh_weighted += head * x
        if head == length:
            head, total, weighted, fresh_total, fresh_weighted = 0, fresh_total, fresh_weighted, 0.0, 0.0
        if seen < length:
            seen += 1
        out[i] = weighted / divisor if seen == length else math.nan
    place[0], place[1] = head, seen
    sums[0], sums[1], sums[2], sums[3] = total, weighted, fresh_total, fresh_weighted
    return 0


@kernel
def exponential_average(
    values: Floats, out: Floats, seen: Ints, average: Floats, length: int, share: float, scale: float
) -> int:
    """Move by ``share`` of the distance to each value, starting from the mean of the first ``length`` values.

    ``average`` holds the sum of the values while there are fewer than ``length``, the average from then on.
    """
    count = seen[0]
    current = average[0]
    for i in range(len(values)):
        x = values[i]
        if math.isnan(x):
            out[i] = math.nan
            continue
        if count >= length:
            # This form, not x * share + current * (1 - share): a flat series must stay exactly flat.
            current += (x - current) * share
            out[i] = current / scale
            continue
        current += x
        count += 1
        if count == length:
            current /= length
            out[i] = current / scale
        else:
            out[i] = math.nan
    seen[0] = count
    average[0] = current
    return 0


def _sma(parameters: Parameters, scale: float) -> Indicator:
    length = int(parameters["period"])
    return KernelIndicator(simple_average, 1, np.zeros(length), np.zeros(2, np.int64), np.zeros(2), scale)


def _wma(parameters: Parameters, scale: float) -> Indicator:
    length = int(parameters["period"])
    return KernelIndicator(weighted_average, 1, np.zeros(length), np.zeros(2, np.int64), np.zeros(4), scale)


def _ema(parameters: Parameters, scale: float) -> Indicator:
    length = int(parameters["period"])
    return KernelIndicator(
        exponential_average, 1, np.zeros(1, np.int64), np.zeros(1), length, 2.0 / (length + 1), scale
    )


def _rma(parameters: Parameters, scale: float) -> Indicator:
    length = int(parameters["period"])
    return KernelIndicator(exponential_average, 1, np.zeros(1, np.int64), np.zeros(1), length, 1.0 / length, scale)


AVERAGES = (
    IndicatorInfo(
        name="sma",
        summary="Simple moving average.",
        formula="sum of the last `period` values / period; exact over prices",
        reference="TA-Lib SMA",
        inputs=("source",),
        parameters=(period(None),),
        lookbacks=full_window,
        make=_sma,
    ),
    IndicatorInfo(
        name="ema",
        summary="Exponential moving average.",
        formula="previous + (value - previous) * 2 / (period + 1), from the mean of the first `period` values",
        reference="TA-Lib EMA",
        inputs=("source",),
        parameters=(period(None),),
        lookbacks=full_window,
        make=_ema,
    ),
    IndicatorInfo(
        name="wma",
        summary="Linearly weighted moving average: the newest value weighs most.",
        formula="(1 * oldest + ... + period * newest) / (1 + ... + period); exact over prices",
        reference="TA-Lib WMA",
        inputs=("source",),
        parameters=(period(None),),
        lookbacks=full_window,
        make=_wma,
    ),
    IndicatorInfo(
        name="rma",
        summary="Wilder's moving average, the smoothing inside RSI and ATR.",
        formula="previous + (value - previous) / period, from the mean of the first `period` values",
        reference="Wilder, New Concepts in Technical Trading Systems (1978)",
        inputs=("source",),
        parameters=(period(None),),
        lookbacks=full_window,
        make=_rma,
    ),
)
