"""What one candle costs in each kernel: every indicator with its usual parameters, and the position core.

``python -m benchmarks.kernels FILE`` prints a line of JSON; it runs in a process of its own so that the kernels are
measured as a run loads them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from sptrader_stream.candles import CandleView
from sptrader_stream.columns import Floats, Ints, Masks
from sptrader_stream.events import Candles, Decisions
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.execution.settings import (
    Commission,
    Distance,
    Entry,
    ExecutionSettings,
    HoldingPeriod,
    InstrumentSettings,
    Target,
    TrailingStop,
)
from sptrader_stream.indicators import INDICATORS, build
from sptrader_stream.money import MONEY_SCALE
from sptrader_stream.timeframes import MINUTE, NANOSECONDS

BATCH = 8192
SCALE = 1e5
REPEATS = 5

# For indicators whose period has no default.
PERIOD = 20


class Columns(NamedTuple):
    """A batch of candles, in ticks."""

    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    spread: Ints | None = None


def read_columns(path: Path) -> Columns:
    """Read a Parquet file of candles (time in seconds, five decimal places) into ticks."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(path, columns=["time", "open", "high", "low", "close", "volume"])
    open_, high, low, close = (in_ticks(table[name].to_numpy()) for name in ("open", "high", "low", "close"))
    seconds: Ints = table["time"].to_numpy()
    volume = table["volume"].to_numpy().astype(np.float64)
    return Columns(seconds * NANOSECONDS, open_, high, low, close, volume)


def in_ticks(prices: Floats) -> Ints:
    """Round prices of five decimal places to whole ticks."""
    return np.rint(prices * SCALE).astype(np.int64)


def split(columns: Columns, size: int) -> list[Columns]:
    """Cut columns into batches of ``size``."""
    pieces = range(0, len(columns.time), size)
    return [Columns(*(None if c is None else c[start : start + size] for c in columns)) for start in pieces]  # type: ignore[arg-type]


def best_nanoseconds(make: Callable[[], Callable[[Columns], object]], batches: list[Columns], repeats: int) -> float:
    """Nanoseconds per candle of the fastest of several passes, each by a new instance."""
    best = float("inf")
    for _ in range(repeats):
        process = make()
        started = time.perf_counter_ns()
        for batch in batches:
            process(batch)
        best = min(best, time.perf_counter_ns() - started)
    return best / sum(len(batch.time) for batch in batches)


def indicator_costs(batches: list[Columns], repeats: int) -> dict[str, float]:
    """Nanoseconds per candle of every indicator, inputs made beforehand."""
    views = {id(batch): CandleView(batch, SCALE) for batch in batches}
    costs = {}
    for name, info in INDICATORS.items():
        parameters = {each.name: PERIOD for each in info.parameters if each.default is None}
        fields = [{"source": "close"}.get(field, field) for field in info.inputs]
        inputs = {
            key: [view.time if field == "time" else view.ticks(field) for field in fields]
            for key, view in views.items()
        }

        def make(
            name: str = name, parameters: dict[str, int] = parameters, inputs: dict[int, list[Floats | Ints]] = inputs
        ) -> Callable[[Columns], object]:
            indicator = build(name, parameters, SCALE)
            return lambda batch: indicator.update(*inputs[id(batch)])  # type: ignore[arg-type]

        costs[info.signature] = best_nanoseconds(make, batches, repeats)
    return costs


SIMPLE = InstrumentSettings(
    price_precision=5,
    quantity_precision=2,
    minimum_quantity=1,
    entries=(Entry(side=1, size=2_000_000),),
    stop_loss=Distance(value=200_000),
    targets=(Target(distance=Distance(value=400_000)),),
)
# Three positions at a time, each with a stop that trails, break-even, two targets and a time limit; spread, slippage
# and commission; limits that are looked at and not passed.
EVERYTHING = InstrumentSettings(
    price_precision=5,
    quantity_precision=2,
    minimum_quantity=1,
    entries=(Entry(side=1, size=2_000_000, max_positions=3),),
    stop_loss=Distance(value=200_000),
    targets=(Target(distance=Distance(value=200_000), close=50_000_000), Target(distance=Distance(value=400_000))),
    spread=2,
    slippage_ticks=1,
    commission=Commission(percent=2_000, per_order=1_000_000, minimum=100),
)


def core_settings(instrument: InstrumentSettings, instruments: int, *, everything: bool) -> ExecutionSettings:
    """Settings of the position core for so many instruments of a kind."""
    settings = ExecutionSettings(
        start_capital=10_000 * MONEY_SCALE,
        instruments=(instrument,) * instruments,
        timeframe=MINUTE,
        strategy_timeframe=MINUTE,
        exits=(None,),
    )
    if not everything:
        return settings
    return msgspec.structs.replace(
        settings,
        trailing_stop=TrailingStop(activation=100_000, trail=150_000),
        break_even=150_000,
        max_holding_period=HoldingPeriod(candles=500),
        max_drawdown=90_000_000,
        daily_loss_limit=50_000_000,
        max_position_size=50_000_000,
    )


def decided(batch: Columns, every: int) -> Decisions:
    """An entry and an exit in turn, every so many candles."""
    moments = 2 * np.arange(0, len(batch.time), every, dtype=np.int64) + 1
    entries: Masks = np.zeros(len(moments), np.uint32)
    entries[::2] = 1
    exits: Masks = 1 - entries
    return Decisions(0, 0, [len(moments)], moments, entries, exits, None, None, [])


def core_costs(batches: list[Columns], repeats: int) -> dict[str, float]:
    """Nanoseconds per candle of the position core: without decisions, with some, and with everything on."""

    def cost(settings: ExecutionSettings, every: int) -> float:
        inputs = {id(each): (Candles(0, [len(each.time)], *each), decided(each, every)) for each in batches}

        def make() -> Callable[[Columns], object]:
            core = PositionCore(settings)
            return lambda batch: core.process(*inputs[id(batch)])

        return best_nanoseconds(make, batches, repeats)

    simple = core_settings(SIMPLE, 1, everything=False)
    full = core_settings(EVERYTHING, 1, everything=True)
    return {
        "position core, no decisions": cost(simple, 10 * BATCH),
        "position core, a decision every 25 candles": cost(simple, 25),
        "position core, everything on, a decision every 25 candles": cost(full, 25),
        "position core, everything on, a decision every 5 candles": cost(full, 5),
    }


def main() -> None:
    """Measure everything over one file and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    batches = split(read_columns(parser.parse_args().file), BATCH)
    # A first pass loads the machine code.
    for measure in (indicator_costs, core_costs):
        measure(batches[:1], 1)
    costs = {**indicator_costs(batches, REPEATS), **core_costs(batches, REPEATS)}
    sys.stdout.write(json.dumps(costs) + "\n")


if __name__ == "__main__":
    main()
