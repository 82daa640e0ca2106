"""vectorbt: arrays in, order records out; uses its Rust engine where that is installed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import vectorbt as vbt  # type: ignore[import-not-found]

from benchmarks.engines.harness import (
    CAPITAL,
    FAST,
    SHOWN,
    SIZE,
    SLOW,
    STOP,
    TARGET,
    Candles,
    Outcome,
    Trade,
    crosses,
    main,
)


def prepare(candles: Candles) -> Callable[[], Outcome]:
    # Without a zone: vectorbt compares indexes, and pandas compares zoned ones value by value as objects.
    index = pd.DatetimeIndex(candles.time)
    opens, highs, lows, closes = (pd.Series(prices, index) for prices in candles[1:5])

    def run() -> Outcome:
        fast, slow = (vbt.MA.run(closes, window).ma.to_numpy() for window in (FAST, SLOW))
        # An order fills in the row of its signal, so a signal moves to the row of the next open.
        entries, exits = (np.concatenate(([False], signal[:-1])) for signal in crosses(fast, slow))
        portfolio = vbt.Portfolio.from_signals(
            closes,
            entries,
            exits,
            price=opens,
            open=opens,
            high=highs,
            low=lows,
            sl_stop=STOP,
            tp_stop=TARGET,
            stop_entry_price="fillprice",
            size=SIZE,
            size_type="percent",
            init_cash=CAPITAL,
            freq="1min",
        )
        trades = portfolio.trades

        def first_trades() -> list[Trade]:
            times = candles.time.tolist()
            return [
                Trade(times[row.entry_idx], row.entry_price, times[row.exit_idx], row.exit_price)
                for row in trades.records.iloc[:SHOWN].itertuples()
            ]

        return Outcome(len(candles.time), int(trades.closed.count()), float(portfolio.final_value()), first_trades)

    return run


if __name__ == "__main__":
    main(prepare, "vectorbt")
