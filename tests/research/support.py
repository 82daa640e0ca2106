"""Finished runs without files: a plan, candles in memory and events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sptrader_stream.candles import ReadyCandles, part_of
from sptrader_stream.events import Candles
from sptrader_stream.execution.records import ExecutionEvent
from sptrader_stream.instruments import Instrument
from sptrader_stream.opening import open_source
from sptrader_stream.research.why import RunToExplain
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.rules.settings import execution_settings
from sptrader_stream.timeframes import MINUTE

MONEY = 10**8
EURUSD = Instrument(symbol="EURUSD", price_precision=5, quantity_precision=0)


def plan_of(text: str) -> StrategyPlan:
    return compile_strategy(text, "sample.yaml")


def synthetic_candles(count: int, missing: float = 0.0, seed: int = 1) -> ReadyCandles:
    """Candles of one minute; each but the first is missing with the given probability."""
    source = open_source("synthetic", EURUSD, timeframe="1m", start=0, end=14 * 24 * 60 * MINUTE)
    found = next(each for each in source.chunks() if isinstance(each, ReadyCandles))
    kept = np.random.default_rng(seed).random(len(found)) >= missing
    kept[0] = True
    columns: dict[str, Any] = {name: getattr(found, name) for name in found.__struct_fields__}
    few: dict[str, Any] = {name: None if each is None else each[kept] for name, each in columns.items()}
    return part_of(ReadyCandles(**few), 0, count)


def candles_of(closes: Sequence[int], step: int = MINUTE, times: Sequence[int] | None = None) -> ReadyCandles:
    """Candles whose four prices are the same, in ticks."""
    column = np.array(closes, np.int64)
    time = np.arange(len(closes)) * step if times is None else np.array(times, np.int64)
    return ReadyCandles(
        time=time, open=column, high=column, low=column, close=column, volume=np.ones(len(column)), spread=None
    )


def in_chunks(candles: ReadyCandles, size: int) -> Iterator[ReadyCandles]:
    for start in range(0, len(candles), size):
        yield part_of(candles, start, min(start + size, len(candles)))


def batch_of(candles: ReadyCandles) -> Candles:
    return Candles(
        0, [len(candles)], candles.time, candles.open, candles.high, candles.low, candles.close, candles.volume,
        candles.spread,
    )  # fmt: skip


def run_of(
    plan: StrategyPlan,
    candles: ReadyCandles,
    events: Sequence[ExecutionEvent] = (),
    instruments: Sequence[Instrument] = (EURUSD,),
) -> RunToExplain:
    return RunToExplain(
        plan=plan,
        instruments=instruments,
        settings=execution_settings(plan, instruments, MINUTE, 100_000 * MONEY),
        period=(int(candles.time[0]), int(candles.time[-1])),
        events=lambda: events,
    )
