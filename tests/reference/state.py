"""What goes into the reference, what it carries from candle to candle, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sptrader_stream.execution.records import ExecutionEvent, ExitReason


@dataclass(frozen=True)
class Candle:
    """Open time in nanoseconds UTC, bid prices in ticks, and the candle's own spread in ticks."""

    time: int
    open: int
    high: int
    low: int
    close: int
    spread: int = 0


@dataclass(frozen=True)
class Decision:
    """Bit r of ``entries`` for entry rule r, ``exits`` for exit rule r; ``atr`` in 10^-4 ticks, -1 for undefined."""

    entries: int = 0
    exits: int = 0
    atr: int = -1


class Moment(NamedTuple):
    """When a strategy candle closes: at the close of an instrument's row, or, ``late``, just before that row."""

    row: int
    late: bool = False


@dataclass(frozen=True)
class Market:
    """One instrument's candles, and what was decided at the moments at which a strategy candle closed."""

    candles: Sequence[Candle]
    decisions: Mapping[Moment, Decision]


class Quote(NamedTuple):
    """What an instrument is marked at: bid, and what the ask lies above it; ticks."""

    bid: int
    spread: int


class RestingTarget(NamedTuple):
    """Where a target rests, and how many lots it closes; None for all that is left."""

    price: int
    part: int | None


@dataclass
class Position:
    """An open position.

    ``put_up`` is how many lots wait to be closed, for ``reason``; ``charged`` is what closed parts have paid of the
    entry's commission; ``held`` counts the strategy candles that have closed since the fill at ``entry_instant``.
    """

    number: int
    instrument: int
    rule: int
    side: int
    opened: int
    quantity: int
    entry_candle: int
    entry_time: int
    entry_instant: int
    entry_price: int
    entry_commission: int
    stop: int | None
    targets: list[RestingTarget]
    best: int
    worst: int
    stop_reason: ExitReason = "stop_loss"
    charged: int = 0
    held: int = 0
    put_up: int = 0
    reason: ExitReason | None = None

    def see(self, price: int) -> None:
        """Widen the best and worst price, as the holder of the position sees them."""
        self.best = max(self.best, price) if self.side == 1 else min(self.best, price)
        self.worst = min(self.worst, price) if self.side == 1 else max(self.worst, price)


@dataclass(frozen=True)
class EntryOrder:
    """An entry that was decided, at ``instant``, and waits for its fill."""

    instrument: int
    rule: int
    side: int
    quantity: int
    atr: int
    instant: int


@dataclass(frozen=True)
class Settlement:
    """What closing at the end of the run did."""

    events: list[ExecutionEvent]
    equity: int
    cash: int
    open_positions: int


@dataclass
class Result:
    """Everything a run says; the lists from ``times`` on have one value per timestamp."""

    events: list[ExecutionEvent] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    equity: list[int] = field(default_factory=list)
    cash: list[int] = field(default_factory=list)
    open_positions: list[int] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    settlement: Settlement | None = None
