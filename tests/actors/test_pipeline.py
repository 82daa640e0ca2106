"""A run's results depend on its candles and its strategy alone: not on batches, scheduling or the future."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio

from sptrader_stream.execution.records import CANDLE
from sptrader_stream.opening import open_source
from sptrader_stream.rules.loader import load_strategy
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.timeframes import parse_end, parse_time
from sptrader_stream.topics import Inbox, Topic
from tests.actors.support import BUSY, EURUSD, REAL_CANDLES, SHIPPED, Memory, make, one_chunk, part

BATCHES = (1, 2, 7, 64, 1000, 8192)
CANDLES = {timeframe: one_chunk(2_000, timeframe=timeframe) for timeframe in ("15m", "1h")}
STRATEGIES = [pytest.param(each, id=each.stem) for each in SHIPPED]
EVERY_STRATEGY = [pytest.param(BUSY, id="busy"), *STRATEGIES]


def memory(strategy: StrategyPlan | Path, *, chunk: int = 8192, count: int = 2_000) -> Memory:
    """The first candles of the timeframe that a strategy is for."""
    plan = strategy if isinstance(strategy, StrategyPlan) else load_strategy(strategy)
    timeframe = plan.timeframe or "1h"
    return Memory(part(CANDLES[timeframe], 0, count), chunk, timeframe=timeframe)


@pytest.mark.parametrize("strategy", EVERY_STRATEGY)
def test_batches_change_nothing(tmp_path: Path, strategy: Any) -> None:
    runs = [make(tmp_path / str(size), memory(strategy), strategy, batch=size) for size in BATCHES]
    assert runs[0].result["total_trades"] > 0
    for other in runs[1:]:
        assert other.everything == runs[0].everything


@pytest.mark.parametrize("strategy", EVERY_STRATEGY)
def test_the_chunks_of_a_source_change_nothing(tmp_path: Path, strategy: Any) -> None:
    whole, *others = (
        make(tmp_path / str(size), memory(strategy, chunk=size), strategy, batch=64) for size in (8192, 1, 97)
    )
    for other in others:
        assert other.everything == whole.everything


@pytest.mark.skipif(not REAL_CANDLES.exists(), reason=f"{REAL_CANDLES} is not there")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_batches_change_nothing_on_real_candles(tmp_path: Path, strategy: Path) -> None:
    def run(size: int) -> Any:
        start, end = parse_time("2025-01-02"), parse_end("2025-01-08")
        source = open_source(str(REAL_CANDLES), EURUSD, timeframe="1m", start=start, end=end)
        return make(tmp_path / str(size), source, strategy, batch=size)

    runs = [run(size) for size in BATCHES]
    assert runs[0].result["signals_generated"] > 0
    for other in runs[1:]:
        assert other.everything == runs[0].everything


def shuffle(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Have trio pick tasks in an order of its own for each seed, and switch between them at any channel."""
    order = random.Random(seed)
    monkeypatch.setattr(trio._core._run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    monkeypatch.setattr(trio._core._run, "_r", random.Random(seed))

    def hesitating(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def hesitate(*arguments: Any) -> Any:
            for _ in range(order.choice((0, 0, 1, 2, 5))):
                await trio.lowlevel.cancel_shielded_checkpoint()
            return await method(*arguments)

        return hesitate

    monkeypatch.setattr(Topic, "publish_frame", hesitating(Topic.publish_frame))
    monkeypatch.setattr(Inbox, "__anext__", hesitating(Inbox.__anext__))


def test_scheduling_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = make(tmp_path / "calm", memory(BUSY), BUSY)
    for seed in range(50):
        with monkeypatch.context() as patch:
            shuffle(patch, seed)
            shuffled = make(tmp_path / str(seed), memory(BUSY), BUSY, batch=random.Random(seed).randint(20, 400))
        assert shuffled.everything == calm.everything


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_scheduling_changes_nothing_for_shipped_strategies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: Path
) -> None:
    calm = make(tmp_path / "calm", memory(strategy), strategy)
    for seed in range(5):
        with monkeypatch.context() as patch:
            shuffle(patch, seed)
            shuffled = make(tmp_path / str(seed), memory(strategy), strategy, batch=31)
        assert shuffled.everything == calm.everything


@pytest.mark.parametrize("strategy", EVERY_STRATEGY)
def test_a_run_over_fewer_candles_is_the_beginning_of_one_over_more(tmp_path: Path, strategy: Any) -> None:
    longer = make(tmp_path / "all", memory(strategy), strategy, batch=8192)
    pairs = np.frombuffer(longer.equity, np.int64).reshape(-1, 2)
    times = CANDLES[longer.started.timeframe].time
    for count in (1, 2, 40, 211, 777, 1200, 1503, 1999):
        shorter = make(tmp_path / str(count), memory(strategy, count=count), strategy, batch=8192)
        until_then = longer.records[longer.records[:, CANDLE] < count]
        assert shorter.records.tolist() == until_then.tolist()
        assert shorter.equity == pairs[pairs[:, 0] <= times[count - 1]].tobytes()
        assert len(shorter.records) < len(longer.records) or count > 211


@pytest.mark.parametrize("strategy", EVERY_STRATEGY)
def test_what_was_gained_is_what_the_trades_and_the_open_positions_say(tmp_path: Path, strategy: Any) -> None:
    def amount(text: str) -> Decimal:
        assert isinstance(text, str)
        return Decimal(text)

    open_at_the_end = 0
    for count in (300, 500, 700, 900, 1100, 1300, 1500, 1700, 1900, 2000):
        run = make(tmp_path / str(count), memory(strategy, count=count), strategy)
        result = run.result
        trades, positions = result["completed_trades"], result["open_positions"]
        open_at_the_end += len(positions)
        gained = amount(result["end_capital"]) - amount(result["start_capital"])
        assert gained == (
            sum((amount(each["pnl"]) for each in trades), Decimal(0))
            + sum((amount(each["unrealised_pnl"]) for each in positions), Decimal(0))
            - sum((amount(each["entry_commission"]) for each in positions), Decimal(0))
        )
        assert amount(result["total_pnl"]) == sum((amount(each["pnl"]) for each in trades), Decimal(0))
        last_equity = int(np.frombuffer(run.equity, np.int64)[-1])
        assert amount(result["end_capital"]) == Decimal(last_equity).scaleb(-8)
    assert open_at_the_end > 0 or "rsi" in str(strategy)
