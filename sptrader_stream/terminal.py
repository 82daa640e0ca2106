"""What a person sees of a run: the progress bar, and its result as tables and a curve. rich is loaded on first use."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from sptrader_stream.candles import NANOSECONDS
from sptrader_stream.chart import Envelope, dots_across, draw
from sptrader_stream.events import DataIssue, Progress, RunStatus
from sptrader_stream.execution.records import Trade
from sptrader_stream.metrics.summary import METRICS, Metrics
from sptrader_stream.money import MONEY_SCALE, divide_half_even, format_scaled

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_REDRAW_SECONDS = 0.1
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
        market: symbol and timeframe.
        source: where the candles came from, in words; says so when they are synthetic.
        status: how the run ended.
        period: open times of the first and last candle, None when there was none.
        start_capital: money (10^-8).
        signals: how many signals were generated.
        metrics: what the run came to.
        trades: the last ones, oldest first.
        price_precision, quantity_precision: decimal places of the trades' prices and quantities.
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
    price_precision: int
    quantity_precision: int
    equity: Envelope | None
    issues: Sequence[DataIssue]
    facts: Sequence[tuple[str, str]]


def chart_columns() -> int:
    """How many stretches an equity curve should be reduced to for any terminal."""
    return _WIDEST_CHART * dots_across(ascii_only=False)


def make_console(*, stderr: bool = False) -> Console:
    """A console that keeps to NO_COLOR, COLUMNS and what the terminal can show."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, emoji=False, markup=False)


@contextmanager
def progress_bar(span: tuple[int, int] | None, *, always: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Show on stderr how far a run has come, at most ten times a second.

    Args:
        span: nanoseconds since 1970 of the first and last candle expected, None where that is not known.
        always: leave the finished bar even where stderr is no terminal; otherwise nothing is shown there.

    Yields:
        What to call with each :class:`Progress`, or None where nobody looks.
    """
    if not (always or sys.stderr.isatty()):
        yield None
        return
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    start, end = span or (0, 0)
    with Bars(*columns, console=make_console(stderr=True), auto_refresh=False) as bars:
        task = bars.add_task("0 candles", total=end - start if span else None)
        newest: Progress | None = None
        next_draw = 0.0

        def draw_newest() -> None:
            if newest is not None:
                text = f"{newest.candles:,} candles, {newest.trades:,} trades"
                bars.update(task, completed=newest.time - start, description=text, refresh=True)

        def update(progress: Progress) -> None:
            nonlocal newest, next_draw
            newest = progress
            now = time.monotonic()
            if now >= next_draw:
                next_draw = now + _REDRAW_SECONDS
                draw_newest()

        try:
            yield update
        finally:
            draw_newest()


def show_report(report: Report, console: Console) -> None:
    """Print a run's result."""
    ended = "" if report.status == "completed" else f", {report.status}"
    console.print(f"{report.strategy} on {report.market}{ended}", style="bold")
    console.print(report.source, style="yellow" if "synthetic" in report.source else "")
    for issue in report.issues:
        console.print(f"data: {issue.message}", style="red" if issue.policy == "block" else "yellow")
    console.print()
    console.print(_summary(report, two_pairs=console.width >= _TWO_PAIRS_FROM))
    if report.trades:
        console.print()
        console.print(_trades(report, console.width))
    if report.equity is not None:
        console.print()
        _print_curve(report, report.equity, console)
    console.print()
    for label, text in report.facts:
        console.print(f"{label:<12} {text}", soft_wrap=True)


def format_metric(name: str, value: object) -> str:
    """Write a metric for people, in its unit; a dash where it is not defined."""
    unit = METRICS[name].unit
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:z.2%}" if unit == "fraction" else f"{value:z,.2f}"
    if not isinstance(value, int):
        raise TypeError(f"{name} is not a single value")
    writers: dict[str, Callable[[int], str]] = {"money": format_cents, "duration": format_duration, "time": format_time}
    return writers.get(unit, "{:,}".format)(value)


def format_cents(money: int) -> str:
    """Write money (10^-8) to the cent, rounded half to even."""
    cents = divide_half_even(money, MONEY_SCALE // 100)
    whole, part = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{part:02d}"


def format_time(moment: int) -> str:
    """Write nanoseconds since 1970 as UTC date and minute."""
    return datetime.fromtimestamp(moment // NANOSECONDS, UTC).strftime("%Y-%m-%d %H:%M")


def format_duration(nanoseconds: int) -> str:
    """Write a duration with its two largest units: ``2d 4h``."""
    left = nanoseconds // NANOSECONDS
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count:,}{unit}")
    return " ".join(parts[:2]) or "0s"


def _summary(report: Report, two_pairs: bool) -> Table:
    from rich import box
    from rich.table import Table

    metrics = report.metrics
    pairs = [
        ("Period", " to ".join(format_time(each)[:10] for each in report.period) if report.period else "-"),
        ("Candles", f"{metrics.candles:,}"),
        ("Start capital", format_cents(report.start_capital)),
        ("End equity", format_cents(metrics.end_equity)),
    ]
    pairs += [(METRICS[name].title, format_metric(name, getattr(metrics, name))) for name in _SUMMARY]
    pairs.insert(6, ("Signals", f"{report.signals:,}"))
    pairs.append(("Halts", f"{metrics.halts:,}"))
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

    columns: list[tuple[int, str, Literal["left", "right"], Callable[[Trade], str]]] = [
        (0, "Side", "left", lambda trade: "long" if trade.side > 0 else "short"),
        (108, "Entered", "left", lambda trade: format_time(trade.entry_time)),
        (78, "Entry", "right", lambda trade: format_scaled(trade.entry_price, report.price_precision)),
        (0, "Exited", "left", lambda trade: format_time(trade.time)),
        (66, "Exit", "right", lambda trade: format_scaled(trade.price, report.price_precision)),
        (90, "Quantity", "right", lambda trade: format_scaled(trade.quantity, report.quantity_precision)),
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
        first, last = (format_time(each)[:10] for each in report.period)
        console.print(f"{'':{margin}}  {first}{last:>{max(0, width - len(first))}}", no_wrap=True, overflow="crop")
