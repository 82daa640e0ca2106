"""raptorbt: compiled Rust over whole arrays; signals come in as boolean columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import raptorbt  # type: ignore[import-not-found]

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
    def run() -> Outcome:
        entries, exits = crosses(raptorbt.sma(candles.close, FAST), raptorbt.sma(candles.close, SLOW))
        config = raptorbt.BacktestConfig(initial_capital=CAPITAL, fees=0.0, fill_timing="next_bar_open")
        config.set_fixed_stop(STOP)
        config.set_fixed_target(TARGET)
        result = raptorbt.run_single_backtest(
            *candles,
            entries=entries,
            exits=exits,
            direction=1,
            symbol="EURUSD",
            config=config,
            position_sizes=np.full(len(candles.time), SIZE),
            instrument_config=raptorbt.InstrumentConfig(lot_size=0.01),
        )
        trades = result.trades
        return Outcome(
            len(candles.time),
            result.metrics.total_closed_trades,
            result.metrics.end_value,
            lambda: [Trade(t.entry_time, t.entry_price, t.exit_time, t.exit_price) for t in trades()[:SHOWN]],
        )

    return run


if __name__ == "__main__":
    main(prepare, "raptorbt")
