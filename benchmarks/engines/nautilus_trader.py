"""nautilus_trader: events through a simulated exchange, one bar after the other."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal

import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine  # type: ignore[import-not-found]
from nautilus_trader.config import (  # type: ignore[import-not-found]
    BacktestEngineConfig,
    LoggingConfig,
    RiskEngineConfig,
    StrategyConfig,
)
from nautilus_trader.indicators import SimpleMovingAverage  # type: ignore[import-not-found]
from nautilus_trader.model.currencies import EUR, USD  # type: ignore[import-not-found]
from nautilus_trader.model.data import Bar, BarType  # type: ignore[import-not-found]
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide  # type: ignore[import-not-found]
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue  # type: ignore[import-not-found]
from nautilus_trader.model.instruments import CurrencyPair  # type: ignore[import-not-found]
from nautilus_trader.model.objects import Money, Price, Quantity  # type: ignore[import-not-found]
from nautilus_trader.persistence.wranglers import BarDataWrangler  # type: ignore[import-not-found]
from nautilus_trader.trading.strategy import Strategy  # type: ignore[import-not-found]

from benchmarks.engines.harness import CAPITAL, FAST, SHOWN, SIZE, SLOW, STOP, TARGET, Candles, Outcome, Trade, main

VENUE = Venue("SIM")
INSTRUMENT = CurrencyPair(
    instrument_id=InstrumentId(Symbol("EUR/USD"), VENUE),
    raw_symbol=Symbol("EUR/USD"),
    base_currency=EUR,
    quote_currency=USD,
    price_precision=5,
    size_precision=2,
    price_increment=Price.from_str("0.00001"),
    size_increment=Quantity.from_str("0.01"),
    ts_event=0,
    ts_init=0,
)
BAR_TYPE = BarType.from_str(f"{INSTRUMENT.id}-1-MINUTE-LAST-EXTERNAL")
STEP = Decimal("0.01")


class CrossoverConfig(StrategyConfig, frozen=True):  # type: ignore[misc, call-arg]
    """No settings: the strategy is the benchmark's."""


class Crossover(Strategy):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(CrossoverConfig())
        self.fast = SimpleMovingAverage(FAST)
        self.slow = SimpleMovingAverage(SLOW)
        self.above: bool | None = None

    def on_start(self) -> None:
        self.register_indicator_for_bars(BAR_TYPE, self.fast)
        self.register_indicator_for_bars(BAR_TYPE, self.slow)
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, bar: Bar) -> None:
        if not self.indicators_initialized():
            return
        was_above, self.above = self.above, self.fast.value > self.slow.value
        if was_above is None or was_above == self.above:
            return
        if self.above:
            self.enter(bar)
        else:
            self.cancel_all_orders(INSTRUMENT.id)
            self.close_all_positions(INSTRUMENT.id)

    def enter(self, bar: Bar) -> None:
        if not self.portfolio.is_flat(INSTRUMENT.id):
            return
        close = bar.close.as_double()
        equity = self.portfolio.account(VENUE).balance_total(USD).as_double()
        quantity = Decimal(equity * SIZE / close).quantize(STEP, ROUND_FLOOR)
        bracket = self.order_factory.bracket(
            instrument_id=INSTRUMENT.id,
            order_side=OrderSide.BUY,
            quantity=INSTRUMENT.make_qty(quantity),
            sl_trigger_price=INSTRUMENT.make_price(close * (1 - STOP)),
            tp_price=INSTRUMENT.make_price(close * (1 + TARGET)),
        )
        self.submit_order_list(bracket)


def prepare(candles: Candles) -> Callable[[], Outcome]:
    names = ("open", "high", "low", "close")
    frame = pd.DataFrame(
        dict(zip(names, candles[1:5], strict=True)), index=pd.DatetimeIndex(candles.time, tz="UTC", name="timestamp")
    )
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True),
            run_analysis=False,
        )
    )
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(CAPITAL, USD)],
        default_leverage=Decimal(1),
    )
    engine.add_instrument(INSTRUMENT)
    # Without volumes: a bar's volume would limit what fills at its price.
    engine.add_data(BarDataWrangler(BAR_TYPE, INSTRUMENT).process(frame))
    engine.add_strategy(Crossover())

    def run() -> Outcome:
        engine.run()
        closed = engine.cache.position_snapshots() + engine.cache.positions_closed()
        balance = engine.portfolio.account(VENUE).balance_total(USD).as_double()
        unrealised = engine.portfolio.unrealized_pnl(INSTRUMENT.id)
        equity = balance + (unrealised.as_double() if unrealised else 0.0)

        def first_trades() -> list[Trade]:
            return [
                Trade(p.ts_opened, p.avg_px_open, p.ts_closed, p.avg_px_close)
                for p in sorted(closed, key=lambda position: position.ts_opened)[:SHOWN]
            ]

        return Outcome(len(candles.time), len(closed), equity, first_trades)

    return run


if __name__ == "__main__":
    main(prepare, "nautilus_trader")
