"""Long inputs that need no shrinking: seeded random walks, and real candles with a plain moving average crossover."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

import msgspec

from sptrader_stream.execution.settings import (
    Commission,
    Distance,
    Entry,
    ExecutionSettings,
    HoldingPeriod,
    InstrumentSettings,
    Target,
    TrailingStop,
)
from tests.execution.strategies import HOUR, MINUTE, MONEY, NEW_YEAR, WHOLE, World
from tests.reference import Candle, Decision, Market, Result, closes, run

EURUSD = Path(__file__).parents[2].parent / "shared" / "data" / "EURUSD-1m.parquet"

EVERYTHING = ExecutionSettings(
    start_capital=100_000 * MONEY,
    instruments=(
        InstrumentSettings(
            price_precision=5,
            quantity_precision=0,
            minimum_quantity=1,
            entries=(
                Entry(side=1, size=10_000_000, max_positions=3),
                Entry(side=-1, sizing="notional", size=20_000 * MONEY, max_positions=3),
                Entry(side=1, sizing="risk", size=100_000),
            ),
            stop_loss=Distance(value=200_000),
            targets=(
                Target(distance=Distance(value=150_000), close=WHOLE // 3),
                Target(distance=Distance(value=300_000), close=WHOLE // 3),
                Target(distance=Distance(kind="atr", value=4 * WHOLE)),
            ),
            spread=None,
            slippage_ticks=1,
            slippage_percent=1_000,
            commission=Commission(percent=2_000, per_order=MONEY // 10, minimum=MONEY // 2),
        ),
    ),
    timeframe=MINUTE,
    strategy_timeframe=MINUTE,
    exits=(None, WHOLE // 4),
    trailing_stop=TrailingStop(activation=100_000, trail=120_000),
    break_even=80_000,
    max_holding_period=HoldingPeriod(candles=200),
    leverage=2 * WHOLE,
    close_at_end=True,
    max_drawdown=60_000_000,
    daily_loss_limit=200_000,
    max_position_size=50_000_000,
)


def walked(random: Random, candles: int) -> list[Candle]:
    found, time, last = [], NEW_YEAR, 103_503
    for _ in range(candles):
        time += MINUTE * random.choice((1, 1, 1, 2, 30))
        first = last + random.randint(-5, 5)
        last = first + random.randint(-80, 80)
        low, high = min(first, last) - random.randint(0, 60), max(first, last) + random.randint(0, 60)
        found.append(Candle(time, first, high, low, last, random.randint(0, 9)))
    return found


@cache
def long_walk(candles: int = 6_000, instruments: int = 1, strategy_minutes: int = 1) -> tuple[World, Result]:
    """Walks of small steps, decisions now and then, and what the reference says of them."""
    random = Random(20_250_101)
    settings = msgspec.structs.replace(
        EVERYTHING, instruments=EVERYTHING.instruments * instruments, strategy_timeframe=strategy_minutes * MINUTE
    )
    markets = []
    for index in range(instruments):
        rows = walked(random, candles)
        decisions = {
            moment: Decision(
                random.choice((0,) * 8 + (1, 2, 3, 4)),
                random.choice((0,) * 9 + (1, 2)),
                random.randint(30, 90) * 10_000,
            )
            for moment in closes(settings, index, rows)
        }
        markets.append(Market(rows, decisions))
    return World(settings, markets), run(settings, markets)


def real_candles(count: int) -> list[Candle]:
    """The first ``count`` rows of the EURUSD file, its prices rounded half to even to 10^-5."""
    import pyarrow.parquet as parquet

    rows = next(parquet.ParquetFile(EURUSD).iter_batches(count)).to_pylist()

    def exact(price: float) -> int:
        return round(price * 100_000)

    return [
        Candle(
            time=row["time"] * 10**9,
            open=exact(row["open"]),
            high=exact(row["high"]),
            low=exact(row["low"]),
            close=exact(row["close"]),
            spread=exact(row["spread"]),
        )
        for row in rows
    ]


def crossover(settings: ExecutionSettings, candles: list[Candle], fast: int = 10, slow: int = 30) -> Market:
    """Rule 0 (long) where the fast average crosses above the slow one, rule 1 (short) where below; both exit.

    Between crossings rule 0 or 1 is met every seventh time the strategy's candle closes, to scale in, and a quarter is
    closed every 29th. The ATR is the mean range of the last 14 candles.
    """
    decisions, above_before = {}, None
    prices = [candle.close for candle in candles]
    for number, moment in enumerate(closes(settings, 0, candles)):
        # A late close sees the rows before its own.
        end = moment.row + (not moment.late)
        if end < slow:
            continue
        fast_sum, slow_sum = sum(prices[end - fast : end]), sum(prices[end - slow : end])
        above = fast_sum * slow > slow_sum * fast
        crossed = above_before is not None and above != above_before
        above_before = above
        entries = (1 if above else 2) if crossed or number % 7 == 0 else 0
        exits = int(crossed) | (2 if number % 29 == 0 else 0)
        atr = sum(each.high - each.low for each in candles[end - 14 : end]) * 10_000 // 14
        if entries or exits:
            decisions[moment] = Decision(entries, exits, atr)
    return Market(candles, decisions)


HOURLY = {"strategy_timeframe": HOUR, "max_holding_period": HoldingPeriod(duration=20 * HOUR)}
