"""The fields of a result by which other programs know it."""

from __future__ import annotations

FIELDS = {
    "total_trades", "winning_trades", "losing_trades", "total_pnl", "max_drawdown", "sharpe_ratio", "start_capital",
    "end_capital", "signals_generated", "daily_returns", "completed_trades", "open_positions", "rejections",
    "data_issues", "fingerprint", "metrics", "instrument", "timing",
}  # fmt: skip
TRADE_FIELDS = {
    "id", "symbol", "side", "entry_time", "entry_price", "exit_time", "exit_price", "quantity", "pnl", "pnl_percent",
    "exit_reason", "holding_period_hours",
}  # fmt: skip
