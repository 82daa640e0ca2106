"""The kernel of the data contract for prices as numbers: to ticks and every check, in one pass over a chunk.

A price becomes the tick nearest to its decimal text (the shortest text that reads as the same float64), half to even.
No text is made for that. Say x is the float, d its text and h = (10 k + 5) / 10^(p+1) the decimal half way between
ticks k and k + 1. Reading a decimal is monotonic, so x < float(h) gives d < h, and x > float(h) gives d > h; and
where x = float(h), h has at most 15 digits and so is itself the shortest text of x, d = h: a tie. The quotient of two
whole numbers below 2^53 is float(h), because IEEE 754 division is correctly rounded.
"""

from __future__ import annotations

from typing import Final

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.kernels import device, kernel
from sptrader_stream.sources.checks import (
    ALIGNED,
    INFINITY,
    LARGEST_TICKS,
    PREVIOUS,
    STOP,
    broken_by_ticks,
    broken_rule,
    report,
    time_findings,
)
from sptrader_stream.sources.contract import PRECISION

# Up to here a product of price and scale is off by less than 10^-4 tick, so that a product within NEAR of a whole
# number leaves no doubt about its tick and about the precision.
_SURE_TICKS: Final = 2.0e11
_NEAR: Final = 8.0e-4
_NEARLY_HALF: Final = 0.4998
# Adding and subtracting 1.5 * 2^52 rounds a float64 to the nearest whole number.
_ROUNDER: Final = 6755399441055744.0


@device
def nearest_tick(price: float, scale: float) -> int:
    """Give the tick nearest to a price's decimal text, half to even.

    Args:
        price: finite, less than ``LARGEST_TICKS`` ticks from zero.
        scale: ticks per price unit, 10^p.
    """
    below = int(price * scale)
    if below > price * scale:
        below -= 1
    half = (10.0 * below + 5.0) / (10.0 * scale)
    if price < half or (price == half and below % 2 == 0):
        return below
    return below + 1


@device
def is_off_tick(price: float, scale: float, tick: int) -> bool:
    """Tell whether a price's decimal text is further than 10^-3 tick from its nearest tick."""
    return price > (1000.0 * tick + 1.0) / (1000.0 * scale) or price < (1000.0 * tick - 1.0) / (1000.0 * scale)


@device
def _is_finite(number: float) -> bool:
    return -INFINITY < number < INFINITY


@kernel
def whole_ticks(prices: Floats, scale: float, ticks: Ints, finer: Ints) -> int:
    """Give prices as the ticks nearest to their decimal texts.

    Args:
        prices: finite.
        scale: ticks per price unit, 10^p.
        ticks: filled; as long.
        finer: filled from the start with the indexes of prices that are further than 10^-3 tick from theirs.

    Returns:
        How many are; where a price is too large for exact arithmetic, -1 - its index.
    """
    count = 0
    for i in range(len(prices)):
        if abs(prices[i] * scale) >= LARGEST_TICKS:
            return -1 - i
        ticks[i] = nearest_tick(prices[i], scale)
        if is_off_tick(prices[i], scale, ticks[i]):
            finer[count] = i
            count += 1
    return count


