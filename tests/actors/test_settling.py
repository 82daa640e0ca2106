"""``close_at_end``: what is open is closed where the data ends or the run is cancelled, and not where it failed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import trio
import trio.testing

from actors.run import Run
from sptrader_stream.events import Progress, RunEnded
from sptrader_stream.rules.loader import compile_strategy
from tests.actors.support import Memory, Recorded, broken_source, execute, make, make_spec, one_chunk, part, recorded

CANDLES = one_chunk(4_000)
HOLD = """
name: hold
entry:
  when:
    - expr: close > 0
  action: buy
  size: 0.5
execution: {close_at_end: %s}
"""
CLOSING, KEEPING = (compile_strategy(HOLD % each, "hold.yaml") for each in ("true", "false"))


def closed_at(found: Recorded, candle: int, reason: str) -> None:
    """Assert that the one position was closed at the last of the candles, and that everything agrees with that."""
    result = found.result
    (trade,) = result["completed_trades"]
    assert trade["exit_reason"] == reason
    assert result["open_positions"] == []
    gained = Decimal(result["end_capital"]) - Decimal(result["start_capital"])
    assert gained == Decimal(trade["pnl"]) == Decimal(result["total_pnl"])
    # A long is sold at the bid, one tick of slippage below.
    assert Decimal(trade["exit_price"]) == Decimal(int(CANDLES.close[candle] - 1)).scaleb(-5)
    pairs = np.frombuffer(found.equity, np.int64).reshape(-1, 2)
    assert pairs[-1].tolist() == [CANDLES.time[candle], int(Decimal(result["end_capital"]).scaleb(8))]
    assert found.ended.candles == result["metrics"]["candles"] == candle + 1
    # Open at the end of every candle but the first, whose close made the decision.
    assert result["metrics"]["exposure"] == candle / (candle + 1)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_what_is_open_at_the_end_of_the_data_is_closed(tmp_path: Path, batch: int) -> None:
    closed_at(make(tmp_path / "run", Memory(CANDLES), CLOSING, batch=batch), len(CANDLES) - 1, "end_of_data")


def test_it_is_not_closed_where_the_strategy_does_not_say_so(tmp_path: Path) -> None:
    found = make(tmp_path / "run", Memory(CANDLES), KEEPING)
    assert found.result["completed_trades"] == []
    assert len(found.result["open_positions"]) == 1


def test_batches_change_nothing(tmp_path: Path) -> None:
    one, *others = (make(tmp_path / str(size), Memory(CANDLES), CLOSING, batch=size) for size in (1, 2, 64, 8192))
    for other in others:
        assert other.everything == one.everything


def test_a_cancelled_run_closes_what_is_open(tmp_path: Path) -> None:
    run = Run(make_spec(tmp_path / "run", Memory(CANDLES, 10, endless=True), CLOSING, batch=10))
    newest: list[Progress] = []

    async def watch() -> None:
        with run.log.subscribe() as log:
            async for event in log:
                if isinstance(event, Progress):
                    newest.append(event)
                    if event.candles == 100:
                        run.cancel()
                else:
                    assert not isinstance(event, RunEnded) or event.status == "cancelled"

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await trio.testing.wait_all_tasks_blocked()
            await run.execute()

    trio.run(main)
    found = recorded(tmp_path / "run")
    assert found.ended.status == "cancelled"
    assert 100 <= found.ended.candles < len(CANDLES)
    closed_at(found, found.ended.candles - 1, "cancelled")
    assert (newest[-1].open_positions, newest[-1].trades) == (0, 1)
    assert newest[-1].candles == newest[-2].candles == found.ended.candles


@pytest.mark.parametrize("kind", ["synthetic", "csv"])
def test_a_run_whose_data_fails_leaves_it_open(tmp_path: Path, kind: str) -> None:
    outcome = execute(make_spec(tmp_path / "run", broken_source(part(CANDLES, 0, 500), kind), CLOSING))
    assert outcome.status == "failed"
    found = recorded(tmp_path / "run")
    assert found.result["completed_trades"] == []
    assert len(found.result["open_positions"]) == 1


def test_a_run_that_is_cancelled_before_it_begins_has_nothing_to_close(tmp_path: Path) -> None:
    run = Run(make_spec(tmp_path / "run", Memory(CANDLES), CLOSING))
    run.cancel()
    assert trio.run(run.execute).status == "cancelled"
    assert recorded(tmp_path / "run").records.size == 0
