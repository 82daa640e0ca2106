"""From a run's recorded events to the messages that clients get; pure functions."""

from __future__ import annotations

from sptrader_stream.events import RunStarted
from sptrader_stream.execution.records import ExecutionEvent, Fill, Halt, Rejection, Trade
from sptrader_stream.money import format_money
from sptrader_stream.server.messages import (
    FillMessage,
    HaltMessage,
    LosslessMessage,
    RejectionMessage,
    StartedMessage,
    TradeMessage,
)
from sptrader_stream.store.rows import fill_rows, halt_rows, rejection_rows, trade_rows


def started_message(started: RunStarted) -> StartedMessage:
    """Tell what is run."""
    return StartedMessage(
        backtest_id=started.run_id,
        seq=0,
        strategy=started.strategy,
        strategy_version=started.strategy_version,
        parameters=started.parameters,
        symbols=[market.instrument.symbol for market in started.markets],
        sources=list(dict.fromkeys(market.source for market in started.markets)),
        synthetic=any(not market.path for market in started.markets),
        timeframe=started.timeframe,
        strategy_timeframe=started.strategy_timeframe,
        start_capital=format_money(started.start_capital),
    )


def event_message(event: ExecutionEvent, started: RunStarted, seq: int, trades_before: int) -> LosslessMessage:
    """Tell what happened.

    Args:
        event: of execution.
        started: the run's first event.
        seq: the event's sequence number.
        trades_before: how many trades came before it in the run.
    """
    run = started.run_id
    match event:
        case Fill():
            (fill,) = fill_rows([event], started)
            return FillMessage(
                backtest_id=run, seq=seq, time=fill.time, position=fill.position, symbol=fill.symbol, side=fill.side,
                rule=fill.rule, price=fill.price, quantity=fill.quantity, commission=fill.commission,
                reason=fill.reason,
            )  # fmt: skip
        case Trade():
            (trade,) = trade_rows([event], started, trades_before + 1)
            return TradeMessage(backtest_id=run, seq=seq, trade=trade)
        case Rejection():
            (rejection,) = rejection_rows([event], started)
            return RejectionMessage(
                backtest_id=run, seq=seq, time=rejection.time, symbol=rejection.symbol, side=rejection.side,
                rule=rejection.rule, price=rejection.price, quantity=rejection.quantity, reason=rejection.reason,
            )  # fmt: skip
        case Halt():
            (halt,) = halt_rows([event])
            return HaltMessage(
                backtest_id=run, seq=seq, time=halt.time, equity=halt.equity, reference=halt.reference,
                reason=halt.reason,
            )  # fmt: skip
