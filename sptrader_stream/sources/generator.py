"""The kernel that makes up candles: a random walk through regimes, in int64 ticks.

Only whole numbers and the four operations of IEEE 754 take part, no library function, so the same request gives the
same candles on every machine. A regime lasts 128 to 1,151 candles: a trend up, a trend down, a quiet range or a
restless one; trends lead back to the base price more often than away from it.
"""

from __future__ import annotations

from typing import Final

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.kernels import device, kernel
from sptrader_stream.timeframes import FIRST_MONDAY, WEEK

# Layout of ``state``.
NEXT_TIME: Final = 0
RANDOM: Final = 1
REGIME_LEFT: Final = 2
STATE_LENGTH: Final = 3

# Layout of ``walk``: where the price stands and how the regime moves it.
LEVEL: Final = 0
DRIFT: Final = 1
VOLATILITY: Final = 2
WALK_LENGTH: Final = 3

# Layout of ``model``: the base price (ticks), the usual relative move of a candle (standard deviation), the usual
# spread (ticks) and volume.
BASE: Final = 0
MOVE: Final = 1
SPREAD: Final = 2
VOLUME: Final = 3
MODEL_LENGTH: Final = 4

# The constants of SplitMix64 (Steele, Lea, Flood 2014), as signed numbers.
_GOLDEN: Final = -7046029254386353131
_FIRST_FACTOR: Final = -4658895280553007687
_SECOND_FACTOR: Final = -7723592293110705685

_SHORT: Final = 0xFFFF
_SHORTS: Final = 65536.0
# Four uniform 16-bit numbers add up to nearly a normal one: their mean and standard deviation.
_MEAN: Final = 131070.0
_DEVIATION: Final = 37837.2


@device
def _shifted(word: int, count: int) -> int:
    """Shift right with zeros coming in."""
    return (word >> count) & ((1 << (64 - count)) - 1)


@device
def _mixed(counter: int) -> int:
    """SplitMix64's output for a counter."""
    word = (counter ^ _shifted(counter, 30)) * _FIRST_FACTOR
    word = (word ^ _shifted(word, 27)) * _SECOND_FACTOR
    return word ^ _shifted(word, 31)


@device
def _normal(word: int) -> float:
    """A number of mean 0 and deviation 1, at most 3.5 away, from 64 random bits."""
    total = (word & _SHORT) + (word >> 16 & _SHORT) + (word >> 32 & _SHORT) + (word >> 48 & _SHORT)
    return (total - _MEAN) / _DEVIATION


@device
def _next_open(time: int, timeframe: int, closed: Ints) -> int:
    """Give the first candle from ``time`` on that opens in trading hours."""
    moved = True
    while moved:
        moved = False
        since = (time - FIRST_MONDAY) % WEEK
        for i in range(0, len(closed), 2):
            if closed[i] <= since < closed[i + 1]:
                time += (closed[i + 1] - since + timeframe - 1) // timeframe * timeframe
                moved = True
                break
    return time


@device
def _next_closing(time: int, closed: Ints) -> int:
    """Give the time at which the market that is open at ``time`` closes next."""
    since = (time - FIRST_MONDAY) % WEEK
    nearest = WEEK
    for i in range(0, len(closed), 2):
        ahead = closed[i] - since if closed[i] > since else closed[i] - since + WEEK
        nearest = min(nearest, ahead)
    return time + nearest


@device
def _new_regime(word: int, model: Floats, walk: Floats) -> int:
    """Choose how the price moves for a while, and give for how many candles."""
    kind, strength = word & 3, (word >> 2 & _SHORT) / _SHORTS
    walk[DRIFT] = 0.0
    walk[VOLATILITY] = model[MOVE] * (1.5 if kind == 3 else 0.6)
    if kind < 2:
        excess = walk[LEVEL] / model[BASE] - 1.0
        rises = (word >> 18 & _SHORT) / _SHORTS > 0.5 + 2.0 * excess
        walk[VOLATILITY] = model[MOVE] * 0.9
        walk[DRIFT] = model[MOVE] * (0.05 + 0.1 * strength) * (1.0 if rises else -1.0)
    return 128 + (word >> 34 & 1023)


@kernel
def generate(
    time: Ints,
    open_: Ints,
    high: Ints,
    low: Ints,
    close: Ints,
    volume: Floats,
    spread: Ints,
    timeframe: int,
    last: int,
    closed: Ints,
    model: Floats,
    walk: Floats,
    state: Ints,
) -> int:
    """Make the next candles.

    Args:
        time, open_, high, low, close, volume, spread: filled from the start.
        timeframe: nanoseconds.
        last: no candle opens later, nanoseconds since 1970 UTC.
        closed: pairs of nanoseconds since Monday, from which and before which no candle opens.
        model: ``MODEL_LENGTH`` values, read.
        walk: ``WALK_LENGTH`` values, carried; LEVEL starts as the base price.
        state: ``STATE_LENGTH`` values, carried; NEXT_TIME starts as the first candle's time, RANDOM as the seed.

    Returns:
        How many candles were made; fewer than there is room for at the end of the range.
    """
    base = model[BASE]
    here, counter, left = state[NEXT_TIME], state[RANDOM], state[REGIME_LEFT]
    here = _next_open(here, timeframe, closed)
    closing = _next_closing(here, closed)
    level = walk[LEVEL]
    made = 0
    for i in range(len(time)):
        if here >= closing:
            here = _next_open(here, timeframe, closed)
            closing = _next_closing(here, closed)
            counter += _GOLDEN
            level *= 1.0 + 2.0 * model[MOVE] * _normal(_mixed(counter))
        if here > last:
            break
        if left == 0:
            counter += _GOLDEN
            walk[LEVEL] = level
            left = _new_regime(_mixed(counter), model, walk)
        left -= 1
        counter += _GOLDEN
        move = _normal(_mixed(counter))
        counter += _GOLDEN
        word = _mixed(counter)
        first = int(level + 0.5)
        size = level * walk[VOLATILITY]
        level *= 1.0 + walk[DRIFT] + walk[VOLATILITY] * move
        level = min(max(level, 0.25 * base), 4.0 * base)
        final = int(level + 0.5)
        up, down = (word & _SHORT) / _SHORTS, (word >> 16 & _SHORT) / _SHORTS
        time[i], open_[i], close[i] = here, first, final
        high[i] = max(first, final) + int(size * up * up + 0.5)
        low[i] = max(min(first, final) - int(size * down * down + 0.5), 1)
        activity = (word >> 32 & _SHORT) / _SHORTS
        volume[i] = float(int(model[VOLUME] * (0.25 + activity + abs(move)))) + 1.0
        wide = (word >> 48 & _SHORT) / _SHORTS
        spread[i] = int(model[SPREAD] * (0.75 + wide * wide) + 0.5)
        here += timeframe
        made += 1
    state[NEXT_TIME], state[RANDOM], state[REGIME_LEFT] = here, counter, left
    walk[LEVEL] = level
    return made
