"""What several instruments, both bounds and all exits cost in the whole pipeline, next to the simple strategy.

``python -m benchmarks.portfolio FILE`` prints a line of JSON: candles per second of each kind of run, measured in
turns over the same candles in memory, journal on disk and the log read by a subscriber.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from actors.run import run_blocking
from benchmarks.kernels import Columns, read_columns
from benchmarks.memory import HERE, STRATEGY, MemorySource, specification

if TYPE_CHECKING:
    from actors.spec import RunSpec

BATCH = 8192
CANDLES = 2_000_000
INSTRUMENTS = 10
REPEATS = 7
EVERYTHING = HERE / "strategies" / "everything_on.yaml"


def sources(columns: Columns, count: int) -> list[MemorySource]:
    """Cut candles into the histories of several instruments, over the same span of time."""
    length = len(columns.time) // count
    pieces = []
    for index in range(count):
        part = slice(index * length, (index + 1) * length)
        open_, high, low, close = (column[part] for column in (columns.open, columns.high, columns.low, columns.close))
        history = Columns(columns.time[:length], open_, high, low, close, columns.volume[part])
        pieces.append(MemorySource(history, f"PAIR{index}"))
    return pieces


def repeated(columns: Columns, count: int) -> Columns:
    """Repeat candles behind each other, a minute apart, until there are ``count``."""
    times = -(-count // len(columns.time))
    time = columns.time[0] + np.arange(count, dtype=np.int64) * 60_000_000_000
    names = ("open", "high", "low", "close", "volume")
    return Columns(time, *(np.tile(getattr(columns, name), times)[:count] for name in names))


def seconds(spec: RunSpec) -> float:
    """The time of a run, as its result states it."""
    outcome = run_blocking(spec, lambda progress: None)
    if outcome.status != "completed":
        raise RuntimeError(f"the run ended as {outcome.status}: {outcome.failure}")
    return outcome.timing.run_s


def main() -> None:
    """Measure every kind of run in turns and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    candles = repeated(read_columns(parser.parse_args().file), CANDLES)
    one, ten = sources(candles, 1), sources(candles, INSTRUMENTS)
    kinds = {
        "one instrument": (one, STRATEGY, False),
        "ten instruments": (ten, STRATEGY, False),
        "one instrument, bounds": (one, STRATEGY, True),
        "one instrument, everything on": (one, EVERYTHING, False),
        "ten instruments, everything on": (ten, EVERYTHING, False),
    }
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(1 + REPEATS):
        for name, (markets, strategy, bounds) in kinds.items():
            with tempfile.TemporaryDirectory() as place:
                spec = specification(markets, BATCH, Path(place) / "run", strategy=strategy, bounds=bounds)
                taken[name].append(seconds(spec))
    measured = [
        {
            "kind": name,
            "candles": CANDLES,
            "best_candles_per_second": CANDLES / min(times[1:]),
            "median_candles_per_second": CANDLES / statistics.median(times[1:]),
        }
        for name, times in taken.items()
    ]
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
