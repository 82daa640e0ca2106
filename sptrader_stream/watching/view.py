"""What whoever watches a run knows of it by now, from its messages."""

from __future__ import annotations

from collections import deque
from typing import Final

from sptrader_stream.server.messages import (
    EndedMessage,
    HaltMessage,
    ProgressMessage,
    RejectionMessage,
    ServerMessage,
    StartedMessage,
    StateMessage,
    TradeMessage,
)
from sptrader_stream.store.rows import TradeRow

TRADES_KEPT: Final = 10


class View:
    """The newest of a run.

    Attributes:
        started, state, progress, ended: the newest message of each kind; None before there was one.
        trades: the last few, oldest first.
        rejections, halts: how many there were.
        last_halt: the newest one.
        complaint: what the last command was refused with; empty where it was not.
    """

    def __init__(self) -> None:
        self.started: StartedMessage | None = None
        self.state: StateMessage | None = None
        self.progress: ProgressMessage | None = None
        self.ended: EndedMessage | None = None
        self.trades: deque[TradeRow] = deque(maxlen=TRADES_KEPT)
        self.rejections = 0
        self.halts = 0
        self.last_halt: HaltMessage | None = None
        self.complaint = ""

    @property
    def is_paused(self) -> bool:
        """Whether the run stands still."""
        return self.state is not None and self.state.status == "paused"

    def take(self, message: ServerMessage) -> None:
        """Take the next message in."""
        match message:
            case StartedMessage():
                self.started = message
            case StateMessage():
                self.state = message
            case ProgressMessage():
                self.progress = message
            case TradeMessage():
                self.trades.append(message.trade)
            case RejectionMessage():
                self.rejections += 1
            case HaltMessage():
                self.halts += 1
                self.last_halt = message
            case EndedMessage():
                self.ended = message