@kernel
def check_prices(
    time: Ints,
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    spread: Floats,
    ready_time: Ints,
    ready_open: Ints,
    ready_high: Ints,
    ready_low: Ints,
    ready_close: Ints,
    ready_volume: Floats,
    ready_spread: Ints,
    scale: float,
    timeframe: int,
    first_row: int,
    closures: Ints,
    blocks: Ints,
    counts: Ints,
    places: Ints,
    state: Ints,
) -> int:
    """Convert a chunk and hold it against the contract, up to the first finding that blocks.

    Args:
        time, open_, high, low, close, volume: the columns of ``RawCandles``.
        spread: likewise; empty where the source has none.
        ready_time, ready_open, ready_high, ready_low, ready_close, ready_volume, ready_spread: filled from the start
            with the candles that are kept; as long as ``time``, the last as long as ``spread``.
        scale: ticks per price unit, 10^price_precision.
        timeframe: nanoseconds.
        first_row: index of the first candle among the rows of the source.
        closures: see ``checks.is_closure``.
        blocks: 1 for each kind of finding that ends the run, else 0.
        counts: findings of each kind so far.
        places: rows of the first ``PLACES`` findings of each kind.
        state: carried, ``STATE_LENGTH`` values; PREVIOUS starts as ``NO_TIME``, BLOCKED_KIND as ``NOT_BLOCKED``.

    Returns:
        How many candles are kept.
    """
    with_spread = len(spread) > 0
    previous, aligned = state[PREVIOUS], state[ALIGNED]
    kept = 0
    for i in range(len(time)):
        raw_open, raw_high = open_[i] * scale, high[i] * scale
        raw_low, raw_close = low[i] * scale, close[i] * scale
        near_open = (raw_open + _ROUNDER) - _ROUNDER
        near_high = (raw_high + _ROUNDER) - _ROUNDER
        near_low = (raw_low + _ROUNDER) - _ROUNDER
        near_close = (raw_close + _ROUNDER) - _ROUNDER
        raw_spread = spread[i] * scale if with_spread else 0.0
        row = first_row + i
        # Written so that a NaN anywhere makes it false.
        sure = (
            abs(raw_open - near_open) < _NEAR
            and abs(raw_high - near_high) < _NEAR
            and abs(raw_low - near_low) < _NEAR
            and abs(raw_close - near_close) < _NEAR
            and near_low > 0.0
            and near_low <= near_open <= near_high
            and near_low <= near_close <= near_high
            and near_high < _SURE_TICKS
            and 0.0 <= raw_spread < _SURE_TICKS
            and 0.0 <= volume[i] < INFINITY
        )
        if not sure or time[i] - previous != timeframe or aligned == 0:
            state[PREVIOUS] = previous
            highest = max(abs(raw_open), abs(raw_high), abs(raw_low), abs(raw_close))
            finite = _is_finite(open_[i]) and _is_finite(high[i]) and _is_finite(low[i]) and _is_finite(close[i])
            broken = broken_rule(time[i], previous, finite, highest, volume[i], raw_spread)
            off_tick = False
            if broken < 0 and not sure:
                open_ticks, high_ticks = nearest_tick(open_[i], scale), nearest_tick(high[i], scale)
                low_ticks, close_ticks = nearest_tick(low[i], scale), nearest_tick(close[i], scale)
                broken = broken_by_ticks(open_ticks, high_ticks, low_ticks, close_ticks)
                off_tick = (
                    is_off_tick(open_[i], scale, open_ticks)
                    or is_off_tick(high[i], scale, high_ticks)
                    or is_off_tick(low[i], scale, low_ticks)
                    or is_off_tick(close[i], scale, close_ticks)
                )
                near_open, near_high = float(open_ticks), float(high_ticks)
                near_low, near_close = float(low_ticks), float(close_ticks)
            if broken >= 0:
                if report(broken, row, blocks, counts, places, state):
                    return kept
                continue
            if time_findings(time[i], timeframe, row, closures, blocks, counts, places, state) == STOP:
                return kept
            if off_tick and report(PRECISION, row, blocks, counts, places, state):
                return kept
            aligned = state[ALIGNED]
        previous = time[i]
        ready_time[kept] = time[i]
        ready_open[kept], ready_high[kept] = int(near_open), int(near_high)
        ready_low[kept], ready_close[kept] = int(near_low), int(near_close)
        ready_volume[kept] = volume[i] if volume[i] >= 0.0 else 0.0
        if with_spread:
            near_spread = (raw_spread + _ROUNDER) - _ROUNDER
            if abs(raw_spread - near_spread) > _NEARLY_HALF or raw_spread > _SURE_TICKS:
                near_spread = float(nearest_tick(spread[i], scale))
            ready_spread[kept] = int(near_spread)
        kept += 1
    state[PREVIOUS] = previous
    return kept
