"""Several instruments in one run: one portfolio over candles that are merged by time, whatever the batches."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from actors.run import Run
from sptrader_stream.candles import ReadyCandles
from sptrader_stream.errors import DataError, UserError
from sptrader_stream.execution.settings import Commission
from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.timeframes import MINUTE, format_time
from tests.actors.support import (
    BUSY,
    EURUSD,
    HOUR,
    Memory,
    Recorded,
    chosen,
    execute,
    make,
    make_spec,
    one_chunk,
    recorded,
)

BATCHES = (1, 2, 7, 64, 1000, 8192)
SHARES = Instrument(
    symbol="AAPL", price_precision=2, quantity_precision=0, commission=Commission(per_order=10**8),
    trading_hours="us_shares", session=13 * HOUR + 30 * MINUTE,
)  # fmt: skip
COIN = Instrument(symbol="BTCUSD", price_precision=1, quantity_precision=6, session=-2 * HOUR)
INSTRUMENTS = (EURUSD, SHARES, COIN)
# Everything at once: rules on 1h and 4h candles over candles of 15m, scaling in, targets, a trailing stop, halts.
FULL = compile_strategy(
    """
name: full
timeframe: 1h
entries:
  - name: long
    when:
      - expr: close > shift(close, 1)
      - {expr: close > sma(3), tf: 4h}
    action: buy
    size: 0.1
    scale_in: true
    max_positions: 3
  - name: short
    when:
      - expr: close < shift(close, 2)
    action: sell
    size: 0.05
exit:
  signal_exit:
    when:
      - expr: close < shift(close, 3)
    action: close_partial
    percent: 0.4
  stop_loss: {type: atr, value: 2}
  take_profit:
    - {value: 0.002, close: 0.5}
    - {value: 0.01}
  trailing_stop: {activation_pct: 0.001, trail_pct: 0.002}
  max_holding_period: 30
