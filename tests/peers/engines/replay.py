"""What the replays share: a document of candles and decisions on standard input, one of trades on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.peers.shapes import Columns, Decided, Shape


class Done(NamedTuple):
    """A trade, a part of one, or with ``exit_row`` -1 what is still open; prices in ticks, not rounded."""

    entry_row: int
    side: int
    entry_price: float
    exit_row: int
    exit_price: float
    quantity: int


Replay = Callable[[Shape, Columns, dict[int, Decided]], Iterable[Done]]


def main(replay: Replay, shapes: dict[str, Shape]) -> None:
    """Replay every shape of the document and write what came of it."""
    document = json.load(sys.stdin)
    candles = Columns(*document["candles"])
    runs = {}
    for name, rows in document["decisions"].items():
        decided = {row: Decided(row, entries, exits) for row, entries, exits in rows}
        runs[name] = list(replay(shapes[name], candles, decided))
    json.dump(runs, sys.stdout)
