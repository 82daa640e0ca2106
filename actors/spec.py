"""What a run is asked for, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sptrader_stream.events import DataIssue, Failure, RunStatus
from sptrader_stream.execution.core import OpenPosition
from sptrader_stream.execution.records import Trade
from sptrader_stream.instruments import Instrument
from sptrader_stream.metrics.summary import Metrics
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.sources.contract import RESEARCH, DataPolicy
from sptrader_stream.sources.source import CandleSource
from sptrader_stream.store.results import Timing


class RunSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to run.

    Attributes:
        run_id: names the run.
        strategy: compiled.
        source: where the candles come from.
        instrument: what they are candles of.
        capital: money (10^-8).
        batch_size: candles in a batch, at most: changes speed, never results.
        folder: where journal, equity and result go; holds no other run.
        data_policy: what to do about findings in the candles.
    """

    run_id: str
    strategy: StrategyPlan
    source: CandleSource
    instrument: Instrument
    capital: int
    batch_size: int = 8192
    folder: Path
    data_policy: DataPolicy = msgspec.field(default_factory=lambda: RESEARCH)


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
        period: open times of the first and last candle; None where there was none.
        signals_generated: how many signals were generated.
        open_positions: what is open after the last candle.
        last_trades: the last few, oldest first.
    """

    status: RunStatus
    failure: Failure | None
    error: BaseException | None
    folder: Path
    metrics: Metrics
    fingerprint: str
    timing: Timing
    issues: tuple[DataIssue, ...]
    period: tuple[int, int] | None
    signals_generated: int
    open_positions: Sequence[OpenPosition]
    last_trades: Sequence[Trade]
