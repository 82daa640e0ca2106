"""The websocket protocol: every message, in both directions, as a Struct; ``docs/websocket.md`` is made from them.

A message is one JSON object with a ``type``; with the subprotocol ``sptrader.msgpack`` it is the same object in
MessagePack, in a binary frame. Amounts are exact decimal text, times RFC 3339.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from sptrader_stream.events import DataIssue, Failure
from sptrader_stream.server.documents import MetricValues, RunRequest, RunState
from sptrader_stream.store.rows import TradeRow

MSGPACK_SUBPROTOCOL: Final = "sptrader.msgpack"

Topic = Literal["progress", "trades", "metrics", "candles", "signals"]

# From clients


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all commands have: ``id`` is the client's own, and comes back with the answer."""

    id: int | str | None = None


class Subscribe(Command, frozen=True, kw_only=True, tag="subscribe"):
    """Watch a run.

    A second one for the same run replaces the topics; ``trades`` goes on where it is unless ``from_seq`` says else.

    Attributes:
        run: its id.
        topics: what to get.
        from_seq: for ``trades``: the first sequence number wanted, 0 for everything; None for what comes from now on.
    """

    run: str
    topics: Annotated[list[Topic], Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["progress", "trades"])
    from_seq: Annotated[int, Meta(ge=0)] | None = None


class Unsubscribe(Command, frozen=True, kw_only=True, tag="unsubscribe"):
    """Watch a run no longer; ``topics`` None stands for all of them."""

    run: str
    topics: list[Topic] | None = None


class StartRun(Command, frozen=True, kw_only=True, tag="run"):
    """Start a run; the answer's ``result`` has its ``backtest_id``."""

    request: RunRequest


class Cancel(Command, frozen=True, kw_only=True, tag="cancel"):
    """End a run; what it did is kept."""

    run: str


class Pause(Command, frozen=True, kw_only=True, tag="pause"):
    """Stop a run at a candle."""

    run: str


class Resume(Command, frozen=True, kw_only=True, tag="resume"):
    """Go on at the run's pace."""

    run: str


class Step(Command, frozen=True, kw_only=True, tag="step"):
    """Move a run by exactly ``n`` candles, or until the next trade, and pause it there."""

    run: str
    n: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    until: Literal["trade"] | None = None


class SetPace(Command, frozen=True, kw_only=True, tag="pace"):
    """Change how fast a run takes its candles: ``max``, candles a second, or ``realtime xN``."""

    run: str
    pace: str | float


SteeringCommand: TypeAlias = Cancel | Pause | Resume | Step | SetPace
ClientMessage: TypeAlias = Subscribe | Unsubscribe | StartRun | SteeringCommand

# To clients: answers


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    """A command was carried out.

    Attributes:
        id: of the command.
        command: its type.
        result: what it led to; for ``subscribe`` the run's state and ``next_seq``, for the others the run's state.
    """

    id: int | str | None
    command: str
    result: dict[str, Any]


class ErrorMessage(msgspec.Struct, frozen=True, kw_only=True, tag="error"):
    """A command was refused; ``problem`` is what REST would have answered (``application/problem+json``)."""

    id: int | str | None
    command: str | None
    problem: dict[str, Any]


# To clients: topic ``trades``, without loss; ``seq`` rises by one from message to message of a run


