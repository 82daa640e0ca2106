"""What the pure cores of the actors cost on the benchmark's strategy, without frames, channels or journal.

``python -m benchmarks.cores FILE`` prints a line of JSON: for every batch size, nanoseconds per candle by core.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.kernels import Columns, read_columns, split
from benchmarks.memory import INSTRUMENTS, STRATEGY
from sptrader_stream.events import Candles
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.instruments import find_instrument, load_instruments
from sptrader_stream.money import MONEY_SCALE
from sptrader_stream.rules.loader import load_strategy
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.rules.settings import execution_settings
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.timeframes import MINUTE

BATCHES = ((1, 20_000), (64, 191_906), (1024, 191_906), (8192, 191_906))
REPEATS = 5
CORES = ("signal engine", "rule matcher", "position core")


def nanoseconds_by_core(columns: Columns, size: int) -> list[int]:
    """Walk the candles once in batches of ``size``; the time spent in each of ``CORES``."""
    plan = load_strategy(STRATEGY, {})
    instrument = find_instrument(load_instruments(INSTRUMENTS), "EURUSD")
    engine = SignalEngine(plan, [instrument], MINUTE)
    matcher = RuleMatcher(plan, [instrument])
    core = PositionCore(execution_settings(plan, [instrument], MINUTE, 10_000 * MONEY_SCALE))
    spent = [0, 0, 0]
    first = 0
    clock = time.perf_counter_ns
    for batch in split(columns, size):
        candles = Candles(first, [len(batch.time)], *batch)
        first += len(batch.time)
        started = clock()
        signals = engine.process(candles)
        after_engine = clock()
        decisions = matcher.process(signals)
        after_matcher = clock()
        core.process(candles, decisions)
        spent[0] += after_engine - started
        spent[1] += after_matcher - after_engine
        spent[2] += clock() - after_matcher
    return spent


def main() -> None:
    """Measure every batch size over one file and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    columns = read_columns(parser.parse_args().file)
    costs = []
    for size, count in BATCHES:
        some = Columns(*(None if column is None else column[:count] for column in columns))  # type: ignore[arg-type]
        candles = len(some.time)
        passes = [nanoseconds_by_core(some, size) for _ in range(1 + REPEATS)]
        best = [min(spent) / candles for spent in zip(*passes[1:], strict=True)]
        costs.append({"batch": size, **dict(zip(CORES, best, strict=True))})
    sys.stdout.write(json.dumps(costs) + "\n")


if __name__ == "__main__":
    main()
