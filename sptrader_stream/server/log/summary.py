"""What a run came to, in the few figures of its last message."""

from __future__ import annotations

from sptrader_stream.metrics.summary import Metrics
from sptrader_stream.money import format_money
from sptrader_stream.server.messages import Summary
from sptrader_stream.store.head import Head


def summary_of_metrics(metrics: Metrics) -> Summary:
    """Sum up a run from its metrics."""
    return Summary(
        total_trades=metrics.total_trades,
        total_pnl=format_money(metrics.total_pnl),
        end_capital=format_money(metrics.end_equity),
        total_return=metrics.total_return,
        max_drawdown=metrics.max_drawdown,
        sharpe_ratio=metrics.sharpe_ratio,
        win_rate=metrics.win_rate,
    )


def summary_of_head(head: Head) -> Summary:
    """Sum up a run from its result."""
    total_return, win_rate = head.metrics["total_return"], head.metrics["win_rate"]
    return Summary(
        total_trades=head.total_trades,
        total_pnl=head.total_pnl,
        end_capital=head.end_capital,
        total_return=float(total_return) if isinstance(total_return, int | float) else 0.0,
        max_drawdown=head.max_drawdown,
        sharpe_ratio=head.sharpe_ratio,
        win_rate=float(win_rate) if isinstance(win_rate, int | float) else None,
    )
