"""A strategy of 1h on candles of 1m: rules see whole hours, fills and stops see the minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.run import Run
from sptrader_stream.candles import ReadyCandles
from sptrader_stream.errors import UserError
from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.sources.market import MarketSpec
from tests.actors.support import HOUR, Memory, Recorded, chosen, make, make_spec, one_chunk

COIN = Instrument(symbol="BTCUSD", price_precision=1, quantity_precision=6)
MINUTES = one_chunk(8_040, COIN, "1m")
RULES = """
name: hourly
timeframe: 1h
entry:
  when:
    - expr: close > sma(3)
  action: buy
  size: 0.2
exit:
  signal_exit:
    when:
      - expr: close < shift(close, 2)
    action: close_all
"""
STOP = "  stop_loss: {value: 0.003}\n  take_profit: {value: 0.004}\n"


def whole_hours(minutes: ReadyCandles) -> ReadyCandles:
    """The candles of each hour, from those of its minutes, of which none is missing."""
    assert len(minutes) % 60 == 0
    columns: dict[str, Any] = {name: getattr(minutes, name) for name in minutes.__struct_fields__}
    rows: dict[str, Any] = {name: each.reshape(-1, 60) for name, each in columns.items() if name != "spread"}
    return ReadyCandles(
        time=np.ascontiguousarray(rows["time"][:, 0]),
        open=np.ascontiguousarray(rows["open"][:, 0]),
        high=rows["high"].max(axis=1),
        low=rows["low"].min(axis=1),
        close=np.ascontiguousarray(rows["close"][:, -1]),
        volume=rows["volume"].sum(axis=1),
        spread=None,
    )


def compiled(text: str) -> StrategyPlan:
    return compile_strategy(text, "hourly.yaml")


def run(folder: Path, candles: ReadyCandles, timeframe: str, strategy: StrategyPlan, batch: int = 100) -> Recorded:
    market = MarketSpec(COIN, Memory(candles, symbol="BTCUSD", timeframe=timeframe))
    return make(folder, [market], strategy, batch=batch)


def test_without_levels_minutes_trade_as_their_hours_do(tmp_path: Path) -> None:
    assert MINUTES.time[0] % HOUR == 0
    fine = run(tmp_path / "fine", MINUTES, "1m", compiled(RULES))
    coarse = run(tmp_path / "coarse", whole_hours(MINUTES), "1h", compiled(RULES))

    def fills(found: Recorded) -> list[tuple[Any, ...]]:
        names = ("entry_time", "entry_price", "exit_time", "exit_price", "quantity", "pnl", "exit_reason")
        return [tuple(each[name] for name in names) for each in found.result["completed_trades"]]

    assert len(fills(fine)) > 10
    assert fills(fine) == fills(coarse)
    assert fine.result["signals_generated"] == coarse.result["signals_generated"]
    assert (fine.result["timeframe"], fine.result["strategy_timeframe"]) == ("1m", "1h")


def test_levels_are_reached_within_the_hour(tmp_path: Path) -> None:
    trades = run(tmp_path / "run", MINUTES, "1m", compiled(RULES + STOP)).result["completed_trades"]
    assert {each["exit_reason"] for each in trades} >= {"stop_loss", "take_profit"}
    for each in trades:
        assert each["entry_time"].endswith(":00:00Z")
        if each["exit_reason"] == "signal":
            assert each["exit_time"].endswith(":00:00Z")
    assert any(not each["exit_time"].endswith(":00:00Z") for each in trades)


def test_batches_change_nothing_where_minutes_are_missing(tmp_path: Path) -> None:
    keep = np.random.default_rng(3).random(len(MINUTES)) > 0.3
    keep[1_000:1_300] = False
    text = RULES.replace("- expr: close > sma(3)", "- expr: close > sma(3)\n    - {expr: close > open, tf: 4h}") + STOP
    whole, *others = (
        run(tmp_path / str(size), chosen(MINUTES, keep), "1m", compiled(text), size) for size in (8192, 1, 2, 7, 64)
    )
    assert whole.result["total_trades"] > 5
    for other in others:
        assert other.everything == whole.everything


def test_candles_that_are_too_coarse_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    market = MarketSpec(COIN, Memory(MINUTES, symbol="BTCUSD", timeframe="4h"))
    with pytest.raises(UserError, match=r"of 1h, and those of the data are of 4h"):
        Run(make_spec(tmp_path / "run", [market], compiled(RULES)))
    assert list(tmp_path.iterdir()) == []
