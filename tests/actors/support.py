"""Runs for tests: candles in memory, a run of them in a folder, and what stands in the folder afterwards."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import trio

from actors.run import Run
from actors.spec import RunOutcome, RunSpec
from sptrader_stream.candles import ReadyCandles
from sptrader_stream.columns import Ints
from sptrader_stream.errors import DataError
from sptrader_stream.events import Records, RunEnded, RunStarted
from sptrader_stream.execution.records import RECORD_WIDTH
from sptrader_stream.execution.settings import Commission
from sptrader_stream.instruments import Instrument
from sptrader_stream.opening import open_source
from sptrader_stream.rules.loader import compile_strategy, load_strategy
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.sources import CandleSource
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.sources.source import SourceInfo
from sptrader_stream.store.equity import EQUITY_FILE
from sptrader_stream.store.journal import read_journal
from sptrader_stream.store.results import RESULT_FILE
from sptrader_stream.timeframes import parse_timeframe

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "strategies").glob("*.yaml"))
REAL_CANDLES = ROOT.parent / "shared" / "data" / "EURUSD-1m.parquet"

MONEY = 10**8
# Every kind of cost, so that no amount is right by being zero.
EURUSD = Instrument(
    symbol="EURUSD",
    price_precision=5,
    quantity_precision=0,
    commission=Commission(percent=2_000, per_order=MONEY // 7),
    slippage_ticks=1,
    spread=2,
    trading_hours="forex",
)
HOUR = parse_timeframe("1h")
# In and out all the time: on average every fourth candle does something.
BUSY = compile_strategy(
    """
name: busy
entries:
  - name: long
    when:
      - expr: close > shift(close, 1)
    action: buy
    size: 0.2
  - name: short
    when:
      - expr: close < shift(close, 2)
    action: sell
    size: 0.1
exit:
  signal_exit:
    when:
      - expr: close > shift(close, 3)
    action: close_all
  stop_loss: {type: percentage, value: 0.001}
""",
    "busy.yaml",
)


def one_chunk(candles: int = 2_000, instrument: Instrument = EURUSD, timeframe: str = "1h") -> ReadyCandles:
    """Synthetic candles, all in one chunk."""
    end = 2 * (candles + 100) * parse_timeframe(timeframe)
    source = open_source("synthetic", instrument, timeframe=timeframe, start=0, end=end)
    chunks = list(itertools.takewhile(lambda each: isinstance(each, ReadyCandles), source.chunks()))
    assert isinstance(chunks[0], ReadyCandles)
    return part(chunks[0], 0, candles)


def part(candles: ReadyCandles, start: int, end: int) -> ReadyCandles:
    return chosen(candles, slice(start, end))


def chosen(candles: ReadyCandles, rows: Any) -> ReadyCandles:
    """Candles at some rows, the others missing."""
    columns: dict[str, Any] = {name: getattr(candles, name) for name in candles.__struct_fields__}
    kept: dict[str, Any] = {name: None if each is None else each[rows] for name, each in columns.items()}
    return ReadyCandles(**kept)


class Memory:
    """A source that has its candles in memory, in chunks of a given size; an endless one begins again and again.

    Attributes:
        given: how many candles were taken out of it.
    """

    def __init__(
        self,
        candles: ReadyCandles,
        chunk: int = 8192,
        *,
        end: Exception | None = None,
        kind: str = "synthetic",
        endless: bool = False,
        limit: int | None = None,
        symbol: str = "EURUSD",
        timeframe: str = "1h",
    ) -> None:
        self.info = SourceInfo(kind=kind, name="memory", symbol=symbol, timeframe=timeframe, synthetic=True)  # type: ignore[arg-type]
        self.given = 0
        self._candles = candles
        self._chunk = chunk
        self._end = end
        self._endless = endless
        self._limit = limit

    def chunks(self) -> Iterator[ReadyCandles]:
        length, step = len(self._candles), parse_timeframe(self.info.timeframe)
        for rounds in itertools.count():
            for start in range(0, length, self._chunk):
                piece = part(self._candles, start, start + self._chunk)
                piece = msgspec.structs.replace(piece, time=piece.time + rounds * 2 * length * step)
                if self._limit is not None:
                    piece = part(piece, 0, self._limit - self.given)
                    if not len(piece):
                        return
                self.given += len(piece)
                yield piece
            if not self._endless:
                break
        if self._end is not None:
            raise self._end

    def place(self, row: int) -> str:
        return f"row {row}"


def make_spec(
    folder: Path,
    source: CandleSource | Sequence[MarketSpec],
    strategy: StrategyPlan | Path = BUSY,
    *,
    batch: int = 100,
    capital: int = 100_000 * MONEY,
    bounds: bool = False,
) -> RunSpec:
    """What to run; a source by itself is of EURUSD."""
    markets = source if isinstance(source, Sequence) else [MarketSpec(EURUSD, source)]
    return RunSpec(
        run_id=folder.name,
        strategy=strategy if isinstance(strategy, StrategyPlan) else load_strategy(strategy),
        markets=tuple(markets),
        capital=capital,
        batch_size=batch,
        folder=folder,
        bounds=bounds,
    )


def execute(spec: RunSpec) -> RunOutcome:
    return trio.run(Run(spec).execute)


class Recorded(NamedTuple):
    """What stands in a run's folder; ``result`` is without what depends on the clock and on the run's name."""

    started: RunStarted
    records: Ints
    ended: RunEnded
    equity: bytes
    result: dict[str, Any]

    @property
    def everything(self) -> tuple[list[int], bytes, dict[str, Any], str]:
        """All that may not depend on batches and scheduling."""
        return self.records.tolist(), self.equity, self.result, self.ended.fingerprint


def recorded(folder: Path) -> Recorded:
    started, *between, ended = read_journal(folder)
    assert isinstance(started, RunStarted)
    assert isinstance(ended, RunEnded)
    frames = [each for each in between if isinstance(each, Records)]
    assert len(frames) == len(between)
    seq = 1
    for each in frames:
        assert each.seq == seq
        seq += len(each.records) // RECORD_WIDTH
    assert ended.seq == seq
    flat: Ints = np.concatenate([each.records for each in frames] or [np.empty(0, np.int64)])
    result = json.loads((folder / RESULT_FILE).read_bytes())
    for name in ("timing", "run_id"):
        del result[name]
    return Recorded(
        started,
        flat.reshape(-1, RECORD_WIDTH),
        ended,
        (folder / EQUITY_FILE).read_bytes(),
        result,
    )


def make(
    folder: Path, source: CandleSource | Sequence[MarketSpec], strategy: StrategyPlan | Path = BUSY, **settings: Any
) -> Recorded:
    """Run to the end and read what was recorded."""
    outcome = execute(make_spec(folder, source, strategy, **settings))
    assert outcome.status == "completed", outcome.failure
    return recorded(folder)


def broken_source(candles: ReadyCandles, kind: str) -> Memory:
    return Memory(candles, 250, end=DataError("the file ends in the middle of line 7"), kind=kind)
