"""A watched run as a table that is drawn again and again. rich is loaded on first use."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from sptrader_stream.store.rows import TradeRow
from sptrader_stream.watching.lines import ended_line
from sptrader_stream.watching.view import View

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_CENT: Final = Decimal("0.01")
# From which width of the terminal on a column of the trades is shown.
_ENTRY_FROM: Final = 100
_QUANTITY_FROM: Final = 80
_FIXED_LINES: Final = 12
_WIDEST_BAR: Final = 80
_STYLES: Final = {"running": "green", "paused": "yellow", "queued": "yellow", "failed": "red", "cancelled": "red"}


def draw(view: View, run: str, help_line: str, width: int, height: int) -> RenderableType:
    """Draw what is known of a run.

    Args:
        view: what is known.
        run: the run's id.
        help_line: which keys there are; empty where there are none.
        width, height: of the terminal, characters.
    """
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = [Text(_title(view, run), style="bold", no_wrap=True, overflow="ellipsis")]
    if view.started is not None and view.started.synthetic:
        parts.append(Text("synthetic candles, made up: not for judging a strategy", style="yellow"))
    # A bar alone does not end its line.
    bar = Table.grid()
    bar.add_row(ProgressBar(total=100, completed=_percentage(view), width=min(width, _WIDEST_BAR)))
    parts += [bar, _facts(view)]
    room = max(1, height - _FIXED_LINES)
    if view.trades:
        parts.append(_trades(list(view.trades)[-room:], width))
    if view.last_halt is not None:
        parts.append(Text(f"halted {view.halts} times, the last by {view.last_halt.reason} at {view.last_halt.time}"))
    if view.complaint:
        parts.append(Text(view.complaint, style="red"))
    if view.ended is not None:
        parts.append(Text(ended_line(view.ended), style=f"bold {_STYLES.get(view.ended.status, '')}".strip()))
    elif help_line:
        parts.append(Text(help_line, style="dim", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def _title(view: View, run: str) -> str:
    started = view.started
    if started is None:
        return run
    strategy = f"{started.strategy} {started.strategy_version}".rstrip()
    return f"{strategy} on {', '.join(started.symbols)} {started.timeframe}   {run}"


def _percentage(view: View) -> float:
    if view.ended is not None and view.ended.status == "completed":
        return 100.0
    return 0.0 if view.progress is None else view.progress.progress_pct


def _facts(view: View) -> Table:
    from rich.table import Table
    from rich.text import Text

    status = view.ended.status if view.ended is not None else view.state.status if view.state is not None else "-"
    queue = None if view.state is None else view.state.queue_position
    progress = view.progress
    pairs = [
        ("Status", status if queue is None else f"{status}, number {queue}"),
        ("Pace", "-" if view.state is None else view.state.pace),
        ("Candle", "-" if progress is None or progress.time is None else progress.time),
        ("Candles", "-" if progress is None else f"{progress.candles:,}"),
        ("A second", "-" if progress is None else f"{progress.candles_per_second:,.0f}"),
        ("Equity", "-" if progress is None else cents(progress.current_capital)),
        ("Open", "-" if progress is None else f"{progress.open_positions:,}"),
        ("Trades", "-" if progress is None else f"{progress.trades_count:,}"),
        ("Rejected", f"{view.rejections:,}"),
    ]
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(style="bold", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
    for row in range(3):
        cells: list[Text | str] = []
        for label, text in pairs[row::3]:
            cells += [label, Text(text, style=_STYLES.get(status, "") if label == "Status" else "")]
        table.add_row(*cells)
    return table


def _trades(trades: Sequence[TradeRow], width: int) -> Table:
    from rich import box
    from rich.table import Table

    titles = ["#", "Symbol", "Side"]
    titles += ["Entry"] * (width >= _ENTRY_FROM) + ["Exited", "Exit"]
    titles += ["Quantity"] * (width >= _QUANTITY_FROM) + ["P&L", "Reason"]
    right = {"#", "Entry", "Exit", "Quantity", "P&L"}
    table = Table(box=box.SIMPLE, padding=(0, 1))
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left", no_wrap=True)
    for trade in trades:
        cells = {
            "#": f"{trade.id:,}",
            "Symbol": trade.symbol,
            "Side": trade.side,
            "Entry": trade.entry_price,
            "Exited": trade.exit_time,
            "Exit": trade.exit_price,
            "Quantity": trade.quantity,
            "P&L": cents(trade.pnl),
            "Reason": trade.exit_reason.replace("_", " "),
        }
        pnl = Decimal(trade.pnl)
        style = "green" if pnl > 0 else "red" if pnl < 0 else ""
        table.add_row(*(cells[title] for title in titles), style=style)
    return table


def cents(amount: str) -> str:
    """Write exact decimal text to the cent, half to even, with commas between thousands."""
    return f"{Decimal(amount).quantize(_CENT):,}"
