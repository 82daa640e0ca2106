"""What all engine scripts share: candles read from Parquet, repeats timed, one line of JSON on standard output.

An engine script gives a function ``prepare``: it gets the candles, does what comes before the engine proper (data
frames, the library's own objects) and answers a function that runs the backtest. Only that function is timed. The
script runs under the python of the engine's own environment, so nothing here needs more than numpy and pyarrow.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as parquet

FAST, SLOW = 10, 30
STOP, TARGET = 0.002, 0.004
SIZE = 0.02
CAPITAL = 10_000.0

# So many trades are shown of each engine, to be compared.
SHOWN = 20

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Candles(NamedTuple):
    """Columns as every library takes them: int64 nanoseconds UTC, float64 prices."""

    time: npt.NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class Trade(NamedTuple):
    """A closed trade; times in nanoseconds."""

    entry_time: int
    entry_price: float
    exit_time: int
    exit_price: float


class Outcome(NamedTuple):
    """What a backtest came to.

    ``first_trades`` is asked after the clock has stopped. ``seconds`` is given by an engine that does more than
    backtest before it answers, such as writing a report of all trades, and knows how long it took without.
    """

    candles: int
    trades: int
    end_equity: float
    first_trades: Callable[[], list[Trade]]
    seconds: float | None = None


Prepare = Callable[[Candles], Callable[[], Outcome]]


def read_candles(path: Path) -> Candles:
    """Read a Parquet file whose ``time`` is in seconds."""
    table = parquet.read_table(path, columns=["time", "open", "high", "low", "close", "volume"])
    seconds = table["time"].to_numpy()
    open_, high, low, close = (table[name].to_numpy() for name in ("open", "high", "low", "close"))
    volume = table["volume"].to_numpy().astype(np.float64)
    return Candles(seconds * 1_000_000_000, open_, high, low, close, volume)


def crosses(fast: Floats, slow: Floats) -> tuple[Mask, Mask]:
    """Golden and death crosses of two averages that are NaN while they warm up."""
    above = fast > slow
    both_defined = ~np.isnan(slow[:-1])
    golden, death = np.zeros(len(fast), bool), np.zeros(len(fast), bool)
    golden[1:] = above[1:] & ~above[:-1] & both_defined
    death[1:] = ~above[1:] & above[:-1] & both_defined
    return golden, death


def main(prepare: Prepare, distribution: str, words: Sequence[str] | None = None) -> None:
    """Run the script: ``FILE [--repeats N] [--warm-up N]``, by default as the process was called."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--warm-up", type=int, default=0)
    arguments = parser.parse_args(words)

    candles = read_candles(arguments.file)
    seconds: list[float] = []
    for repeat in range(arguments.warm_up + arguments.repeats):
        run = prepare(candles)
        started = time.perf_counter()
        outcome = run()
        took = time.perf_counter() - started
        if repeat >= arguments.warm_up:
            seconds.append(took if outcome.seconds is None else outcome.seconds)
    document = {
        "version": version(distribution),
        "candles": outcome.candles,
        "seconds": seconds,
        "trades": outcome.trades,
        "end_equity": outcome.end_equity,
        "first_trades": [list(trade) for trade in outcome.first_trades()],
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    sys.stdout.write(json.dumps(document) + "\n")
