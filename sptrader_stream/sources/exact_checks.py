"""The kernel of the data contract for prices that are whole ticks already: every check, and nothing to convert."""

from __future__ import annotations

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.kernels import kernel
from sptrader_stream.sources.checks import (
    ALIGNED,
    INFINITY,
    LARGEST_TICKS,
    NO_VOLUME,
    PREVIOUS,
    STOP,
    broken_by_ticks,
    broken_rule,
    report,
    time_findings,
)


@kernel
def check_exact(
    time: Ints,
    open_: Ints,
    high: Ints,
    low: Ints,
    close: Ints,
    volume: Floats,
    spread: Ints,
    keep: Ints,
    timeframe: int,
    first_row: int,
    closures: Ints,
    blocks: Ints,
    counts: Ints,
    places: Ints,
    state: Ints,
) -> int:
    """Hold a chunk against the contract, up to the first finding that blocks.

    Args:
        time, open_, high, low, close, volume: the columns of ``ExactCandles``.
        spread: likewise; empty where the source has none.
        keep: as long as ``time``; filled from the start with the indexes of the candles that are kept.
        timeframe: nanoseconds.
        first_row: index of the first candle among the rows of the source.
        closures: see ``checks.is_closure``.
        blocks: 1 for each kind of finding that ends the run, else 0.
        counts: findings of each kind so far.
        places: rows of the first ``PLACES`` findings of each kind.
        state: carried, ``checks.STATE_LENGTH`` values; NO_VOLUME is set to how many of those kept have no volume.

    Returns:
        How many candles are kept.
    """
    with_spread = len(spread) > 0
    largest = int(LARGEST_TICKS)
    previous, aligned = state[PREVIOUS], state[ALIGNED]
    state[NO_VOLUME] = 0
    kept = 0
    for i in range(len(time)):
        width = spread[i] if with_spread else 0
        sure = (
            low[i] > 0
            and low[i] <= open_[i] <= high[i]
            and low[i] <= close[i] <= high[i]
            and high[i] < largest
            and 0 <= width < largest
            and 0.0 <= volume[i] < INFINITY
        )
        if not sure or time[i] - previous != timeframe or aligned == 0:
            state[PREVIOUS] = previous
            highest = max(abs(float(open_[i])), abs(float(high[i])), abs(float(low[i])), abs(float(close[i])))
            broken = broken_rule(time[i], previous, True, highest, volume[i], float(width))
            if broken < 0:
                broken = broken_by_ticks(open_[i], high[i], low[i], close[i])
            if broken >= 0:
                if report(broken, first_row + i, blocks, counts, places, state):
                    return kept
                continue
            if time_findings(time[i], timeframe, first_row + i, closures, blocks, counts, places, state) == STOP:
                return kept
            if not volume[i] >= 0.0:
                state[NO_VOLUME] += 1
            aligned = state[ALIGNED]
        previous = time[i]
        keep[kept] = i
        kept += 1
    state[PREVIOUS] = previous
    return kept
