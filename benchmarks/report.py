"""The measurements as one JSON document and as Markdown tables that read well in a terminal, too."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.peers import Measured, Warm
from benchmarks.process import Finished

_HALF_TICK = 0.5e-5


def engine_document(measured: Measured, ours: Measured | None) -> dict[str, Any]:
    """Put what was measured of an engine into plain values."""
    document: dict[str, Any] = {"name": measured.engine.name, "note": measured.engine.note}
    if measured.failure is not None:
        return {**document, "failure": measured.failure}
    found = measured.document
    return {
        **document,
        "version": found["version"],
        "trades": found["trades"],
        "end_equity": found["end_equity"],
        "first_trades": len(found["first_trades"]),
        "first_trades_at_our_prices": _agreeing(found, ours.document) if ours and ours.document else None,
        "short": _warm(measured.warm(measured.short)),
        "long": _warm(measured.warm(measured.long)),
        "whole": _whole(measured.whole),
        "whole_long": _whole(measured.whole_long),
    }


def _agreeing(theirs: dict[str, Any], ours: dict[str, Any]) -> int:
    pairs = zip(theirs["first_trades"], ours["first_trades"], strict=False)
    return sum(abs(a[1] - b[1]) < _HALF_TICK and abs(a[3] - b[3]) < _HALF_TICK for a, b in pairs)


def _warm(warm: Warm | None) -> dict[str, float] | None:
    if warm is None:
        return None
    return {
        "candles": warm.candles,
        "best_candles_per_second": warm.best,
        "median_candles_per_second": warm.median,
        "runs": len(warm.seconds),
        "peak_bytes": warm.peak_bytes,
    }


def _whole(runs: Sequence[Finished]) -> dict[str, float] | None:
    if not runs:
        return None
    return {
        "best_seconds": min(run.wall for run in runs),
        "median_seconds": statistics.median(run.wall for run in runs),
        "median_cpu_seconds": statistics.median(run.cpu for run in runs),
        "runs": len(runs),
        "peak_bytes": max(run.peak_bytes for run in runs),
    }


def markdown(document: dict[str, Any]) -> str:
    """Write the whole document as text: what was measured on, then a table for each part that was measured."""
    parts = [_machine(document)]
    if "engines" in document:
        parts.append(_engines(document["engines"], document["files"]))
    if "pipeline" in document:
        parts.append(_pipeline(document["pipeline"]))
    if "portfolio" in document:
        rates = [(each["kind"], *_rates(each)) for each in document["portfolio"]]
        header = ("2,000,000 candles, batches of 8,192", "best candles/s", "median candles/s")
        parts.append("### Several instruments, bounds, all exits\n\n" + _table(header, rates))
    if "kernels" in document:
        rows = [(name, f"{cost:.1f}") for name, cost in document["kernels"].items()]
        parts.append("### Kernels, batches of 8,192\n\n" + _table(("kernel", "ns per candle"), rows))
    if "cores" in document:
        names = [name for name in document["cores"][0] if name != "batch"]
        costs = [(f"{each['batch']:,}", *(f"{each[name]:,.1f}" for name in names)) for each in document["cores"]]
        parts.append("### Cores of the actors, ns per candle\n\n" + _table(("candles in a batch", *names), costs))
    if document["failures"]:
        parts.append("Not measured: " + "; ".join(document["failures"]) + ".")
    return "\n\n".join(parts) + "\n"


def _machine(document: dict[str, Any]) -> str:
    machine = document["machine"]
    versions = ", ".join(f"{k} {machine[k]}" for k in ("python", "numpy", "numba", "llvmlite", "pyarrow"))
    load = document["load"]
    return (
        f"Measured {machine['date']} on {machine['processor']}, {machine['cores']} cores, {machine['memory']},"
        f" {machine['system']}; {versions}. Load of the machine before and after: {load[0]:.1f}, {load[1]:.1f}."
    )


def _engines(engines: Iterable[dict[str, Any]], files: dict[str, Any]) -> str:
    header = (
        "engine", "version", "warm, short file", "warm, long file", "whole process, short", "peak memory",
        "whole process, long", "peak memory", "trades", "end equity", "first trades at our prices",
    )  # fmt: skip
    rows, failures, notes = [], [], []
    for number, each in enumerate(engines, start=1):
        if "failure" in each:
            failures.append(f"- **{each['name']}** {each['failure']}")
            continue
        same, first = each["first_trades_at_our_prices"], each["first_trades"]
        notes.append(f"{number}. **{each['name']}**: {each['note']}")
        rows.append(
            (
                f"{each['name']} ({number})", each["version"], _speed(each["short"]), _speed(each["long"]),
                *_wall(each["whole"]), *_wall(each["whole_long"]),
                f"{each['trades']:,}", f"{each['end_equity']:,.2f}", "-" if same is None else f"{same} of {first}",
            )
        )  # fmt: skip
    text = (
        f"### Side by side\n\nShort file: {files['short']} ({files['short_candles']:,} candles);"
        f" long file: the same, repeated ({files['long_candles']:,}). Warm: candles per second over candles in memory,"
        " indicators, signals, fills and trades; best (median). Whole process: seconds from start to end, caches warm,"
        " reading the file included; best (median).\n\n" + _table(header, rows)
    )
    return "\n\n".join([text, *(["\n".join(failures)] if failures else []), "\n".join(notes)])


def _pipeline(pipeline: dict[str, Any]) -> str:
    parts = []
    if "batches" in pipeline:
        rows = [
            (f"{each['batch']:,}", f"{each['candles']:,}", *_rates(each), f"{each['microseconds_per_batch']:.0f}")
            for each in pipeline["batches"]
        ]
        header = ("candles in a batch", "candles", "best candles/s", "median candles/s", "us per batch")
        parts.append("### The pipeline, journal on disk, log read by a subscriber\n\n" + _table(header, rows))
    if "endurance" in pipeline:
        each = pipeline["endurance"]
        parts.append(
            f"{each['candles']:,} synthetic candles, whole process: {each['seconds']:.1f} s,"
            f" {each['pipeline_candles_per_second']:,.0f} candles/s in the pipeline, making the candles included;"
            f" peak memory {_megabytes(each['peak_bytes'])}."
        )
    if "imports" in pipeline:
        costs = [(each["module"], f"{each['milliseconds']:.0f}") for each in pipeline["imports"]]
        parts.append(
            "### Start-up: the costliest imports of `sptrader run`\n\n"
            + _table(("module, with what it imports first", "ms"), costs)
        )
    return "\n\n".join(parts)


def _rates(each: dict[str, Any]) -> tuple[str, str]:
    return f"{each['best_candles_per_second']:,.0f}", f"{each['median_candles_per_second']:,.0f}"


def _speed(warm: dict[str, float] | None) -> str:
    if warm is None:
        return "-"
    best, median = warm["best_candles_per_second"], warm["median_candles_per_second"]
    return f"{_short_number(best)} ({_short_number(median)})"


def _short_number(value: float) -> str:
    return f"{value / 1e6:.1f} M" if value >= 1e6 else f"{value:,.0f}"


def _wall(whole: dict[str, float] | None) -> tuple[str, str]:
    if whole is None:
        return "-", "-"
    return f"{whole['best_seconds']:.2f} s ({whole['median_seconds']:.2f})", _megabytes(whole["peak_bytes"])


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.0f} MB"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]

    def written(line: Sequence[str]) -> str:
        first, *rest = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        return f"| {' | '.join([first, *rest])} |"

    rules = ["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]
    return "\n".join([written(lines[0]), f"|{'|'.join(rules)}|", *map(written, lines[1:])])
