"""What a person sees of a run: its result as tables and a curve. rich is loaded on first use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from sptrader_stream.chart import Envelope, dots_across, draw
from sptrader_stream.events import DataIssue, RunStatus
from sptrader_stream.execution.records import SIDE_NAMES, Halt, Trade
from sptrader_stream.formats import format_cents, format_metric, format_minute
from sptrader_stream.instruments import Instrument
from sptrader_stream.metrics.summary import METRICS, Metrics
from sptrader_stream.money import format_scaled
from sptrader_stream.store.head import Bounds
from sptrader_stream.store.results import MarketTotals

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_CHART_ROWS = 8
_WIDEST_CHART = 96
_TWO_PAIRS_FROM = 78
_SUMMARY = (
    "total_pnl", "total_return", "total_trades", "win_rate", "profit_factor", "expectancy", "average_win",
    "average_loss", "max_drawdown", "longest_drawdown", "sharpe_ratio", "sortino_ratio", "cagr", "volatility",
    "exposure", "average_holding_time", "total_commission", "rejections",
)  # fmt: skip


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run's result as far as a screen shows it.

    Attributes:
        strategy: its name and version.
        market: symbols and timeframe.
        source: where the candles came from, in words; says so when they are synthetic.
        status: how the run ended.
        period: open times of the first and last candle, None when there was none.
        start_capital: money (10^-8).
        signals: how many signals were generated.
        metrics: what the run came to.
        trades: the last ones, oldest first.
        first_ambiguous: the ids of the first few trades whose exits rest on an assumption.
        last_halts: the last few limits that were passed, oldest first.
        bounds: what the run came to with either ``same_bar`` policy; None where that was not asked for.
        instruments: what was traded, in the run's order.
        market_totals: what the trades come to by instrument.
        equity: the equity by candle, reduced; None when there was none.
        issues: what was found about the candles.
        facts: closing lines, such as the folder and the fingerprint, as label and text.
    """

    strategy: str
    market: str
    source: str
    status: RunStatus
    period: tuple[int, int] | None
    start_capital: int
    signals: int
    metrics: Metrics
    trades: Sequence[Trade]
    first_ambiguous: Sequence[int]
    last_halts: Sequence[Halt]
    bounds: Bounds | None
    instruments: Sequence[Instrument]
    market_totals: Sequence[MarketTotals]
    equity: Envelope | None
    issues: Sequence[DataIssue]
    facts: Sequence[tuple[str, str]]


def chart_columns() -> int:
    """How many stretches an equity curve should be reduced to for any terminal."""
    return _WIDEST_CHART * dots_across(ascii_only=False)


def show_report(report: Report, console: Console) -> None:
    """Print a run's result."""
    ended = "" if report.status == "completed" else f", {report.status}"
    console.print(f"{report.strategy} on {report.market}{ended}", style="bold")
    console.print(report.source, style="yellow" if "synthetic" in report.source else "")
    for issue in report.issues:
        data = f"data of {issue.symbol}" if len(report.instruments) > 1 else "data"
        console.print(f"{data}: {issue.message}", style="red" if issue.policy == "block" else "yellow")
    console.print()
    console.print(_summary(report, two_pairs=console.width >= _TWO_PAIRS_FROM))
    if len(report.market_totals) > 1:
        console.print()
        console.print(_totals(report.market_totals))
    if report.trades:
        console.print()
        console.print(_trades(report, console.width))
    if report.equity is not None:
        console.print()
        _print_curve(report, report.equity, console)
    console.print()
    if report.last_halts:
        console.print(f"{'Halted':<12} {_halted(report)}", soft_wrap=True)
    if report.first_ambiguous:
        console.print(f"{'Ambiguous':<12} {_ambiguous(report)}", soft_wrap=True)
    for label, text in report.facts:
        console.print(f"{label:<12} {text}", soft_wrap=True)


