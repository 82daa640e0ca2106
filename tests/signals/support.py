"""Candles and runs for the tests of signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sptrader_stream.candles import part_of
from sptrader_stream.events import Candles
from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.operands import Operand, SignalOperand
from sptrader_stream.rules.plan import ConfigValue, ExecutionRules, StrategyPlan
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.signals.loader import find_signal

SHIPPED = Path(__file__).parents[2] / "strategies" / "signals"
MINUTE = 60_000_000_000
EURUSD = Instrument(symbol="EURUSD", price_precision=5, quantity_precision=2)


def candles_of(closes: Sequence[int], reach: Sequence[int] = (0,)) -> Candles:
    """Candles that open at the close before; ``reach`` (repeated) is how far high and low lie outside of the body."""
    close = np.array(closes, np.int64)
    open_ = np.concatenate([close[:1], close[:-1]])
    outside = np.resize(np.array(reach, np.int64), len(close))
    time = 1_700_000_000_000_000_000 // MINUTE * MINUTE + np.arange(len(close), dtype=np.int64) * MINUTE
    high, low = np.maximum(open_, close) + outside, np.minimum(open_, close) - outside
    return Candles(0, [len(time)], time, open_, high, low, close, 1.0 + (close % 7).astype(np.float64))


def walk(length: int, seed: int = 1, step: int = 15) -> Candles:
    random = np.random.default_rng(seed)
    closes = 100_000 + np.cumsum(random.integers(-step, step + 1, length))
    return candles_of(closes.tolist(), random.integers(0, 6, 101).tolist())


def part(candles: Candles, first: int, end: int) -> Candles:
    cut = part_of(candles, first, end)
    names = ("time", "open", "high", "low", "close", "volume")
    return Candles(first, [len(cut)], *(getattr(cut, name).copy() for name in names))


def plan_of(
    operands: Sequence[Operand],
    signals: Mapping[str, Mapping[str, ConfigValue]] | None = None,
    folder: Path | None = None,
    *,
    timeframe: str | None = None,
    higher: Sequence[str] = (),
    timeframes: Sequence[int] | None = None,
) -> StrategyPlan:
    """A strategy without rules that wants these operands; ``timeframes`` says of which candles each is."""
    return StrategyPlan(
        file="test.yaml",
        name="test",
        version="1",
        author="",
        description="",
        symbol=None,
        timeframe=timeframe,
        parameters={},
        unused_parameters=(),
        text="",
        overrides={},
        higher_timeframes=tuple(higher),
        operands=tuple(operands),
        operand_timeframes=tuple([0] * len(operands) if timeframes is None else timeframes),
        atr=None,
        signals=signals or {},
        signals_folder=None if folder is None else str(folder),
        entries=(),
        exits=(),
        execution=ExecutionRules(),
        digest="",
    )


def run(
    operands: Sequence[Operand],
    candles: Candles,
    splits: Sequence[int] = (),
    signals: Mapping[str, Mapping[str, ConfigValue]] | None = None,
    folder: Path | None = None,
) -> tuple[list[np.ndarray[Any, Any]], int]:
    """The operands' columns over all candles, and how many signals were counted; batches end at ``splits``."""
    engine = SignalEngine(plan_of(operands, signals, folder), [EURUSD], MINUTE)
    borders = [0, *sorted({each for each in splits if 0 < each < len(candles.time)}), len(candles.time)]
    batches = [engine.process(part(candles, *pair)) for pair in pairwise(borders)]
    columns = [
        np.concatenate(pieces) for pieces in zip(*(each.instruments[0].columns for each in batches), strict=True)
    ]
    return columns, sum(each.generated for each in batches)


def run_signal(
    name: str,
    config: Mapping[str, ConfigValue],
    candles: Candles,
    splits: Sequence[int] = (),
    folder: Path | None = None,
) -> dict[str, list[Any]]:
    """A signal's outputs by name: texts (None for nothing) where there are choices, else floats (None if undefined)."""
    info = find_signal(name, folder)
    columns, _ = run([SignalOperand(name, each.name) for each in info.outputs], candles, splits, {name: config}, folder)
    told: dict[str, list[Any]] = {}
    for output, column in zip(info.outputs, columns, strict=True):
        if output.choices:
            told[output.name] = [output.choices[code - 1] if code else None for code in column.tolist()]
        else:
            told[output.name] = [None if value != value else value for value in column.tolist()]
    return told


def splits_of(length: int) -> st.SearchStrategy[list[int]]:
    """Places to cut a run of that length, from none to everywhere."""
    return st.one_of(st.just(list(range(length))), st.lists(st.integers(1, max(1, length - 1)), max_size=6))
