"""The other engines: an environment of its own for each, its script run side by side with ours, round after round."""

from __future__ import annotations

import hashlib
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.process import ChildError, Finished, run

HERE = Path(__file__).parent
ROOT = HERE.parent
ENVIRONMENTS = HERE / "environments"
REQUIREMENTS = HERE / "requirements"
STRATEGY = HERE / "strategies" / "sma_crossover.yaml"

BUILD_TIMEOUT = 900.0
RUN_TIMEOUT = 300.0
LONG_REPEATS = 3

Say = Callable[[str], None]


class Engine(NamedTuple):
    """How an engine is measured.

    Attributes:
        name: as shown, and as its script and requirements are called.
        warm_up: runs before the clock counts, in each process.
        repeats: timed runs in each process.
        long: whether it is fast enough for the longer file.
        note: why its trades or equity differ from ours.
    """

    name: str
    warm_up: int
    repeats: int
    long: bool
    note: str


OURS = Engine("sptrader", 1, 10, True, "Exact: integers for prices, quantities, money and the averages of the signals.")
PEERS = (
    Engine(
        "raptorbt", 1, 10, True,
        "Averages in binary floats: where the fast and the slow one are equal, rounding decides about a crossing. "
        "A target that the open has jumped over fills at the target, not at the open.",
    ),
    Engine(
        "vectorbt", 1, 10, True,
        "With its Rust engine. Averages in binary floats, as raptorbt; quantities not rounded to lots; stop and target "
        "are not looked at in the candle of the entry, and come before an order at the open.",
    ),
    Engine(
        "backtesting", 1, 1, False,
        "backtesting.py. Averages in binary floats; whole units only; stop and target are set with the order, from the "
        "close that decided, because the fill is not known then.",
    ),
    Engine(
        "nautilus_trader", 0, 1, False,
        "Its bars fill a market order at the close that decided, there is no next open; a candle is walked open, high, "
        "low, close, so a target comes before a stop; money is rounded to cents at each fill.",
    ),
)  # fmt: skip


class Warm(NamedTuple):
    """Timed runs of an engine over candles in memory."""

    candles: int
    seconds: list[float]
    peak_bytes: int

    @property
    def best(self) -> float:
        """Candles per second in the fastest run."""
        return self.candles / min(self.seconds)

    @property
    def median(self) -> float:
        """Candles per second in the median run."""
        return self.candles / statistics.median(self.seconds)


class Measured:
    """What was measured of one engine, or why nothing was."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.failure: str | None = None
        self.short: list[dict[str, Any]] = []
        self.long: list[dict[str, Any]] = []
        self.whole: list[Finished] = []
        self.whole_long: list[Finished] = []

    @property
    def document(self) -> dict[str, Any]:
        """What the engine's script said last of the short file."""
        return self.short[-1] if self.short else {}

    def warm(self, documents: list[dict[str, Any]]) -> Warm | None:
        """Join the timed runs of several processes."""
        if not documents:
            return None
        seconds = [second for document in documents for second in document["seconds"]]
        return Warm(documents[0]["candles"], seconds, max(document["peak_bytes"] for document in documents))


def build(engine: Engine, say: Say) -> Path:
    """Make an engine's environment unless it is there as required, and give its python.

    Raises:
        ChildError: it could not be installed.
    """
    folder, wanted = ENVIRONMENTS / engine.name, REQUIREMENTS / f"{engine.name}.txt"
    python, stamp = folder / "bin" / "python", folder / "requirements.digest"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    say(f"building the environment of {engine.name}")
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(folder)], BUILD_TIMEOUT)
    uv = Path(sys.executable).parent / "uv"
    arguments = ["install", "--quiet", "--require-hashes", "--requirement", str(wanted)]
    try:
        run([uv, "pip", *arguments, "--python", str(python)], BUILD_TIMEOUT)
    except ChildError:
        # Without uv, and where it finds no packages: it does not read pip's configuration.
        run([python, "-m", "pip", *arguments], BUILD_TIMEOUT)
    stamp.write_text(digest)
    return python


def measure(short: Path, long: Path, rounds: int, names: Iterable[str], say: Say) -> list[Measured]:
    """Measure the engines, interleaved: every round runs each of them once, so that a slow minute hits all.

    Args:
        short: the candle file that all run over.
        long: the longer one, for the fast engines.
        rounds: how often.
        names: which engines.
        say: told what is being done.
    """
    chosen = [engine for engine in (OURS, *PEERS) if engine.name in set(names)]
    results = [Measured(engine) for engine in chosen]
    pythons: dict[str, Path] = {}
    for result in results:
        try:
            pythons[result.engine.name] = Path(sys.executable) if result.engine is OURS else build(result.engine, say)
        except ChildError as error:
            result.failure = f"could not be installed: {error}"
    for number in range(1, rounds + 1):
        for result in results:
            if result.failure is not None:
                continue
            say(f"round {number} of {rounds}: {result.engine.name}")
            try:
                _one_round(result, pythons[result.engine.name], short, long)
            except ChildError as error:
                result.failure = f"does not run: {error}"
    return results


def _one_round(result: Measured, python: Path, short: Path, long: Path) -> None:
    engine = result.engine
    if not result.whole:
        # The first process of all fills caches (byte code, compiled kernels): it is run, and not counted.
        _run_whole(engine, python, short)
    whole = _run_whole(engine, python, short)
    result.whole.append(whole)
    result.short.append(_run_warm(engine, python, short, engine.repeats) if engine.warm_up else _document(whole))
    if engine.long:
        result.whole_long.append(_run_whole(engine, python, long))
        result.long.append(_run_warm(engine, python, long, LONG_REPEATS))


def _run_whole(engine: Engine, python: Path, file: Path) -> Finished:
    """Run what a user would start: our command line, a script for the others."""
    if engine is not OURS:
        return run([python, "-m", f"benchmarks.engines.{engine.name}", file], RUN_TIMEOUT, folder=ROOT)
    with tempfile.TemporaryDirectory() as out:
        return run([python.parent / "sptrader", *sptrader_run(file, out)], RUN_TIMEOUT, folder=ROOT)


def sptrader_run(file: Path, out: str) -> list[str | Path]:
    """Give the arguments of ``sptrader`` for the benchmark's strategy over one file."""
    return ["run", STRATEGY, "--data", file, "--symbol", "EURUSD", "--timeframe", "1m", "--json", "--out", out]


def _run_warm(engine: Engine, python: Path, file: Path, repeats: int) -> dict[str, Any]:
    timed = ["--warm-up", str(engine.warm_up), "--repeats", str(repeats)]
    return _document(run([python, "-m", f"benchmarks.engines.{engine.name}", file, *timed], RUN_TIMEOUT, folder=ROOT))


def _document(finished: Finished) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(finished.output.splitlines()[-1])
    except (IndexError, ValueError):
        raise ChildError(f"no result in its output: {finished.output[-200:]!r}") from None
    return document
