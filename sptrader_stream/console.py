"""The terminal as it is: a console that keeps to its abilities, and the progress bar. rich is loaded on first use."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sptrader_stream.events import Progress

if TYPE_CHECKING:
    from rich.console import Console

_REDRAW_SECONDS = 0.1


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
