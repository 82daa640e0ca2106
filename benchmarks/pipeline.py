"""This pipeline by itself: speed at several batch sizes, what start-up is made of, a run of fifty million candles."""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT, STRATEGY, Say, sptrader_run
from benchmarks.process import run

DEFAULT_BATCH = 8192

# Batch size, candles, repeats in a process: small batches over fewer candles, so that each takes about a second.
BATCHES = ((1, 20_000, 3), (64, 191_906, 3), (1024, 1_000_000, 5), (DEFAULT_BATCH, 5_000_000, 5))

ENDURANCE = 50_000_000
# One-minute candles of a pair: 7,200 a week, five days of trading.
ENDURANCE_RANGE = ("2024-01-01", "2157-02-06")

TIMEOUT = 900.0
_SHOWN_IMPORTS = 12


def measure_batches(long: Path, rounds: int, say: Say) -> list[dict[str, Any]]:
    """Measure the pipeline over candles in memory, one process for each batch size and round, interleaved."""
    seconds: dict[int, list[float]] = {batch: [] for batch, _, _ in BATCHES}
    candles: dict[int, int] = {}
    for number in range(1, rounds + 1):
        for batch, count, repeats in BATCHES:
            say(f"round {number} of {rounds}: the pipeline at {batch:,} candles a batch")
            command: list[str | Path] = [
                sys.executable, "-m", "benchmarks.engines.sptrader", long, "--warm-up", "1", "--repeats", str(repeats),
                "--batch", str(batch), "--candles", str(count),
            ]  # fmt: skip
            document = json.loads(run(command, TIMEOUT, folder=ROOT).output)
            seconds[batch] += document["seconds"]
            candles[batch] = document["candles"]
    return [
        {
            "batch": batch,
            "candles": candles[batch],
            "best_candles_per_second": candles[batch] / min(taken),
            "median_candles_per_second": candles[batch] / statistics.median(taken),
            "microseconds_per_batch": min(taken) * 1e6 / -(-candles[batch] // batch),
        }
        for batch, taken in seconds.items()
    ]


def measure_imports(short: Path) -> list[dict[str, Any]]:
    """Name the costliest imports of ``sptrader run`` as ``python -X importtime`` sees them, outermost modules first."""
    with tempfile.TemporaryDirectory() as out:
        arguments = sptrader_run(short, out)
        program = "import sys; from sptrader_stream.cli import main; sys.exit(main())"
        finished = run([sys.executable, "-X", "importtime", "-c", program, *arguments], TIMEOUT, folder=ROOT)
    found = []
    for line in finished.errors.splitlines():
        match = re.match(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)", line)
        if match:
            found.append({"module": match[4], "milliseconds": int(match[2]) / 1000})
    return sorted(found, key=lambda each: -float(each["milliseconds"]))[:_SHOWN_IMPORTS]


def measure_endurance() -> dict[str, Any]:
    """Run the synthetic source through the whole command: fifty million candles, memory watched."""
    start, end = ENDURANCE_RANGE
    with tempfile.TemporaryDirectory() as out:
        command: list[str | Path] = [
            Path(sys.executable).parent / "sptrader", "run", STRATEGY, "--data", "synthetic", "--symbol", "EURUSD",
            "--timeframe", "1m", "--from", start, "--to", end, "--json", "--out", out,
        ]  # fmt: skip
        finished = run(command, TIMEOUT, folder=ROOT)
    timing = json.loads(finished.output)["timing"]
    return {
        "candles": timing["candles"],
        "seconds": finished.wall,
        "pipeline_candles_per_second": timing["candles_per_second"],
        "peak_bytes": finished.peak_bytes,
    }
