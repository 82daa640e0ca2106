"""Drives the position core as its actor does, batch by batch, and answers in the reference's terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np

from sptrader_stream.columns import Masks
from sptrader_stream.events import Candles
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.execution.records import ExecutionEvent, unpack
from sptrader_stream.execution.settings import ExecutionSettings
from tests.reference import Candle, Decision, Result


def columns(candles: Sequence[Candle], first: int = 0) -> Candles:
    """Candles as the feed publishes them."""

    def column(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([getattr(each, name) for each in candles], np.int64)

    return Candles(
        first=first,
        instrument=0,
        time=column("time"),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume=np.zeros(len(candles)),
        spread=column("spread"),
    )


def _masks(bits: list[int], batch: int) -> Masks | None:
    """None may stand for a column of zeros; both are used in turn."""
    return np.array(bits, np.uint32) if any(bits) or batch % 2 else None


def run_core(
    settings: ExecutionSettings,
    candles: Sequence[Candle],
    decisions: Sequence[Decision],
    sizes: Iterable[int] = repeat(8192),
) -> Result:
    """Run the core over batches of the given sizes; ``cash`` has one value per batch, ``positions`` stays empty."""
    core, result, first = PositionCore(settings), Result(), 0
    for batch, size in enumerate(sizes):
        if first >= len(candles):
            break
        part, decided = candles[first : first + size], decisions[first : first + size]
        executed = core.process(
            columns(part, first),
            _masks([each.entries for each in decided], batch),
            _masks([each.exits for each in decided], batch),
        )
        assert len(executed.equity) == len(executed.open_positions) == len(part)
        events: list[ExecutionEvent] = list(unpack(executed.records))
        result.events += events
        result.equity += executed.equity.tolist()
        result.open_positions += executed.open_positions.tolist()
        result.cash.append(executed.cash)
        first += len(part)
    return result
