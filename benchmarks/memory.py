"""Runs of the pipeline over candles that are in memory already, so that no source is ever waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks.kernels import Columns
from sptrader_stream.candles import ReadyCandles
from sptrader_stream.instruments import find_instrument, load_instruments
from sptrader_stream.rules.loader import load_strategy
from sptrader_stream.sources.source import CHUNK_ROWS, SourceInfo

if TYPE_CHECKING:
    from actors.spec import RunSpec

HERE = Path(__file__).parent
STRATEGY = HERE / "strategies" / "sma_crossover.yaml"
INSTRUMENTS = HERE.parent / "config" / "instruments.yaml"


class MemorySource:
    """Candles in memory, cut into chunks beforehand."""

    def __init__(self, columns: Columns, symbol: str = "EURUSD") -> None:
        self.info = SourceInfo(
            # Read in place: only files are read in a thread.
            kind="synthetic",
            name="memory",
            symbol=symbol,
            timeframe="1m",
            rows=len(columns.time),
            start=int(columns.time[0]),
            end=int(columns.time[-1]),
        )
        names = ("time", "open", "high", "low", "close", "volume")
        self._chunks = [
            ReadyCandles(spread=None, **{name: getattr(columns, name)[start : start + CHUNK_ROWS] for name in names})
            for start in range(0, len(columns.time), CHUNK_ROWS)
        ]

    def chunks(self) -> Iterator[ReadyCandles]:
        return iter(self._chunks)

    def place(self, row: int) -> str:
        return f"candle {row}"


def specification(
    sources: Sequence[MemorySource], batch_size: int, folder: Path, *, strategy: Path = STRATEGY, bounds: bool = False
) -> RunSpec:
    """Specify a run as ``sptrader run`` would; every source is of an instrument of its own, declared as EURUSD is."""
    from actors.spec import RunSpec
    from sptrader_stream.sources.contract import RESEARCH
    from sptrader_stream.sources.market import MarketSpec

    declared = find_instrument(load_instruments(INSTRUMENTS), "EURUSD")
    return RunSpec(
        run_id="benchmark",
        strategy=load_strategy(strategy, {}),
        markets=tuple(
            MarketSpec(msgspec.structs.replace(declared, symbol=source.info.symbol), source) for source in sources
        ),
        capital=10_000 * 10**8,
        batch_size=batch_size,
        folder=folder,
        data_policy=RESEARCH,
        bounds=bounds,
    )