risk: {max_drawdown: 0.5, daily_loss_limit: 0.01}
execution: {leverage: 2, close_at_end: true}
""",
    "full.yaml",
)


def gappy(candles: ReadyCandles, seed: int) -> ReadyCandles:
    """Without every tenth candle, and without some longer stretches."""
    random = np.random.default_rng(seed)
    keep = random.random(len(candles)) > 0.1
    for start in random.integers(0, len(candles), 4):
        keep[start : start + 40] = False
    return chosen(candles, keep)


CANDLES = [
    gappy(one_chunk(2_500, instrument, "15m"), seed) for seed, instrument in enumerate(INSTRUMENTS)
]  # fmt: skip


def markets(chunk: int = 8192) -> list[MarketSpec]:
    return [
        MarketSpec(instrument, Memory(candles, chunk, symbol=instrument.symbol, timeframe="15m"))
        for instrument, candles in zip(INSTRUMENTS, CANDLES, strict=True)
    ]


@pytest.mark.parametrize("strategy", [BUSY, FULL], ids=lambda plan: plan.name)
def test_batches_change_nothing(tmp_path: Path, strategy: object) -> None:
    runs = [make(tmp_path / str(size), markets(), strategy, batch=size) for size in BATCHES]  # type: ignore[arg-type]
    assert {each["symbol"] for each in runs[0].result["completed_trades"]} == {"EURUSD", "AAPL", "BTCUSD"}
    for other in runs[1:]:
        assert other.everything == runs[0].everything


def test_the_chunks_of_the_sources_change_nothing(tmp_path: Path) -> None:
    whole, *others = (make(tmp_path / str(size), markets(size), FULL, batch=64) for size in (8192, 1, 97))
    for other in others:
        assert other.everything == whole.everything


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return make(tmp_path_factory.mktemp("runs") / "run", markets(), FULL)


def test_every_trade_is_at_prices_of_its_own_instrument(run: Recorded) -> None:
    times = {
        each.symbol: {int(time): row for row, time in enumerate(candles.time)}
        for each, candles in zip(INSTRUMENTS, CANDLES, strict=True)
    }
    for trade in run.result["completed_trades"]:
        number = [each.symbol for each in INSTRUMENTS].index(trade["symbol"])
        candles, instrument = CANDLES[number], INSTRUMENTS[number]
        for when in ("entry", "exit"):
            if trade[f"{when}_time"] == run.result["end_time"]:
                continue
            row = times[trade["symbol"]][int(np.datetime64(trade[f"{when}_time"][:-1], "ns").astype(np.int64))]
            ticks = int(Decimal(trade[f"{when}_price"]).scaleb(instrument.price_precision))
            # EURUSD has a spread of two ticks and slippage of one.
            assert candles.low[row] - 1 <= ticks <= candles.high[row] + 3


def test_what_was_gained_is_what_the_trades_say(run: Recorded) -> None:
    result = run.result
    assert result["open_positions"] == []
    pnl = sum((Decimal(each["pnl"]) for each in result["completed_trades"]), Decimal(0))
    assert Decimal(result["end_capital"]) - Decimal(result["start_capital"]) == pnl == Decimal(result["total_pnl"])
    for each in result["markets"]:
        own = [trade for trade in result["completed_trades"] if trade["symbol"] == each["symbol"]]
        assert each["total_trades"] == len(own) > 0
        assert Decimal(each["total_pnl"]) == sum(Decimal(trade["pnl"]) for trade in own)
        assert each["winning_trades"] == sum(Decimal(trade["pnl"]) > 0 for trade in own)


def test_the_result_names_all_instruments(run: Recorded) -> None:
    result = run.result
    assert result["symbol"] == "EURUSD+AAPL+BTCUSD"
    assert result["instrument"] is None
    described = [(each["symbol"], each["price_precision"], each["quantity_precision"]) for each in result["markets"]]
    assert described == [("EURUSD", 5, 0), ("AAPL", 2, 0), ("BTCUSD", 1, 6)]
    assert [each.instrument for each in run.started.markets] == list(INSTRUMENTS)
    assert (run.started.timeframe, run.started.strategy_timeframe) == ("15m", "1h")


def test_the_outcome_names_the_last_limits_that_were_passed(tmp_path: Path) -> None:
    tight = msgspec.structs.replace(FULL.execution, daily_loss_limit=100_000)
    strategy = msgspec.structs.replace(FULL, execution=tight)
    outcome = execute(make_spec(tmp_path / "run", markets(), strategy))
    told = recorded(tmp_path / "run").result["halts"]
    assert told
    assert [(format_time(each.time), each.reason) for each in outcome.last_halts] == [
        (each["time"], each["reason"]) for each in told[-10:]
    ]


def test_candles_are_counted_by_row_and_equity_by_time(run: Recorded) -> None:
    assert run.ended.candles == run.result["metrics"]["candles"] == sum(map(len, CANDLES))
    times = np.unique(np.concatenate([candles.time for candles in CANDLES]))
    pairs = np.frombuffer(run.equity, np.int64).reshape(-1, 2)
    assert np.isin(pairs[:, 0], times).all()
    assert run.records[:, 1].max() == len(times) - 1


def test_an_instrument_that_never_trades_changes_no_trade_of_another(tmp_path: Path) -> None:
    hourly = one_chunk(1_000)
    alone = make(tmp_path / "alone", Memory(hourly))
    flat = np.full(1_000, 19_000)
    still = msgspec.structs.replace(hourly, open=flat, high=flat, low=flat, close=flat)
    for name, order in (("behind", (0, 1)), ("before", (1, 0))):
        both = [MarketSpec(EURUSD, Memory(hourly)), MarketSpec(SHARES, Memory(still, symbol="AAPL"))]
        found = make(tmp_path / name, [both[k] for k in order])
        assert found.result["completed_trades"] == alone.result["completed_trades"]
        assert found.equity == alone.equity


def test_a_source_that_fails_is_named_and_keeps_the_times_before(tmp_path: Path) -> None:
    hourly = one_chunk(1_000)
    broken = Memory(chosen(hourly, slice(0, 300)), 100, end=DataError("line 7 is torn"), symbol="AAPL")
    spec = make_spec(tmp_path / "run", [MarketSpec(EURUSD, Memory(hourly, 150)), MarketSpec(SHARES, broken)])
    outcome = execute(spec)
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert (outcome.failure.actor, outcome.failure.cause) == ("candle_feed", "line 7 is torn")
    assert outcome.failure.candle == outcome.metrics.candles == 600
    assert outcome.period == (hourly.time[0], hourly.time[299])


def test_markets_that_do_not_go_together_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    hourly = Memory(one_chunk(10))
    minutes = Memory(one_chunk(10), symbol="AAPL", timeframe="1m")
    with pytest.raises(UserError, match=r"not: 1h for EURUSD .*, 1m for AAPL .*: give candles of the same"):
        Run(make_spec(tmp_path / "run", [MarketSpec(EURUSD, hourly), MarketSpec(SHARES, minutes)]))
    with pytest.raises(UserError, match="EURUSD is given twice"):
        Run(make_spec(tmp_path / "run", [MarketSpec(EURUSD, hourly)] * 2))
    with pytest.raises(UserError, match="needs an instrument"):
        Run(make_spec(tmp_path / "run", []))
    assert list(tmp_path.iterdir()) == []


def test_candles_without_the_spread_that_fills_need_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = Memory(one_chunk(10))
    source.info = msgspec.structs.replace(source.info, has_spread=False)
    instrument = msgspec.structs.replace(EURUSD, spread=None)
    with pytest.raises(UserError, match=r"candles of EURUSD have no column `spread`.*give `execution.spread` in ticks"):
        Run(make_spec(tmp_path / "run", [MarketSpec(instrument, source)]))
    assert list(tmp_path.iterdir()) == []
