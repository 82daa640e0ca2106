"""What a run comes to: the metrics by name, and the table that says what each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

import msgspec


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of a run so far; :data:`METRICS` describes each, with its unit.

    A metric that is not defined (an average over nothing, a ratio to zero) is None. Losses are negative amounts,
    drawdowns are positive. Whatever is said of a trade holds for each part of a position that was closed in parts.
    """

    candles: int
    end_equity: int
    total_return: float
    total_trades: int
    winning_trades: int
    losing_trades: int
    break_even_trades: int
    win_rate: float | None
    total_pnl: int
    gross_profit: int
    gross_loss: int
    profit_factor: float | None
    expectancy: int | None
    average_win: int | None
    average_loss: int | None
    largest_win: int | None
    largest_loss: int | None
    max_consecutive_wins: int
    max_consecutive_losses: int
    sqn: float | None
    average_mae: float | None
    average_mfe: float | None
    average_holding_time: int | None
    min_holding_time: int | None
    max_holding_time: int | None
    exposure: float | None
    max_drawdown: float
    max_drawdown_peak: int
    max_drawdown_trough: int
    max_drawdown_money: int
    longest_drawdown: int
    longest_drawdown_candles: int
    longest_drawdown_start: int | None
    cagr: float | None
    volatility: float | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    fills: int
    rejections: int
    halts: int
    same_bar_trades: int
    gap_trades: int
    total_commission: int
    daily_returns: tuple[tuple[date, float], ...]


Unit = Literal["count", "money", "fraction", "ratio", "duration", "time", "series"]


class MetricInfo(msgspec.Struct, frozen=True):
    """What a metric is.

    Attributes:
        title: its name for people.
        unit: ``count``; ``money`` in 10^-8; ``fraction`` (0.01 is one percent); ``ratio``, a plain number;
            ``duration`` in nanoseconds; ``time`` in nanoseconds since 1970 UTC; ``series``, a value for each day.
        description: one line.
    """

    title: str
    unit: Unit
    description: str


_TABLE: tuple[tuple[str, str, Unit, str], ...] = (
    ("candles", "Candles", "count", "Candles processed, of all instruments."),
    ("end_equity", "End equity", "money", "Equity at the last candle, open positions at their marks."),
    ("total_return", "Total return", "fraction", "End equity over start capital, less one."),
    ("total_trades", "Trades", "count", "Positions, or parts of positions, that were closed."),
    ("winning_trades", "Winning trades", "count", "Trades whose P&L, net of commission, is above zero."),
    ("losing_trades", "Losing trades", "count", "Trades whose P&L, net of commission, is below zero."),
    ("break_even_trades", "Break-even trades", "count", "Trades whose P&L, net of commission, is zero."),
    ("win_rate", "Win rate", "fraction", "Winning trades over all trades."),
    ("total_pnl", "Total P&L", "money", "Sum of the trades' P&L, net of commission, without open positions."),
    ("gross_profit", "Gross profit", "money", "Sum of the P&L of the winning trades."),
    ("gross_loss", "Gross loss", "money", "Sum of the P&L of the losing trades, not above zero."),
    ("profit_factor", "Profit factor", "ratio", "Gross profit over the size of the gross loss."),
    ("expectancy", "Expectancy", "money", "Mean P&L of a trade, rounded half to even."),
    ("average_win", "Average win", "money", "Mean P&L of the winning trades, rounded half to even."),
    ("average_loss", "Average loss", "money", "Mean P&L of the losing trades, rounded half to even, below zero."),
    ("largest_win", "Largest win", "money", "The largest P&L of a winning trade."),
    ("largest_loss", "Largest loss", "money", "The lowest P&L of a losing trade."),
    ("max_consecutive_wins", "Most wins in a row", "count", "Longest streak of winning trades."),
    ("max_consecutive_losses", "Most losses in a row", "count", "Longest streak of losing trades."),
    ("sqn", "SQN", "ratio", "System quality number: root of the trades times mean P&L over its deviation."),
    ("average_mae", "Average MAE", "fraction", "Mean of the trades' largest moves against them, by entry price."),
    ("average_mfe", "Average MFE", "fraction", "Mean of the trades' largest moves in their favour, by entry price."),
    ("average_holding_time", "Average holding time", "duration", "Mean time from entry to exit, half to even."),
    ("min_holding_time", "Shortest holding time", "duration", "Shortest time from a trade's entry to its exit."),
    ("max_holding_time", "Longest holding time", "duration", "Longest time from a trade's entry to its exit."),
    ("exposure", "Exposure", "fraction", "Times of candles at whose end a position was open, over all times."),
    ("max_drawdown", "Maximum drawdown", "fraction", "Largest fall of equity from its running peak, over the peak."),
    ("max_drawdown_peak", "Drawdown peak", "money", "The peak from which the maximum drawdown fell."),
    ("max_drawdown_trough", "Drawdown trough", "money", "The equity to which the maximum drawdown fell."),
    ("max_drawdown_money", "Maximum drawdown, money", "money", "Largest fall of equity from its peak as an amount."),
    ("longest_drawdown", "Longest drawdown", "duration", "Longest time from a peak until equity was back, or so far."),
    (
        "longest_drawdown_candles",
        "Longest drawdown, candles",
        "count",
        "Candles of the longest drawdown; those of one time count once.",
    ),
    ("longest_drawdown_start", "Longest drawdown since", "time", "When it began: the close of the candle at its peak."),
    ("cagr", "CAGR", "fraction", "Compound annual growth rate of the daily returns, 252 days a year."),
    ("volatility", "Volatility", "fraction", "Annualised standard deviation of the daily returns."),
    ("sharpe_ratio", "Sharpe ratio", "ratio", "Annualised mean of the daily returns over their deviation."),
    ("sortino_ratio", "Sortino ratio", "ratio", "Annualised mean of the daily returns over their downside deviation."),
    ("calmar_ratio", "Calmar ratio", "ratio", "CAGR over the maximum drawdown of the daily equity."),
    ("fills", "Fills", "count", "Orders filled, entries and exits."),
    ("rejections", "Rejections", "count", "Entries that could not be made."),
    ("halts", "Halts", "count", "Times a drawdown or daily loss limit was passed."),
    ("same_bar_trades", "Same-bar trades", "count", "Trades whose last candle reached both the stop and the target."),
    ("gap_trades", "Gap trades", "count", "Trades that ended at an open beyond their stop or target."),
    ("total_commission", "Commission", "money", "Sum of all commissions paid, for open positions too."),
    (
        "daily_returns",
        "Daily returns",
        "series",
        "Change of each day's last equity; only days with candles count.",
    ),
)

# Every metric of Metrics, in its order.
METRICS: Final[Mapping[str, MetricInfo]] = MappingProxyType(
    {name: MetricInfo(title, unit, description) for name, title, unit, description in _TABLE}
)
