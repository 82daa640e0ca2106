"""How far values spread: stddev, bollinger, atr."""

from __future__ import annotations

import math

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.indicators.extremes import larger
from sptrader_stream.indicators.registry import (
    Indicator,
    IndicatorInfo,
    KernelIndicator,
    Parameter,
    Parameters,
    full_window,
    period,
)
from sptrader_stream.indicators.trend import true_range
from sptrader_stream.kernels import device, kernel


@device
def recentre(window: Floats, sums: Floats, centre: float) -> int:
    """Recompute the sums of :func:`window_spreads` around another centre."""
    first = second = 0.0
    for k in range(len(window)):
        distance = window[k] - centre
        first += distance
        second += distance * distance
    sums[0], sums[1], sums[2], sums[3] = centre, first, second, second
    return 0


@device
def window_spreads(values: Floats, totals: Floats, spreads: Floats, window: Floats, place: Ints, sums: Floats) -> int:
    """Sum and spread (variance times length squared) of the last ``len(window)`` values, for a whole batch.

    The squares are of distances from a centre, one of the last values, where squares of the values themselves would
    lose the variance in rounding; over ticks everything stays exact. The centre moves each time the ring has gone
    round, and at once where the spread has fallen far below the largest sum of squares since the last move, so that
    the rounding left behind by a jump or by a wild value that went could show. The newest value as centre makes the
    sum of squares at most the spread, so moves stay rare.

    Args:
        values: the batch.
        totals: the sums; may be ``spreads`` where they are not wanted.
        spreads: the spreads.
        window: ring buffer.
        place: its head, and the number of values seen (up to a full window).
        sums: centre, sum of the distances from it, sum of their squares, largest such sum since the centre moved.
    """
    length = len(window)
    head, seen = place[0], place[1]
    centre, first, second, peak = sums[0], sums[1], sums[2], sums[3]
    for i in range(len(values)):
        x = values[i]
        totals[i] = spreads[i] = math.nan
        if math.isnan(x):
            continue
        new, old = x - centre, window[head] - centre
        first += new - old
        second += new * new - old * old
        window[head] = x
        head += 1
        if seen < length:
            seen += 1
        peak = larger(second, peak)
        spread = length * second - first * first
        if head == length or (seen == length and spread * 100.0 < peak):
            recentre(window, sums, x)
            centre, first, second, peak = sums[0], sums[1], sums[2], sums[3]
            spread = length * second - first * first
        if head == length:
            head = 0
        if seen == length:
            totals[i] = first + length * centre
            spreads[i] = spread if spread > 0.0 else 0.0
    place[0], place[1] = head, seen
    sums[0], sums[1], sums[2], sums[3] = centre, first, second, peak
    return 0


@kernel
def standard_deviation(values: Floats, out: Floats, window: Floats, place: Ints, sums: Floats, scale: float) -> int:
    """Population standard deviation of the last ``len(window)`` values."""
    divisor = len(window) * scale
    window_spreads(values, out, out, window, place, sums)
    for i in range(len(values)):
        out[i] = math.sqrt(out[i]) / divisor
    return 0


@kernel
def bollinger_bands(
    values: Floats,
    middle: Floats,
    upper: Floats,
    lower: Floats,
    window: Floats,
    place: Ints,
    sums: Floats,
    deviations: float,
    scale: float,
) -> int:
    """Mean of the last ``len(window)`` values, and that many population standard deviations above and below it."""
    divisor = len(window) * scale
    window_spreads(values, middle, upper, window, place, sums)
    for i in range(len(values)):
        total, width = middle[i], deviations * math.sqrt(upper[i])
        middle[i] = total / divisor
        upper[i] = (total + width) / divisor
        lower[i] = (total - width) / divisor
    return 0


@kernel
def average_true_range(
    highs: Floats,
    lows: Floats,
    closes: Floats,
    out: Floats,
    seen: Ints,
    state: Floats,
    length: int,
    scale: float,
) -> int:
    """Wilder's average of the true range, from the mean of the first ``length`` true ranges.

    The first candle has no close before it, so its true range does not count, as in TA-Lib. ``state`` holds the
    previous close and the average (a sum while it starts).
    """
    share = 1.0 / length
    count = seen[0]
    close_before, average = state[0], state[1]
    for i in range(len(closes)):
        high, low, close = highs[i], lows[i], closes[i]
        out[i] = math.nan
        if math.isnan(high) or math.isnan(low) or math.isnan(close):
            continue
        extent = true_range(high, low, close_before)
        close_before = close
        if count > length:
            average += (extent - average) * share
            out[i] = average / scale
            continue
        if count > 0:
            average += extent
        if count == length:
            average /= length
            out[i] = average / scale
        count += 1
    seen[0] = count
    state[0], state[1] = close_before, average
    return 0


def _stddev(parameters: Parameters, scale: float) -> Indicator:
    length = int(parameters["period"])
    return KernelIndicator(standard_deviation, 1, np.zeros(length), np.zeros(2, np.int64), np.zeros(4), scale)


def _bollinger(parameters: Parameters, scale: float) -> Indicator:
    length, deviations = int(parameters["period"]), float(parameters["deviations"])
    return KernelIndicator(bollinger_bands, 3, np.zeros(length), np.zeros(2, np.int64), np.zeros(4), deviations, scale)


def _atr(parameters: Parameters, scale: float) -> Indicator:
    return KernelIndicator(average_true_range, 1, np.zeros(1, np.int64), np.zeros(2), int(parameters["period"]), scale)


RANGES = (
    IndicatorInfo(
        name="atr",
        summary="Average true range.",
        formula="Wilder's average of max(high, previous close) - min(low, previous close)",
        reference="TA-Lib ATR; Wilder (1978)",
        inputs=("high", "low", "close"),
        parameters=(period(14),),
        lookbacks=lambda parameters: (int(parameters["period"]),),
        make=_atr,
    ),
    IndicatorInfo(
        name="stddev",
        summary="Population standard deviation.",
        formula="sqrt(mean of the squares of (value - mean)) over the last `period` values",
        reference="TA-Lib STDDEV",
        inputs=("source",),
        parameters=(period(None, 2),),
        lookbacks=full_window,
        make=_stddev,
    ),
    IndicatorInfo(
        name="bollinger",
        summary="Bollinger bands.",
        formula="middle = sma; upper, lower = middle +- deviations * stddev",
        reference="TA-Lib BBANDS with a simple average",
        inputs=("source",),
        parameters=(
            period(20, 2),
            Parameter(
                name="deviations",
                kind="float",
                default=2.0,
                minimum=0.0,
                description="distance of the bands from the middle in standard deviations",
            ),
        ),
        outputs=("middle", "upper", "lower"),
        lookbacks=lambda parameters: full_window(parameters) * 3,
        make=_bollinger,
    ),
)
