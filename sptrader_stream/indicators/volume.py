"""Indicators over traded volume: obv, vwap."""

from __future__ import annotations

import math

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.indicators.registry import Indicator, IndicatorInfo, KernelIndicator, Parameter, Parameters
from sptrader_stream.kernels import kernel
from sptrader_stream.timeframes import DAY, MINUTE


@kernel
def on_balance_volume(closes: Floats, volumes: Floats, out: Floats, state: Floats) -> int:
    """Volume of rising candles less that of falling ones, from the first candle's volume.

    ``state`` holds the previous close (minus infinity before the first) and the balance.
    """
    before, balance = state[0], state[1]
    for i in range(len(closes)):
        close, volume = closes[i], volumes[i]
        if math.isnan(close) or math.isnan(volume):
            out[i] = math.nan
            continue
        balance += (volume if close > before else 0.0) - (volume if close < before else 0.0)
        before = close
        out[i] = balance
    state[0], state[1] = before, balance
    return 0


@kernel
def session_average_price(
    times: Ints,
    highs: Floats,
    lows: Floats,
    closes: Floats,
    volumes: Floats,
    out: Floats,
    session: Ints,
    sums: Floats,
    start: int,
    scale: float,
) -> int:
    """Mean of the typical price weighted by volume since the session began; undefined while no volume was traded.

    Args:
        times: open times, nanoseconds since 1970 UTC.
        highs: ticks, as are ``lows`` and ``closes``.
        lows: see ``highs``.
        closes: see ``highs``.
        volumes: traded quantity.
        out: the result, price units.
        session: number of the current session, days since 1970.
        sums: volume, and volume times three typical prices, of the current session.
        start: when sessions begin, nanoseconds after midnight UTC.
        scale: ticks per price unit.
    """
    current = session[0]
    volume, weighted = sums[0], sums[1]
    for i in range(len(closes)):
        triple = highs[i] + lows[i] + closes[i]
        if math.isnan(triple) or math.isnan(volumes[i]):
            out[i] = math.nan
            continue
        number = (times[i] - start) // DAY
        if number != current:
            current, volume, weighted = number, 0.0, 0.0
        volume += volumes[i]
        weighted += volumes[i] * triple
        out[i] = weighted / (3.0 * volume * scale) if volume > 0.0 else math.nan
    session[0] = current
    sums[0], sums[1] = volume, weighted
    return 0


def _obv(parameters: Parameters, scale: float) -> Indicator:
    return KernelIndicator(on_balance_volume, 1, np.array([-np.inf, 0.0]))


def _vwap(parameters: Parameters, scale: float) -> Indicator:
    start = int(parameters["session_start"]) * MINUTE
    # No session has this number, so the first candle begins one.
    session = np.array([np.iinfo(np.int64).min])
    return KernelIndicator(session_average_price, 1, session, np.zeros(2), start, scale)


VOLUME = (
    IndicatorInfo(
        name="obv",
        summary="On-balance volume.",
        formula="previous + volume if the close rose, - volume if it fell, from the first candle's volume",
        reference="TA-Lib OBV; Granville",
        inputs=("close", "volume"),
        parameters=(),
        lookbacks=lambda parameters: (0,),
        make=_obv,
    ),
    IndicatorInfo(
        name="vwap",
        summary="Volume-weighted average price of the session; undefined while no volume was traded.",
        formula="sum(volume * (high + low + close) / 3) / sum(volume) since the session began",
        reference="Berkowitz, Logue and Noser (1988), over candles",
        inputs=("time", "high", "low", "close", "volume"),
        parameters=(
            Parameter(
                name="session_start",
                kind="int",
                default=0,
                minimum=0,
                maximum=24 * 60 - 1,
                description="when sessions begin, minutes after midnight UTC",
            ),
        ),
        lookbacks=lambda parameters: (0,),
        make=_vwap,
    ),
)
