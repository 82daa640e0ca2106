"""Long inputs that need no shrinking: a seeded random walk, and real candles with a plain moving average crossover."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

from sptrader_stream.execution.settings import Commission, Entry, ExecutionSettings
from tests.execution.strategies import MINUTE, MONEY, NEW_YEAR, World
from tests.reference import Candle, Decision, Result, run

EURUSD = Path(__file__).parents[2].parent / "shared" / "data" / "EURUSD-1m.parquet"

LONG_AND_SHORT = ExecutionSettings(
    price_precision=5,
    quantity_precision=0,
    minimum_quantity=1,
    start_capital=100_000 * MONEY,
    entries=(Entry(side=1, size=10_000_000), Entry(side=-1, sizing="notional", size=20_000 * MONEY)),
    stop_loss=200_000,
    take_profit=400_000,
    spread=None,
    slippage_ticks=1,
    slippage_percent=1_000,
    commission=Commission(percent=2_000, per_order=MONEY // 10, minimum=MONEY // 2),
    daily_loss_limit=200_000,
    max_position_size=50_000_000,
)


@cache
def long_walk(candles: int = 10_000) -> tuple[World, Result]:
    """A walk of small steps, its decisions now and then, and what the reference says of it."""
    random = Random(20_250_101)
    walked, decisions = [], []
    time, last = NEW_YEAR, 103_503
    for _ in range(candles):
        time += MINUTE * random.choice((1, 1, 1, 2, 30))
        first = last + random.randint(-5, 5)
        last = first + random.randint(-80, 80)
        low, high = min(first, last) - random.randint(0, 60), max(first, last) + random.randint(0, 60)
        walked.append(Candle(time, first, high, low, last, random.randint(0, 9)))
        decisions.append(Decision(random.choice((0,) * 8 + (1, 2, 3)), random.choice((0,) * 9 + (1,))))
    return World(LONG_AND_SHORT, walked, decisions), run(LONG_AND_SHORT, walked, decisions)


def real_candles(count: int) -> list[Candle]:
    """The first ``count`` rows of the EURUSD file, its prices rounded half to even to 10^-5."""
    import pyarrow.parquet as parquet

    rows = next(parquet.ParquetFile(EURUSD).iter_batches(count)).to_pylist()

    def in_ticks(price: float) -> int:
        return round(price * 100_000)

    return [
        Candle(
            time=row["time"] * 10**9,
            open=in_ticks(row["open"]),
            high=in_ticks(row["high"]),
            low=in_ticks(row["low"]),
            close=in_ticks(row["close"]),
            spread=in_ticks(row["spread"]),
        )
        for row in rows
    ]


def crossover_decisions(candles: list[Candle], fast: int = 10, slow: int = 30) -> list[Decision]:
    """Rule 0 (long) where the fast average crosses above the slow one, rule 1 (short) where below; both exit."""
    closes = [candle.close for candle in candles]
    decisions, above_before = [], None
    for index in range(len(closes)):
        if index < slow:
            decisions.append(Decision())
            continue
        fast_sum, slow_sum = (sum(closes[index + 1 - length : index + 1]) for length in (fast, slow))
        above = fast_sum * slow > slow_sum * fast
        crossed = above_before is not None and above != above_before
        above_before = above
        decisions.append(Decision(entries=1 if above else 2, exits=1) if crossed else Decision())
    return decisions
