"""Momentum of one series, and of a close within its range: rsi, macd, roc, stochastic."""

from __future__ import annotations

import math

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.indicators.averages import window_means
from sptrader_stream.indicators.extremes import empty_block, larger, turn_into_suffix_maxima
from sptrader_stream.indicators.registry import Indicator, IndicatorInfo, KernelIndicator, Parameters, period
from sptrader_stream.kernels import kernel


@kernel
def relative_strength(values: Floats, out: Floats, seen: Ints, state: Floats, length: int) -> int:
    """Wilder's gains as a percentage of gains and losses together; 0 where both are 0, as in TA-Lib.

    ``state`` holds the previous value, and the gain and loss: sums over the first ``length`` changes, then averages.
    """
    share = 1.0 / length
    count = seen[0]
    previous, gain, loss = state[0], state[1], state[2]
    for i in range(len(values)):
        x = values[i]
        if math.isnan(x):
            out[i] = math.nan
            continue
        change = x - previous if count > 0 else 0.0
        previous = x
        up, down = max(change, 0.0), max(-change, 0.0)
        if count > length:
            gain += (up - gain) * share
            loss += (down - loss) * share
        else:
            gain += up
            loss += down
            count += 1
            if count <= length:
                out[i] = math.nan
                continue
            gain /= length
            loss /= length
        both = gain + loss
        out[i] = 100.0 * (gain / both) if both != 0.0 else 0.0
    seen[0] = count
    state[0], state[1], state[2] = previous, gain, loss
    return 0


@kernel
def convergence_divergence(
    values: Floats,
    line: Floats,
    signal: Floats,
    histogram: Floats,
    seen: Ints,
    state: Floats,
    fast: int,
    slow: int,
    smoothing: int,
    scale: float,
) -> int:
    """Difference of two exponential averages, its own average, and the distance of the two.

    Both averages start at the ``slow``-th value from means over the values up to it, so the fast one leaves out the
    first ``slow - fast``. ``state`` holds the three averages (sums while they start).
    """
    fast_share, slow_share, signal_share = 2.0 / (fast + 1), 2.0 / (slow + 1), 2.0 / (smoothing + 1)
    whole = slow + smoothing - 1
    count = seen[0]
    fast_average, slow_average, signal_average = state[0], state[1], state[2]
    for i in range(len(values)):
        x = values[i]
        line[i] = signal[i] = histogram[i] = math.nan
        if math.isnan(x):
            continue
        if count >= slow:
            fast_average += (x - fast_average) * fast_share
            slow_average += (x - slow_average) * slow_share
        else:
            slow_average += x
            if count >= slow - fast:
                fast_average += x
            if count == slow - 1:
                fast_average /= fast
                slow_average /= slow
        difference = fast_average - slow_average
        if count >= whole:
            signal_average += (difference - signal_average) * signal_share
        elif count >= slow - 1:
            signal_average += difference
            if count == whole - 1:
                signal_average /= smoothing
        if count < whole:
            count += 1
        if count == whole:
            line[i] = difference / scale
            signal[i] = signal_average / scale
            histogram[i] = (difference - signal_average) / scale
    seen[0] = count
    state[0], state[1], state[2] = fast_average, slow_average, signal_average
    return 0


@kernel
def rate_of_change(values: Floats, out: Floats, window: Floats, place: Ints) -> int:
    """Percent by which a value exceeds that of ``len(window)`` candles before; 0 where that is 0, as in TA-Lib."""
    length = len(window)
    head, seen = place[0], place[1]
    for i in range(len(values)):
        x = values[i]
        if math.isnan(x):
            out[i] = math.nan
            continue
        before = window[head]
        window[head] = x
        head += 1
        if head == length:
            head = 0
        if seen < length:
            seen += 1
            out[i] = math.nan
        elif before == 0.0:
            out[i] = 0.0
        else:
            out[i] = (x - before) / before * 100.0
    place[0], place[1] = head, seen
    return 0


