"""``python -m benchmarks``: measure everything, print the tables, keep them in ``benchmarks/results``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import candles, machine, peers, pipeline, report
from benchmarks.process import ChildError, run

RESULTS = Path(__file__).parent / "results"
PARTS = ("engines", "pipeline", "portfolio", "kernels")
NAMES = tuple(engine.name for engine in (peers.OURS, *peers.PEERS))


def say(text: str) -> None:
    """Tell what is being done, apart from the result."""
    sys.stderr.write(f"{text}\n")


def main() -> int:
    """Measure what was asked for."""
    arguments = _parser().parse_args()
    short = arguments.data or (candles.REAL if candles.REAL.exists() else candles.SYNTHETIC)
    short = short.resolve()
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "engines": lambda: _engines(short, arguments.rounds, arguments.engines),
        "pipeline": lambda: {"pipeline": _pipeline(short, arguments.rounds)},
        "portfolio": lambda: {"portfolio": json.loads(_module("portfolio", short))},
        "kernels": lambda: {name: json.loads(_module(name, short)) for name in ("kernels", "cores")},
    }
    document: dict[str, Any] = {"machine": machine.describe(), "load": [machine.load()], "failures": []}
    _module("candles", short)
    for part in arguments.parts:
        try:
            document |= measures[part]()
        except ChildError as error:
            document["failures"].append(f"{part}: {error}")
            say(f"error: {part}: {error}")
    document["load"].append(machine.load())
    text = report.markdown(document)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(document, indent=2) + "\n")
    (RESULTS / "latest.md").write_text(text)
    sys.stdout.write(text)
    return 1 if document["failures"] else 0


def _module(name: str, short: Path) -> str:
    """Run a module of this package over the short file in a process of its own."""
    say(name)
    return run([sys.executable, "-m", f"benchmarks.{name}", short], peers.RUN_TIMEOUT, folder=peers.ROOT).output


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed and memory.")
    parser.add_argument(
        "--data", type=Path, help="one-minute EURUSD candles in Parquet (default: the real file, else synthetic)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured, interleaved")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what is measured")
    parser.add_argument("--engines", nargs="+", choices=NAMES, default=NAMES, help="which engines run side by side")
    return parser


def _engines(short: Path, rounds: int, names: tuple[str, ...]) -> dict[str, Any]:
    measured = peers.measure(short, candles.long_file(short), rounds, names, say)
    ours = next((each for each in measured if each.engine is peers.OURS), None)
    engines = [report.engine_document(each, ours) for each in measured]

    def count(key: str) -> int:
        return next((int(each[key]["candles"]) for each in engines if each.get(key)), 0)

    return {
        "engines": engines,
        "files": {"short": short.name, "short_candles": count("short"), "long_candles": count("long")},
    }


def _pipeline(short: Path, rounds: int) -> dict[str, Any]:
    batches = pipeline.measure_batches(candles.long_file(short), rounds, say)
    say("imports")
    imports = pipeline.measure_imports(short)
    say(f"{pipeline.ENDURANCE:,} synthetic candles")
    return {"batches": batches, "imports": imports, "endurance": pipeline.measure_endurance()}


if __name__ == "__main__":
    sys.exit(main())