class StartedMessage(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """The run's first event: what is run. ``seq`` is 0."""

    backtest_id: str
    seq: int
    strategy: str
    strategy_version: str
    parameters: dict[str, str]
    symbols: list[str]
    sources: list[str]
    synthetic: bool
    timeframe: str
    strategy_timeframe: str
    start_capital: str


class FillMessage(msgspec.Struct, frozen=True, kw_only=True, tag="fill"):
    """An order was filled; ``reason`` is ``entry`` or why it closed."""

    backtest_id: str
    seq: int
    time: str
    position: int
    symbol: str
    side: Literal["buy", "sell"]
    rule: str
    price: str
    quantity: str
    commission: str
    reason: str


class TradeMessage(msgspec.Struct, frozen=True, kw_only=True, tag="trade"):
    """A position, or a part of one, was closed; ``trade`` is as in ``completed_trades`` of the result."""

    backtest_id: str
    seq: int
    trade: TradeRow


class RejectionMessage(msgspec.Struct, frozen=True, kw_only=True, tag="rejection"):
    """An entry could not be made, and why."""

    backtest_id: str
    seq: int
    time: str
    symbol: str
    side: str
    rule: str
    price: str
    quantity: str
    reason: str


class HaltMessage(msgspec.Struct, frozen=True, kw_only=True, tag="halt"):
    """A limit was passed: ``equity`` against ``reference``, the peak or the previous day's last equity."""

    backtest_id: str
    seq: int
    time: str
    equity: str
    reference: str
    reason: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to."""

    total_trades: int
    total_pnl: str
    end_capital: str
    total_return: float
    max_drawdown: float
    sharpe_ratio: float | None
    win_rate: float | None


class EndedMessage(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The run's last event: how it ended, and what it came to.

    ``summary`` is None where the run never began or was interrupted.
    """

    backtest_id: str
    seq: int
    status: RunState
    failure: Failure | None
    candles: int
    fingerprint: str
    data_issues: list[DataIssue]
    summary: Summary | None


LosslessMessage: TypeAlias = StartedMessage | FillMessage | TradeMessage | RejectionMessage | HaltMessage | EndedMessage

# To clients: what only the newest of matters


class StateMessage(msgspec.Struct, frozen=True, kw_only=True, tag="state"):
    """The run is in another state, or at another pace. Comes with the topics ``trades`` and ``progress``."""

    backtest_id: str
    status: RunState
    pace: str
    queue_position: int | None = None


class ProgressMessage(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """Where a run stands; at most 20 a second. ``time`` is the open time of the last candle."""

    backtest_id: str
    status: RunState
    progress_pct: float
    current_capital: str
    open_positions: int
    trades_count: int
    candles: int
    total_candles: int | None
    candles_per_second: float
    time: str | None


class MetricsMessage(msgspec.Struct, frozen=True, kw_only=True, tag="metrics"):
    """The metrics so far, as in the result; at most 20 a second, the newest only."""

    backtest_id: str
    time: str | None
    metrics: MetricValues


class CandlesMessage(msgspec.Struct, frozen=True, kw_only=True, tag="candles"):
    """The newest candles of an instrument, columns of equal length; at most 20 messages a second.

    Attributes:
        first, next: how many candles the run had, of all instruments, before these and by their end. Where a run goes
            faster than can be shown, ``first`` is not the ``next`` of before: REST has the candles between.
    """

    backtest_id: str
    symbol: str
    timeframe: str
    first: int
    next: int
    time: list[str]
    open: list[str]
    high: list[str]
    low: list[str]
    close: list[str]
    volume: list[float]


class SignalOutput(msgspec.Struct, frozen=True):
    """A configured signal said something at the close of the candle that opened at ``time``."""

    time: str
    symbol: str
    signal: str
    output: str
    value: str


class SignalsMessage(msgspec.Struct, frozen=True, kw_only=True, tag="signals"):
    """What the strategy's signals said since the last such message; at most 20 messages a second.

    Attributes:
        skipped: whether outputs before these were left out, because the run goes faster than can be shown.
        outputs: other than none, oldest first.
        values: by symbol the newest value of everything numeric that the rules read, by its name in the strategy;
            None where it is not yet defined.
    """

    backtest_id: str
    skipped: bool
    outputs: list[SignalOutput]
    values: dict[str, dict[str, float | None]]


ServerMessage: TypeAlias = (
    Answer
    | ErrorMessage
    | StartedMessage
    | FillMessage
    | TradeMessage
    | RejectionMessage
    | HaltMessage
    | EndedMessage
    | StateMessage
    | ProgressMessage
    | MetricsMessage
    | CandlesMessage
    | SignalsMessage
)
