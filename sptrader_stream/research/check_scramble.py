"""Another future behind the same past: candles that could have come, and did not.

All of it is made from the candles that did come, with a seed of its own for each place, so that a check gives the same
answer each time. Times stay as they are; prices stay within the data contract.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.columns import Ints

Scrambling = Literal["shuffled", "mirrored", "jumping"]
SCRAMBLINGS: Final[tuple[Scrambling, ...]] = get_args(Scrambling)


def scrambled(candles: ReadyCandles, start: int, how: Scrambling, seed: int) -> ReadyCandles:
    """Replace the candles from a row on.

    Args:
        candles: of one instrument.
        start: the first row to replace.
        how: ``shuffled``: the moves from candle to candle in another order; ``mirrored``: every rise a fall and the
            other way round, in reverse order; ``jumping``: moves three times as large behind a jump to a price half or
            twice as high, and volumes likewise.
        seed: makes the order; the same seed gives the same candles.
    """
    size = len(candles) - start
    if size <= 0:
        return candles
    random = np.random.default_rng(seed)
    factor, order = 1, random.permutation(size)
    last = int(candles.close[start - 1]) if start else int(candles.open[0])
    base = last
    if how == "mirrored":
        factor, order = -1, np.arange(size)[::-1]
    elif how == "jumping":
        factor, base = 3, last * 2 if random.random() < 0.5 else (last + 1) // 2
    before = np.concatenate(([last], candles.close[start:-1]))
    moves = {name: factor * (getattr(candles, name)[start:] - before)[order] for name in ("open", "high", "low")}
    steps = factor * (candles.close[start:] - before)[order]
    if factor < 0:
        moves["high"], moves["low"] = moves["low"], moves["high"]
    close = base + np.cumsum(steps)
    previous = close - steps
    # Cutting off at one tick keeps the order of low, body and high.
    prices = {name: np.maximum(previous + move, 1) for name, move in moves.items()} | {"close": np.maximum(close, 1)}
    volume = candles.volume[start:][order] * abs(factor)
    spread = candles.spread
    return msgspec.structs.replace(
        candles,
        **{name: _spliced(getattr(candles, name), start, column) for name, column in prices.items()},
        volume=np.concatenate((candles.volume[:start], volume)),
        spread=None if spread is None else _spliced(spread, start, spread[start:][order]),
    )


def _spliced(column: Ints, start: int, future: Ints) -> Ints:
    return np.concatenate((column[:start], future))