def _summary(report: Report, two_pairs: bool) -> Table:
    from rich import box
    from rich.table import Table

    metrics = report.metrics
    pairs = [
        ("Period", " to ".join(format_minute(each)[:10] for each in report.period) if report.period else "-"),
        ("Candles", f"{metrics.candles:,}"),
        ("Start capital", format_cents(report.start_capital)),
        ("End equity", format_cents(metrics.end_equity)),
    ]
    pairs += [(METRICS[name].title, format_metric(name, getattr(metrics, name))) for name in _SUMMARY]
    pairs.insert(6, ("Signals", f"{report.signals:,}"))
    if report.bounds is not None:
        pairs.insert(5, ("P&L interval", " to ".join(map(format_cents, report.bounds.pnl_interval))))
    pairs.append(("Halts", f"{metrics.halts:,}"))
    pairs.append(("Ambiguous", f"{metrics.same_bar_trades + metrics.gap_trades:,}"))
    table = Table(show_header=False, box=box.ROUNDED)
    across = 2 if two_pairs else 1
    for _ in range(across):
        table.add_column(style="bold")
        table.add_column(justify="right")
    rows = -(-len(pairs) // across)
    for row in range(rows):
        cells = [text for pair in pairs[row::rows] for text in pair]
        table.add_row(*cells)
    return table


def _trades(report: Report, width: int) -> Table:
    from rich import box
    from rich.table import Table

    instruments = report.instruments
    symbol_from = 0 if len(instruments) > 1 else sys.maxsize
    columns: list[tuple[int, str, Literal["left", "right"], Callable[[Trade], str]]] = [
        (symbol_from, "Symbol", "left", lambda trade: instruments[trade.instrument].symbol),
        (0, "Side", "left", lambda trade: SIDE_NAMES[trade.side]),
        (108, "Entered", "left", lambda trade: format_minute(trade.entry_time)),
        (78, "Entry", "right", lambda trade: _price(trade.entry_price, trade, instruments)),
        (0, "Exited", "left", lambda trade: format_minute(trade.time)),
        (66, "Exit", "right", lambda trade: _price(trade.price, trade, instruments)),
        (90, "Quantity", "right", lambda trade: _quantity(trade, instruments)),
        (0, "P&L", "right", lambda trade: format_cents(trade.pnl)),
        (0, "Reason", "left", lambda trade: trade.reason.replace("_", " ")),
    ]
    shown = [each for each in columns if width >= each[0]]
    heading = f"Last {len(report.trades)} of {report.metrics.total_trades:,} trades"
    table = Table(title=heading, title_justify="left", title_style="bold", box=box.ROUNDED)
    for _, title, justify, _ in shown:
        table.add_column(title, justify=justify, no_wrap=True)
    for trade in report.trades:
        style = "green" if trade.pnl > 0 else "red" if trade.pnl < 0 else ""
        table.add_row(*(write(trade) for *_, write in shown), style=style)
    return table


def _price(ticks: int, trade: Trade, instruments: Sequence[Instrument]) -> str:
    return format_scaled(ticks, instruments[trade.instrument].price_precision)


def _quantity(trade: Trade, instruments: Sequence[Instrument]) -> str:
    return format_scaled(trade.quantity, instruments[trade.instrument].quantity_precision)


def _totals(totals: Sequence[MarketTotals]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.ROUNDED)
    table.add_column("Symbol")
    for title in ("Trades", "Win rate", "P&L"):
        table.add_column(title, justify="right")
    for each in totals:
        win_rate = f"{each.winning_trades / each.total_trades:.2%}" if each.total_trades else "-"
        table.add_row(each.symbol, f"{each.total_trades:,}", win_rate, format_cents(each.total_pnl))
    return table


def _halted(report: Report) -> str:
    """Say which limits were passed and when: ``daily loss at 2025-02-07 10:00, max drawdown at 2025-02-09 22:00``."""
    words = [f"{each.reason.replace('_', ' ')} at {format_minute(each.time)}" for each in report.last_halts]
    before = "..., " if report.metrics.halts > len(words) else ""
    after = (
        ": no entries after the drawdown" if any(each.reason == "max_drawdown" for each in report.last_halts) else ""
    )
    return before + ", ".join(words) + after


def _ambiguous(report: Report) -> str:
    """Say which trades rest on what: ``2 reached stop and target in one candle, 1 ended at a gap: trades 3, 4, 9``."""
    metrics = report.metrics
    kinds = [
        (metrics.same_bar_trades, "reached stop and target in one candle"),
        (metrics.gap_trades, "ended at an open beyond the level"),
    ]
    words = ", ".join(f"{count:,} {what}" for count, what in kinds if count)
    more = ", ..." if metrics.same_bar_trades + metrics.gap_trades > len(report.first_ambiguous) else ""
    return f"{words}: trades {', '.join(map(str, report.first_ambiguous))}{more}"


def _print_curve(report: Report, equity: Envelope, console: Console) -> None:
    ascii_only = console.options.ascii_only
    labels = [format_cents(int(each)) for each in (equity.highs.max(), equity.lows.min())]
    margin = max(map(len, labels))
    width = max(8, min(console.width - margin - 2, _WIDEST_CHART))
    lines = draw(equity, width, _CHART_ROWS, ascii_only)
    style = "green" if report.metrics.end_equity >= report.start_capital else "red"
    bar = "|" if ascii_only else "│"
    console.print("Equity", style="bold")
    for row, line in enumerate(lines):
        label = labels[0] if row == 0 else labels[1] if row == len(lines) - 1 else ""
        console.print(f"{label:>{margin}} {bar}", end="")
        console.print(line, style=style, no_wrap=True, overflow="crop")
    if report.period:
        first, last = (format_minute(each)[:10] for each in report.period)
        console.print(f"{'':{margin}}  {first}{last:>{max(0, width - len(first))}}", no_wrap=True, overflow="crop")
