"""What single operations take and give, beside the documents that REST shares with the websocket side."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.messages import LosslessMessage
from sptrader_stream.store.head import Head
from sptrader_stream.store.results import MarketRow
from sptrader_stream.store.rows import HaltRow, RejectionRow, TradeRow


class StepRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far to move a run that is then paused: one candle where nothing is said.

    Attributes:
        n: exactly so many candles; with several instruments so many timestamps.
        until: to the next trade.
    """

    n: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    until: Literal["trade"] | None = None


class PaceRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast a run is to take its candles: ``max``, candles a second, or ``realtime xN``."""

    pace: str | float


class AmbiguousTrades(msgspec.Struct, frozen=True):
    """Trades whose exits rest on an assumption: how many by its kind, and their ids."""

    same_bar: int
    gap: int
    trades: list[int]


class RunResult(Head, frozen=True, kw_only=True):
    """A run's result: what was run, how it ended, what it came to.

    Attributes:
        completed_trades: all of them, in order.
        ambiguous_trades: those whose exits rest on an assumption.
        rejections: entries that could not be made.
        halts: limits that were passed.
        markets: what the trades come to by instrument.
    """

    completed_trades: list[TradeRow]
    ambiguous_trades: AmbiguousTrades
    rejections: list[RejectionRow]
    halts: list[HaltRow]
    markets: list[MarketRow]


class TradePage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a run's trades in their order, as in ``completed_trades`` of its result.

    Attributes:
        trades: those from ``offset`` on.
        total: how many there are, so far.
        offset, limit: as asked for.
    """

    trades: list[TradeRow]
    total: int
    offset: int
    limit: int


class EquityPage(msgspec.Struct, frozen=True, kw_only=True):
    """A run's equity where it changed, as columns of equal length; between two points it stays.

    Where there are more changes than points were asked for, the lowest, the highest, the deepest drawdown and the
    last of each group of changes are left. The change before ``from`` comes first.

    Attributes:
        backtest_id: of the run.
        start_capital: exact decimal text, what the run began with.
        changes: how many there are in the range, so far.
        time: RFC 3339.
        equity: exact decimal text.
        drawdown: from the highest equity before, a fraction, not above zero.
    """

    backtest_id: str
    start_capital: str
    changes: int
    time: list[str]
    equity: list[str]
    drawdown: list[float]


class CandlePage(msgspec.Struct, frozen=True, kw_only=True):
    """The candles of a run up to where it stands, as columns of equal length, in a timeframe in which they fit.

    Attributes:
        backtest_id: of the run.
        symbol: the instrument.
        timeframe: of these candles.
        data_timeframe: of those that the run takes.
        time: when each opens, RFC 3339.
        open, high, low, close: exact decimal text.
        volume: in the units of the source.
    """

    backtest_id: str
    symbol: str
    timeframe: str
    data_timeframe: str
    time: list[str]
    open: list[str]
    high: list[str]
    low: list[str]
    close: list[str]
    volume: list[float]


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lossless events of a run, as the websocket sends them.

    Attributes:
        backtest_id: of the run.
        events: in order of ``seq``.
        next_seq: what to ask for next, as ``from_seq``.
        is_complete: whether the run is over and these were its last events.
    """

    backtest_id: str
    events: list[LosslessMessage]
    next_seq: int
    is_complete: bool


class StrategyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy in the list.

    Attributes:
        name: as its file states it; what a run is started with.
        file: its file's name; what it is read and saved by.
        description, version, author: as the file says; empty for one that is not valid.
        symbol, timeframe: its defaults.
        parameters: their values, as text.
        valid: whether it can be run.
        findings: how many things are wrong in it.
        etag: the version of the file.
    """

    name: str
    file: str
    description: str
    version: str
    author: str
    symbol: str | None
    timeframe: str | None
    parameters: dict[str, str]
    valid: bool
    findings: int
    etag: str


class StrategyList(msgspec.Struct, frozen=True, kw_only=True):
    """All strategies, sorted by file."""

    strategies: list[StrategyEntry]


class StrategyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy file.

    Attributes:
        name: as the file states it.
        file: the file's name.
        text: what it says.
        etag: its version, as in the header ``ETag``.
        valid: whether it can be run.
        findings: what is wrong in it.
        parameters: their values, as text; empty for one that is not valid.
    """

    name: str
    file: str
    text: str
    etag: str
    valid: bool
    findings: list[FieldProblem]
    parameters: dict[str, str]


class StrategySave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A strategy's whole text, YAML."""

    text: str


class StrategyCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to check: a text, or the strategy of a name."""

    text: str | None = None
    name: str | None = None


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a strategy: everything, in the order of the file.

    Attributes:
        valid: whether it can be run.
        name: as it states it; None for one that is not valid.
        findings: each with the line and the path of the key.
        parameters: their values, as text; empty for one that is not valid.
    """

    valid: bool
    name: str | None
    findings: list[FieldProblem]
    parameters: dict[str, str]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The server answers."""

    status: Literal["live", "ready"]
    version: str
