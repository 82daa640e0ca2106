"""Strength of a trend from highs, lows and closes: adx with the two directional indicators."""

from __future__ import annotations

import math

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.indicators.extremes import larger
from sptrader_stream.indicators.registry import Indicator, IndicatorInfo, KernelIndicator, Parameters, period
from sptrader_stream.kernels import device, kernel


@device
def true_range(high: float, low: float, previous_close: float) -> float:
    """Range of a candle together with its gap from the close before (Wilder)."""
    return larger(high, previous_close) + larger(-low, -previous_close)


@kernel
def directional_movement(
    highs: Floats,
    lows: Floats,
    closes: Floats,
    adx: Floats,
    plus: Floats,
    minus: Floats,
    seen: Ints,
    state: Floats,
    length: int,
) -> int:
    """Wilder's directional indicators in percent of the true range, and the average of their relative distance.

    As TA-Lib does: the sums over the first ``length - 1`` movements are decayed before the next is added, and what
    has no range or no movement to be measured by counts as 0. ``state`` holds the previous high, low and close, the
    smoothed movements and true range, and the average (a sum for the first ``length``).
    """
    keep = 1.0 - 1.0 / length
    count = seen[0]
    high_before, low_before, close_before = state[0], state[1], state[2]
    up_sum, down_sum, range_sum, average = state[3], state[4], state[5], state[6]
    for i in range(len(closes)):
        high, low, close = highs[i], lows[i], closes[i]
        adx[i] = plus[i] = minus[i] = math.nan
        if math.isnan(high) or math.isnan(low) or math.isnan(close):
            continue
        rise, fall = high - high_before, low_before - low
        extent = true_range(high, low, close_before)
        high_before, low_before, close_before = high, low, close
        if count > 0:
            if count >= length:
                up_sum *= keep
                down_sum *= keep
                range_sum *= keep
            range_sum += extent
            up_sum += rise if rise > larger(fall, 0.0) else 0.0
            down_sum += fall if fall > larger(rise, 0.0) else 0.0
        if count >= length:
            moved = range_sum > 0.0
            plus[i] = 100.0 * (up_sum / range_sum) if moved else 0.0
            minus[i] = 100.0 * (down_sum / range_sum) if moved else 0.0
            both = plus[i] + minus[i]
            distance = 100.0 * (abs(plus[i] - minus[i]) / both) if both > 0.0 else 0.0
            if count < 2 * length:
                average += distance
            else:
                average += (distance - average) / length
            if count == 2 * length - 1:
                average /= length
            if count >= 2 * length - 1:
                adx[i] = average
        if count < 2 * length:
            count += 1
    seen[0] = count
    state[0], state[1], state[2] = high_before, low_before, close_before
    state[3], state[4], state[5], state[6] = up_sum, down_sum, range_sum, average
    return 0


def _adx(parameters: Parameters, scale: float) -> Indicator:
    return KernelIndicator(
        directional_movement,
        3,
        np.zeros(1, np.int64),
        np.zeros(7),
        int(parameters["period"]),
    )


def _adx_lookbacks(parameters: Parameters) -> tuple[int, ...]:
    length = int(parameters["period"])
    return 2 * length - 1, length, length


TREND = (
    IndicatorInfo(
        name="adx",
        summary="Average directional index, 0 to 100, with the directional indicators.",
        formula="plus_di, minus_di = 100 * smoothed movement up, down / smoothed true range; "
        "adx = Wilder's average of 100 * |plus_di - minus_di| / (plus_di + minus_di)",
        reference="TA-Lib ADX, PLUS_DI, MINUS_DI; Wilder (1978)",
        inputs=("high", "low", "close"),
        parameters=(period(14, 2),),
        outputs=("adx", "plus_di", "minus_di"),
        lookbacks=_adx_lookbacks,
        make=_adx,
    ),
)
