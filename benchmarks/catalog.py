"""``python -m benchmarks.catalog``: candles a second from a CSV file into the catalog, out of it, and into a pipeline.

The candles are the synthetic ones of years in minutes, whose prices take as much room as real ones. Reading and running
are measured in turns, because the machine's speed changes from minute to minute.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from actors.run import run_blocking
from actors.spec import RunSpec
from sptrader_stream.catalog.exporting import export_candles
from sptrader_stream.catalog.importing import Keeping, import_candles
from sptrader_stream.instruments import Instrument, find_instrument, load_instruments
from sptrader_stream.kernels import load_ready
from sptrader_stream.opening import open_source
from sptrader_stream.rules.loader import load_strategy
from sptrader_stream.sources.contract import RESEARCH
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.timeframes import parse_end, parse_time

ROUNDS: Final = 5
_ROOT: Final = Path(__file__).parents[1]
_STRATEGY: Final = _ROOT / "strategies" / "ma_crossover_strategy.yaml"


def main() -> None:
    """Measure, and print candles a second, the best of some rounds."""
    declared = _ROOT / "config" / "instruments.yaml"
    instrument = find_instrument(load_instruments(declared), "EURUSD", str(declared))
    load_ready()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        file = here / "EURUSD-1m.csv"
        source = open_source(
            "synthetic", instrument, timeframe="1m", start=parse_time("2016-01-01"), end=parse_end("2021-12-31")
        )
        count = export_candles(MarketSpec(instrument, source).candles(RESEARCH), 5, file, "synthetic")
        found: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            for name, seconds in _round(here, file, instrument, number).items():
                found.setdefault(name, []).append(count / seconds)
        size = sum(each.stat().st_size for each in (here / "data").rglob("*.parquet"))
    print(json.dumps({name: round(max(speeds)) for name, speeds in found.items()}
                     | {"candles": count, "bytes_a_candle": round(size / count, 1)}))  # fmt: skip


def _round(here: Path, file: Path, instrument: Instrument, number: int) -> dict[str, float]:
    """Do everything once; answers how long each took, seconds."""
    shutil.rmtree(here / "data", ignore_errors=True)
    seconds = {}
    begun = time.perf_counter()
    import_candles(Keeping(here / "data", RESEARCH, now=0), open_source(str(file), instrument), instrument, file)
    seconds["csv_imported"] = time.perf_counter() - begun

    series = str(here / "data" / "EURUSD" / "1m")
    for name, path in (("csv_read", str(file)), ("catalog_read", series)):
        begun = time.perf_counter()
        for _ in MarketSpec(instrument, open_source(path, instrument)).candles(RESEARCH):
            pass
        seconds[name] = time.perf_counter() - begun

    for name, path in (("catalog_run", series), ("synthetic_run", "synthetic")):
        outcome = run_blocking(_spec(here, path, instrument, f"{number}-{name}"))
        # Without the loading of kernels; with the waiting for candles.
        seconds[name] = outcome.timing.run_s
        shutil.rmtree(outcome.folder)
    return seconds


def _spec(here: Path, path: str, instrument: Instrument, run_id: str) -> RunSpec:
    start, end = parse_time("2016-01-01"), parse_end("2021-12-31")
    source = open_source(path, instrument, timeframe="1m", start=start, end=end)
    return RunSpec(
        run_id=run_id,
        strategy=load_strategy(_STRATEGY, {}),
        markets=(MarketSpec(instrument, source, start, end),),
        capital=100_000 * 10**8,
        folder=here / "backtests" / run_id,
    )


if __name__ == "__main__":
    main()
