"""What a run is asked for, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sptrader_stream.events import DataIssue, Failure, Provenance, RunStatus
from sptrader_stream.execution.core import OpenPosition
from sptrader_stream.execution.records import Halt, Trade
from sptrader_stream.metrics.summary import Metrics
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.sources.contract import RESEARCH, DataPolicy, ExecutionMode
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.store.head import Bounds, Timing
from sptrader_stream.store.results import MarketTotals


class RunSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to run.

    Attributes:
        run_id: names the run.
        strategy: compiled.
        markets: what is traded, in order; at least one, all with candles of the same timeframe.
        capital: money (10^-8).
        batch_size: candles of one instrument in a batch, at most: changes speed, never results.
        folder: where journal, equity and result go; holds no other run.
        execution_mode: research, paper or live.
        data_policy: what to do about findings in the candles.
        warnings: what is to be said about the candles before one is read.
        bounds: whether the run is also made with the other ``same_bar`` policy, so that the P&L is an interval.
        shares_loop: whether the event loop has other work, which the user's own signals must not hold up: they get
            small batches, in a thread.
    """

    run_id: str
    strategy: StrategyPlan
    markets: tuple[MarketSpec, ...]
    capital: int
    batch_size: int = 8192
    folder: Path
    data_policy: DataPolicy = msgspec.field(default_factory=lambda: RESEARCH)
    execution_mode: ExecutionMode = "research"
    warnings: tuple[DataIssue, ...] = ()
    bounds: bool = False
    shares_loop: bool = False


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; everything but ``error`` stands in its folder, too.

    Attributes:
        status: how it ended.
        failure: why, where it failed; ``error`` is what was raised.
        folder: where it was recorded.
        metrics: what it came to.
        fingerprint: SHA-256 over everything that happened.
        timing: how long it took.
        issues: what was found about the candles.
        provenance: where they came from, by instrument.
        period: open times of the first and last candle; None where there was none.
        signals_generated: how many signals were generated.
        open_positions: what is open after the last candle.
        last_trades: the last few, oldest first.
        ambiguous_trades: how many trades' exits rest on an assumption.
        first_ambiguous: the ids of the first few of them.
        last_halts: the last few limits that were passed, oldest first.
        market_totals: what the trades come to by instrument, in the order of the run.
        bounds: what it came to with either ``same_bar`` policy, where that was asked for.
    """

    status: RunStatus
    failure: Failure | None
    error: BaseException | None
    folder: Path
    metrics: Metrics
    fingerprint: str
    timing: Timing
    issues: tuple[DataIssue, ...]
    provenance: tuple[Provenance, ...]
    period: tuple[int, int] | None
    signals_generated: int
    open_positions: Sequence[OpenPosition]
    last_trades: Sequence[Trade]
    ambiguous_trades: int
    first_ambiguous: Sequence[int]
    last_halts: Sequence[Halt]
    market_totals: Sequence[MarketTotals]
    bounds: Bounds | None
