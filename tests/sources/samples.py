"""Candles and files for the tests of sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.contract import RESEARCH, DataPolicy
from sptrader_stream.sources.intake import Intake
from sptrader_stream.sources.source import CandleSource, Chunk, ExactCandles, RawCandles, SourceInfo, raw_part
from sptrader_stream.timeframes import MINUTE, parse_time

EURUSD = Instrument(symbol="EURUSD", price_precision=5, quantity_precision=2, trading_hours="forex")
BITCOIN = Instrument(symbol="BTCUSD", price_precision=2, quantity_precision=6)
APPLE = Instrument(symbol="AAPL", price_precision=2, quantity_precision=0, trading_hours="us_shares")

# A Monday noon, when every market but that of US shares is open.
NOON = parse_time("2025-01-06T12:00:00Z")

REAL = Path(__file__).parents[3] / "shared" / "data" / "EURUSD-1m.parquet"

Columns = dict[str, npt.NDArray[Any]]


class Given:
    """A source of candles that a test made."""

    def __init__(self, chunks: Sequence[RawCandles | ReadyCandles], timeframe: str = "1m") -> None:
        self.info = SourceInfo(kind="csv", name="given.csv", symbol="EURUSD", timeframe=timeframe)
        self._chunks = chunks

    def chunks(self) -> Iterator[RawCandles | ReadyCandles]:
        yield from self._chunks

    def place(self, row: int) -> str:
        return f"line {row + 2}"


def candles(
    rows: Sequence[Mapping[str, float]], *, start: int = NOON, step: int = MINUTE, spread: bool = False
) -> RawCandles:
    """Candles one step apart around 1.1, each with what its row says instead; ``time`` in steps from the start."""
    usual = {"open": 1.1, "high": 1.2, "low": 1.0, "close": 1.15, "volume": 3.0, "spread": 0.0001}

    def column(name: str) -> npt.NDArray[np.float64]:
        return np.array([row.get(name, usual[name]) for row in rows], np.float64)

    times = [start + round(row.get("time", i) * step) for i, row in enumerate(rows)]
    return RawCandles(
        row=0,
        time=np.array(times, np.int64),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume=column("volume"),
        spread=column("spread") if spread else None,
    )


def take_in(
    raw: RawCandles | ExactCandles,
    *,
    instrument: Instrument = EURUSD,
    timeframe: str = "1m",
    policy: DataPolicy = RESEARCH,
    cuts: Sequence[int] = (),
) -> tuple[Columns, Intake]:
    """Pass candles through an intake, cut into chunks, until a finding blocks; give the kept ones as columns."""
    intake = Intake(Given([], timeframe), instrument, policy)
    kept: list[ReadyCandles] = []
    borders = [0, *sorted(cuts), len(raw.time)]
    for first, last in pairwise(borders):
        kept.append(intake.accept(part(raw, first, last)))
        if intake.failure is not None:
            break
    return joined(kept), intake


def part(candles: RawCandles | ExactCandles, first: int, last: int) -> RawCandles | ExactCandles:
    """The candles from ``first`` to ``last``."""
    if isinstance(candles, RawCandles):
        return raw_part(candles, first, last)
    columns = {
        name: value[first:last]
        for name, value in msgspec.structs.asdict(candles).items()
        if isinstance(value, np.ndarray)
    }
    return msgspec.structs.replace(candles, row=candles.row + first, **columns)


def joined(chunks: Sequence[Chunk]) -> Columns:
    """All chunks as one set of columns."""
    names = ("time", "open", "high", "low", "close", "volume", "spread")
    present = [name for name in names if getattr(chunks[0], name) is not None]
    return {name: np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in present}


def read(source: CandleSource) -> Columns:
    """Everything a source gives, unchecked."""
    return joined(list(source.chunks()))
