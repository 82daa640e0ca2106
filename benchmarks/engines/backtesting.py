"""backtesting.py: a Python class called for every candle, orders matched in Python."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pandas as pd
from backtesting import Backtest, Strategy  # type: ignore[import-not-found]

from benchmarks.engines.harness import CAPITAL, FAST, SHOWN, SIZE, SLOW, STOP, TARGET, Candles, Outcome, Trade, main


def average(prices: object, window: int) -> pd.Series:
    return pd.Series(prices).rolling(window).mean()


class Crossover(Strategy):  # type: ignore[misc]
    def init(self) -> None:
        self.fast = self.I(average, self.data.Close, FAST)
        self.slow = self.I(average, self.data.Close, SLOW)

    def next(self) -> None:
        above, was_above = self.fast[-1] > self.slow[-1], self.fast[-2] > self.slow[-2]
        if self.position:
            if was_above and not above:
                self.position.close()
        elif above and not was_above:
            close = self.data.Close[-1]
            self.buy(size=SIZE, sl=close * (1 - STOP), tp=close * (1 + TARGET))


def prepare(candles: Candles) -> Callable[[], Outcome]:
    names = ("Open", "High", "Low", "Close", "Volume")
    frame = pd.DataFrame(dict(zip(names, candles[1:], strict=True)), index=pd.DatetimeIndex(candles.time))
    # An entry whose target or stop the next open has already passed is refused, and a trade left open at the end is
    # not closed: each is warned of, and both are wanted.
    warnings.simplefilter("ignore")
    backtest = Backtest(frame, Crossover, cash=CAPITAL)

    def run() -> Outcome:
        result = backtest.run()
        trades = result["_trades"]

        def first_trades() -> list[Trade]:
            return [
                Trade(row.EntryTime.value, row.EntryPrice, row.ExitTime.value, row.ExitPrice)
                for row in trades.iloc[:SHOWN].itertuples()
            ]

        return Outcome(len(candles.time), len(trades), float(result["Equity Final [$]"]), first_trades)

    return run


if __name__ == "__main__":
    main(prepare, "backtesting")
