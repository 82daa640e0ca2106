"""What goes into the reference, what it carries from candle to candle, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    """Bit r of ``entries`` for entry rule r met at the candle's close, bit r of ``exits`` for exit rule r."""

    entries: int = 0
    exits: int = 0


@dataclass
class Position:
    """An open position; ``closing`` is the reason for which it was put up for closing, if it was."""

    number: int
    rule: int
    side: int
    quantity: int
    entry_candle: int
    entry_time: int
    entry_price: int
    entry_commission: int
    stop: int | None
    target: int | None
    best: int
    worst: int
    closing: ExitReason | None = None

    def see(self, price: int) -> None:
        """Widen the best and worst price, as the holder of the position sees them."""
        self.best = max(self.best, price) if self.side == 1 else min(self.best, price)
        self.worst = min(self.worst, price) if self.side == 1 else max(self.worst, price)


@dataclass(frozen=True)
class EntryOrder:
    """An entry that was decided and waits for its fill."""

    rule: int
    side: int
    quantity: int


@dataclass
class Result:
    """Everything a run says; the lists ``equity``, ``cash`` and ``open_positions`` have one value per candle."""

    events: list[ExecutionEvent] = field(default_factory=list)
    equity: list[int] = field(default_factory=list)
    cash: list[int] = field(default_factory=list)
    open_positions: list[int] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