@kernel
def stochastic_oscillator(
    highs: Floats,
    lows: Floats,
    closes: Floats,
    slow_k: Floats,
    slow_d: Floats,
    high_block: Floats,
    low_block: Floats,
    place: Ints,
    best: Floats,
    k_window: Floats,
    k_place: Ints,
    k_sums: Floats,
    d_window: Floats,
    d_place: Ints,
    d_sums: Floats,
) -> int:
    """Where the close stands in the range of the last candles in percent, averaged (%K) and averaged again (%D).

    An empty range gives 0, as in TA-Lib. ``place`` (next place in the blocks, candles seen) and ``best`` (running
    maxima) belong to the two blocks, see ``extremes``; the other arrays to the averages.
    """
    length = len(high_block)
    at, seen = place[0], place[1]
    top, bottom = best[0], best[1]
    for i in range(len(closes)):
        high, low, close = highs[i], lows[i], closes[i]
        slow_k[i] = math.nan
        if math.isnan(high) or math.isnan(low) or math.isnan(close):
            continue
        top, bottom = larger(high, top), larger(-low, bottom)
        high_block[at], low_block[at] = high, -low
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
            extent = highest - lowest
            slow_k[i] = (close - lowest) / extent * 100.0 if extent != 0.0 else 0.0
    place[0], place[1] = at, seen
    best[0], best[1] = top, bottom
    window_means(slow_k, slow_k, k_window, k_place, k_sums, 1.0)
    window_means(slow_k, slow_d, d_window, d_place, d_sums, 1.0)
    for i in range(len(closes)):
        if math.isnan(slow_d[i]):
            slow_k[i] = math.nan
    return 0


def _rsi(parameters: Parameters, scale: float) -> Indicator:
    length = int(parameters["period"])
    return KernelIndicator(relative_strength, 1, np.zeros(1, np.int64), np.zeros(3), length)


def _macd(parameters: Parameters, scale: float) -> Indicator:
    lengths = [int(parameters[name]) for name in ("fast", "slow", "signal")]
    return KernelIndicator(convergence_divergence, 3, np.zeros(1, np.int64), np.zeros(3), *lengths, scale)


def _roc(parameters: Parameters, scale: float) -> Indicator:
    return KernelIndicator(rate_of_change, 1, np.zeros(int(parameters["period"])), np.zeros(2, np.int64))


def _stochastic(parameters: Parameters, scale: float) -> Indicator:
    length, k, d = (int(parameters[name]) for name in ("period", "k_smoothing", "d_smoothing"))
    return KernelIndicator(
        stochastic_oscillator,
        2,
        *(empty_block(length), empty_block(length), np.zeros(2, np.int64), empty_block(2)),
        *(np.zeros(k), np.zeros(2, np.int64), np.zeros(2)),
        *(np.zeros(d), np.zeros(2, np.int64), np.zeros(2)),
    )


OSCILLATORS = (
    IndicatorInfo(
        name="rsi",
        summary="Relative strength index, 0 to 100.",
        formula="100 * gain / (gain + loss), each Wilder's average of the rises and falls; 0 where nothing moved",
        reference="TA-Lib RSI; Wilder (1978)",
        inputs=("source",),
        parameters=(period(14, 2),),
        lookbacks=lambda parameters: (int(parameters["period"]),),
        make=_rsi,
    ),
    IndicatorInfo(
        name="macd",
        summary="Moving average convergence and divergence.",
        formula="line = ema(fast) - ema(slow), both started at candle `slow`; signal = ema(line); "
        "histogram = line - signal",
        reference="TA-Lib MACD; Appel",
        inputs=("source",),
        parameters=(
            period(12, 2, "fast", "candles of the faster average"),
            period(26, 2, "slow", "candles of the slower average"),
            period(9, 1, "signal", "candles of the average over the line"),
        ),
        outputs=("line", "signal", "histogram"),
        lookbacks=lambda parameters: (int(parameters["slow"]) + int(parameters["signal"]) - 2,) * 3,
        make=_macd,
        increasing=("fast", "slow"),
    ),
    IndicatorInfo(
        name="roc",
        summary="Rate of change in percent.",
        formula="(value / value `period` candles ago - 1) * 100; 0 where that value is 0",
        reference="TA-Lib ROC",
        inputs=("source",),
        parameters=(period(10),),
        lookbacks=lambda parameters: (int(parameters["period"]),),
        make=_roc,
    ),
    IndicatorInfo(
        name="stochastic",
        summary="Slow stochastic oscillator: where the close stands in the recent range, 0 to 100.",
        formula="k = sma((close - lowest low) / (highest high - lowest low) * 100), d = sma(k); 0 in an empty range",
        reference="TA-Lib STOCH with simple averages; Lane",
        inputs=("high", "low", "close"),
        parameters=(
            period(14, description="candles of the range"),
            period(3, 1, "k_smoothing", "candles of the average that gives k"),
            period(3, 1, "d_smoothing", "candles of the average over k that gives d"),
        ),
        outputs=("k", "d"),
        lookbacks=lambda parameters: (sum(int(each) for each in parameters.values()) - 3,) * 2,
        make=_stochastic,
    ),
)
