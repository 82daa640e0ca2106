"""This pipeline over candles in memory: all actors, journal and equity on disk, a subscriber that reads the log.

The time is that of the run, as its result states it; the JSON document of all trades is written afterwards.

Besides what ``harness`` takes: ``--batch N`` candles a batch, ``--candles N`` of the file at most.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from actors.run import run_blocking
from benchmarks.engines.harness import SHOWN, Candles, Outcome, Trade, main
from benchmarks.kernels import Columns, in_ticks
from benchmarks.memory import MemorySource, specification
from sptrader_stream.money import MONEY_SCALE
from sptrader_stream.store.results import write_document
from sptrader_stream.timeframes import parse_time


def ticks(candles: Candles, count: int | None) -> Columns:
    """Turn the harness's columns into the pipeline's."""
    open_, high, low, close = (in_ticks(prices[:count]) for prices in candles[1:5])
    return Columns(candles.time[:count], open_, high, low, close, candles.volume[:count])


def first_trades(folder: Path) -> list[Trade]:
    """Read a run's first trades from its result."""
    stream = io.BytesIO()
    write_document(folder, stream)
    return [
        Trade(
            parse_time(trade["entry_time"]),
            float(trade["entry_price"]),
            parse_time(trade["exit_time"]),
            float(trade["exit_price"]),
        )
        for trade in json.loads(stream.getvalue())["completed_trades"][:SHOWN]
    ]


def measure() -> None:
    """Take this script's own arguments off and leave the rest to the harness."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--batch", type=int, default=8192)
    parser.add_argument("--candles", type=int)
    own, rest = parser.parse_known_args()

    def prepare(candles: Candles) -> Callable[[], Outcome]:
        place = tempfile.TemporaryDirectory()
        spec = specification([MemorySource(ticks(candles, own.candles))], own.batch, Path(place.name) / "run")

        def run() -> Outcome:
            # Whoever follows the progress subscribes to the log and decodes every frame of it.
            outcome = run_blocking(spec, lambda progress: None)
            if outcome.status != "completed":
                raise RuntimeError(f"the run ended as {outcome.status}: {outcome.failure}")
            found = outcome.metrics
            # The folder lives as long as somebody may ask for the trades.
            return Outcome(
                outcome.timing.candles,
                found.total_trades,
                found.end_equity / MONEY_SCALE,
                lambda: first_trades(Path(place.name) / "run"),
                outcome.timing.run_s,
            )

        return run

    main(prepare, "sptrader-stream", rest)


if __name__ == "__main__":
    measure()
