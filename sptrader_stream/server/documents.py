"""What REST takes and gives: requests and answers as Structs, which the OpenAPI page describes.

Amounts are exact decimal text, times RFC 3339.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from sptrader_stream.events import DataIssue, Failure
from sptrader_stream.sources.contract import ExecutionMode
from sptrader_stream.store.head import MetricValue

RunState = Literal["queued", "running", "paused", "completed", "cancelled", "failed", "interrupted"]
# A run in one of these does nothing any more.
ENDED: Final[frozenset[RunState]] = frozenset({"completed", "cancelled", "failed", "interrupted"})

MetricValues = dict[str, MetricValue]


class RunRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to run.

    Attributes:
        strategy_name: as its file states it, or the file's name.
        symbol: what to trade, several as a list; by default the strategy's own.
        timeframe: of the candles, such as ``1h``; by default the strategy's own, else that of the data.
        start_date, end_date: the first and the last open time; a date as the end is the whole day.
        initial_capital: above zero; a number or decimal text.
        parameters: values for the strategy's parameters; numbers of more than 15 digits as text.
        data: where candles come from: ``synthetic``, ``catalog``, ``database``, ``http`` for the market-data server, or
            the name of a file of this server; or one of them for each symbol; by default what this server finds.
        pace: ``max``, candles a second, or ``realtime xN``.
        execution_mode: how strict to be with the candles.
    """

    strategy_name: Annotated[str, Meta(min_length=1, max_length=200)]
    symbol: str | list[str] | None = None
    timeframe: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    initial_capital: Decimal = Decimal(10_000)
    parameters: dict[str, bool | int | float | str] = msgspec.field(default_factory=dict)
    data: str | dict[str, str] | None = None
    pace: str | float = "max"
    execution_mode: ExecutionMode = "research"


class RunLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on from a run; paths on this server, ``progress`` by websocket."""

    status: str
    results: str
    trades: str
    equity: str
    candles: str
    events: str
    progress: str
    cancel: str


class RunAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """A run was taken on."""

    backtest_id: str
    status: RunState
    links: RunLinks


class RunStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands.

    Attributes:
        backtest_id: names the run.
        status: ``queued``, ``running``, ``paused``; and ended: ``completed``, ``cancelled``, ``failed`` or
            ``interrupted``, by the end of the server.
        strategy, strategy_version: what is run.
        symbols, timeframe, sources: on which candles; ``synthetic`` where any of them are made up.
        execution_mode: as asked for.
        created_at, started_at, ended_at: by this server's clock.
        queue_position: 1 for the next to start; None where the run does not wait.
        pace: how fast candles are taken.
        progress_pct: 0 to 100.
        start_capital, current_capital: equity at the beginning, and after the last candle.
        open_positions, trades_count: so far.
        candles, total_candles: how many were taken, and how many there will be, where that is known.
        candles_per_second: over the last moments; at the end over the whole run.
        time: open time of the last candle.
        next_seq: the sequence number that the next lossless event will have.
        failure: why the run failed.
        fingerprint: of a run that has ended.
        data_issues: what was found about the candles, once the run has ended.
    """

    backtest_id: str
    status: RunState
    strategy: str
    strategy_version: str
    symbols: list[str]
    timeframe: str
    sources: list[str]
    synthetic: bool
    execution_mode: ExecutionMode
    created_at: str
    started_at: str | None
    ended_at: str | None
    queue_position: int | None
    pace: str
    progress_pct: float
    start_capital: str
    current_capital: str
    open_positions: int
    trades_count: int
    candles: int
    total_candles: int | None
    candles_per_second: float
    time: str | None
    next_seq: int
    failure: Failure | None
    fingerprint: str | None
    data_issues: list[DataIssue]


class RunList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of runs, the newest first; ``total`` is how many match."""

    runs: list[RunStatus]
    total: int
    offset: int
    limit: int


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong: where (``path``, and ``line`` of a file), and what."""

    path: str
    message: str
    line: int | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Any error, as ``application/problem+json`` (RFC 9457); ``code`` is for programs."""

    title: str
    status: int
    detail: str
    code: str
    type: str = "about:blank"
    instance: str | None = None
    errors: list[FieldProblem] = msgspec.field(default_factory=list)
