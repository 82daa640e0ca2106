"""Keys of a terminal, as they are pressed, and what each of them asks of a run."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import trio

from sptrader_stream.pace import MAX, parse_pace
from sptrader_stream.server.messages import Cancel, Pause, Resume, SetPace, SteeringCommand, Step
from sptrader_stream.watching.paces import faster, slower
from sptrader_stream.watching.view import View

HELP: Final = "space pause  s step  t to the next trade  + faster  - slower  m full speed  c cancel  q quit"
QUIT: Final = "q"
_READ_BYTES: Final = 64


def command_of(key: str, run: str, view: View) -> SteeringCommand | None:
    """What a key asks for; None where it asks for nothing. To leave is to cancel, where that ends the run.

    Args:
        key: one character.
        run: the run's id.
        view: where the run stands.
    """
    pace = MAX if view.state is None else parse_pace(view.state.pace)
    speed = 0.0 if view.progress is None else view.progress.candles_per_second
    match key:
        case " ":
            return Resume(run=run) if view.is_paused else Pause(run=run)
        case "s":
            return Step(run=run, n=1)
        case "t":
            return Step(run=run, until="trade")
        case "+" | "=":
            return SetPace(run=run, pace=str(faster(pace)))
        case "-":
            return SetPace(run=run, pace=str(slower(pace, speed)))
        case "m":
            return SetPace(run=run, pace="max")
        case "c" | "q":
            return Cancel(run=run)
        case _:
            return None


@contextmanager
def pressed_keys() -> Iterator[AsyncIterator[str] | None]:
    """Read keys one at a time, without a return behind them; None where there is no terminal to press them at."""
    try:
        import termios
        import tty
    except ImportError:
        # Windows: what is shown is the same there.
        yield None
        return
    if not sys.stdin.isatty():
        yield None
        return
    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)
    tty.setcbreak(file)
    try:
        yield _keys(file)
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


async def _keys(file: int) -> AsyncIterator[str]:
    while True:
        await trio.lowlevel.wait_readable(file)
        pressed = os.read(file, _READ_BYTES).decode("utf-8", "replace")
        if not pressed:
            return
        # An arrow or a function key is a sequence of its own, not several keys.
        if not pressed.startswith("\x1b"):
            for key in pressed:
                yield key
