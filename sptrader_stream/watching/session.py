"""Watching: messages in, a table or lines out, keys to commands, until the run is over or whoever watches leaves."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Final

import msgspec
import trio

from sptrader_stream.errors import UserError
from sptrader_stream.server.messages import StateMessage
from sptrader_stream.watching.drawing import draw
from sptrader_stream.watching.followed import Followed
from sptrader_stream.watching.keys import HELP, QUIT, command_of, pressed_keys
from sptrader_stream.watching.lines import line_of
from sptrader_stream.watching.view import View

_REDRAW_SECONDS: Final = 0.1


async def watch(run: Followed, *, as_json: bool) -> View:
    """Watch a run: a live table where stdout is a terminal, else a line for each event.

    Args:
        run: the run.
        as_json: write each message as a line of JSON instead.

    Returns:
        What is known in the end; without ``ended`` where whoever watched has left before.

    Raises:
        UserError: the run cannot be followed.
    """
    if as_json or not sys.stdout.isatty():
        return await _write_lines(run, as_json=as_json)
    return await _draw_live(run)


async def _write_lines(run: Followed, *, as_json: bool) -> View:
    view = View()
    before: StateMessage | None = None
    async with run.messages() as messages:
        async for message in messages:
            view.take(message)
            if isinstance(message, StateMessage):
                if message == before:
                    continue
                before = message
            line = msgspec.json.encode(message).decode() if as_json else line_of(message)
            if line is not None:
                print(line, flush=True)
    return view


async def _draw_live(run: Followed) -> View:
    from rich.live import Live

    from sptrader_stream.console import make_console

    console = make_console()
    screen = _Screen(run)
    with pressed_keys() as keys, Live(console=console, auto_refresh=False) as live:
        help_line = "" if keys is None else HELP

        def redraw() -> None:
            drawn = draw(screen.view, run.run_id, help_line, console.width, console.height)
            live.update(drawn, refresh=True)

        async with trio.open_nursery() as nursery:
            if keys is not None:
                nursery.start_soon(screen.listen, keys, nursery.cancel_scope)
            nursery.start_soon(screen.take_messages, nursery.cancel_scope)
            while True:
                redraw()
                await screen.wait_change()
                await trio.sleep(_REDRAW_SECONDS)
        redraw()
    return screen.view


class _Screen:
    """What is shown, and whether it has changed since it was drawn."""

    def __init__(self, run: Followed) -> None:
        self.view = View()
        self._run = run
        self._changed = trio.Event()

    async def wait_change(self) -> None:
        await self._changed.wait()
        self._changed = trio.Event()

    async def take_messages(self, scope: trio.CancelScope) -> None:
        async with self._run.messages() as messages:
            async for message in messages:
                self.view.take(message)
                self._changed.set()
        scope.cancel()

    async def listen(self, keys: AsyncIterator[str], scope: trio.CancelScope) -> None:
        async for key in keys:
            if key == QUIT and not self._run.ends_unwatched:
                scope.cancel()
                return
            command = command_of(key, self._run.run_id, self.view)
            if command is None:
                continue
            try:
                await self._run.steer(command)
                self.view.complaint = ""
            except UserError as error:
                self.view.complaint = str(error)
            self._changed.set()
