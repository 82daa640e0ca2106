"""A watched run as lines of text, for files and other programs: one for each event, none for mere progress."""

from __future__ import annotations

from sptrader_stream.server.messages import (
    EndedMessage,
    FillMessage,
    HaltMessage,
    RejectionMessage,
    ServerMessage,
    StartedMessage,
    StateMessage,
    TradeMessage,
)


def line_of(message: ServerMessage) -> str | None:
    """Write a message as a line; None for one that has none."""
    match message:
        case StartedMessage():
            made_up = ", synthetic" if message.synthetic else ""
            return (
                f"started {message.strategy} {message.strategy_version}".rstrip()
                + f" on {', '.join(message.symbols)} {message.timeframe}{made_up}, capital {message.start_capital}"
            )
        case FillMessage():
            return (
                f"{message.time} fill {message.side} {message.quantity} {message.symbol} at {message.price}, "
                f"{message.reason}"
            )
        case TradeMessage():
            trade = message.trade
            return (
                f"{trade.exit_time} trade {trade.id} {trade.side} {trade.quantity} {trade.symbol} from "
                f"{trade.entry_price} to {trade.exit_price}, {trade.exit_reason}, P&L {trade.pnl}"
            )
        case RejectionMessage():
            return f"{message.time} rejected {message.side} {message.quantity} {message.symbol}: {message.reason}"
        case HaltMessage():
            return f"{message.time} halted by {message.reason}: equity {message.equity}"
        case StateMessage():
            queue = "" if message.queue_position is None else f", number {message.queue_position} in the queue"
            return f"{message.status}, pace {message.pace}{queue}"
        case EndedMessage():
            return ended_line(message)
        case _:
            return None


def ended_line(message: EndedMessage) -> str:
    """Say in a line how a run ended and what it came to."""
    words = [f"{message.status} after {message.candles:,} candles"]
    if message.failure is not None:
        words.append(message.failure.cause)
    elif message.summary is not None:
        found = message.summary
        words.append(f"{found.total_trades:,} trades, P&L {found.total_pnl}, end capital {found.end_capital}")
    return ": ".join(words)
