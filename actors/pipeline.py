"""The wiring of one run: the actors, the topics between them, and what happens when one of them fails or is stopped.

    candle_feed ──▶ signal_engine ──▶ rule_matcher ──▶ position_manager ──▶ metrics ──▶ recorder ──▶ log
         └──────────────────────────────────────────────────▲

A run ends through its feed alone: when the source is at its end, when the run is cancelled, or when an actor has
failed, the feed stops and closes its topic, and every actor behind it finishes what it still gets. So what was
recorded is always whole batches, and nothing has to be thrown away.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import trio

from actors.candle_feed import CandleFeed
from actors.metrics import metrics
from actors.position_manager import position_manager
from actors.recorder import recorder
from actors.rule_matcher import rule_matcher
from actors.signal_engine import signal_engine
from sptrader_stream.errors import ActorError
from sptrader_stream.events import (
    Candles,
    DataIssue,
    Decisions,
    Executions,
    Failure,
    LogEvent,
    Progress,
    Reports,
    RunStarted,
    RunStatus,
    Signals,
)
from sptrader_stream.execution.core import OpenPosition, PositionCore
from sptrader_stream.execution.records import Trade
from sptrader_stream.instruments import Instrument
from sptrader_stream.kernels import LOADING, load_ready
from sptrader_stream.metrics.core import MetricsCore
from sptrader_stream.metrics.summary import Metrics
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.rules.settings import execution_settings
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.sources.contract import RESEARCH, DataPolicy
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.source import CandleSource
from sptrader_stream.store.recording import Recording
from sptrader_stream.store.results import Ending, Timing, write_result
from sptrader_stream.timeframes import parse_timeframe
from sptrader_stream.topics import Inbox, Topic

Clock = Callable[[], float]

_LAST_TRADES = 10
# A channel holds about this many candles, so that small batches do not switch tasks at every step and large ones do
# not pile up.
_CANDLES_WAITING = 16_384
_MOST_FRAMES_WAITING = 64


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


class Run:
    """One run: made, executed once, cancelled at any time.

    Attributes:
        spec: what is run.
        log: the run's events as they are recorded; subscribe before ``execute``.

    Raises:
        UserError: strategy, instrument and capital do not go together; nothing was written.
    """

    def __init__(self, spec: RunSpec, *, clock: Clock = time.perf_counter, started: float | None = None) -> None:
        """Make a run.

        Args:
            spec: what to run.
            clock: monotonic seconds, for the timing in the result.
            started: when the command that leads to this run began, by that clock.
        """
        self.spec = spec
        self._clock = clock
        self._started = clock() if started is None else started
        self._capacity = max(1, min(_MOST_FRAMES_WAITING, _CANDLES_WAITING // spec.batch_size))
        self.log: Topic[LogEvent] = Topic(cast("type[LogEvent]", LogEvent), self._capacity)
        self._failure: ActorError | None = None
        self._feeding = trio.CancelScope()
        plan, instrument = spec.strategy, spec.instrument
        folder = None if plan.signals_folder is None else Path(plan.signals_folder)
        self._signals = SignalEngine(plan.operands, plan.signals, instrument.price_precision, folder)
        self._rules = RuleMatcher(plan)
        self._positions = PositionCore(execution_settings(plan, instrument, spec.capital))
        self._metrics = MetricsCore(spec.capital, parse_timeframe(spec.source.info.timeframe))
        self._intake = Intake(spec.source, instrument, spec.data_policy)
        self._feed = CandleFeed(
            ready_chunks(spec.source, self._intake),
            spec.batch_size,
            blocking=spec.source.info.kind in ("parquet", "csv"),
            clock=clock,
        )

    def cancel(self) -> None:
        """Stop within a batch; what was done is kept."""
        self._feeding.cancel()

    async def execute(self) -> RunOutcome:
        """Run to the end, whatever that is; a failing actor is an outcome, not an exception.

        Raises:
            OSError: the folder cannot be written.
        """
        load_ready()
        begun, loading = self._clock(), LOADING.seconds
        started = self._describe()
        with Recording(self.spec.folder, started) as recording:
            try:
                await self._work(recording)
            finally:
                # Synchronous, so that a run that is cancelled from outside has its result, too.
                outcome = self._finish(recording, started, begun, loading)
        return outcome

    async def _work(self, recording: Recording) -> None:
        candles = Topic(Candles, self._capacity)
        signals = Topic(Signals, self._capacity)
        decisions = Topic(Decisions, self._capacity)
        executions = Topic(Executions, self._capacity)
        reports = Topic(Reports, self._capacity)

        candles_to_signals, candles_to_positions = candles.subscribe(), candles.subscribe()
        to_rules, to_positions = signals.subscribe(), decisions.subscribe()
        to_metrics, to_recorder = executions.subscribe(), reports.subscribe()

        with self.log:
            async with trio.open_nursery() as nursery:

                def start(name: str, work: Awaitable[None], *inboxes: Inbox[Any]) -> None:
                    nursery.start_soon(self._supervise, name, work, inboxes)

                start("signal_engine", signal_engine(self._signals, candles_to_signals, signals), candles_to_signals)
                start("rule_matcher", rule_matcher(self._rules, to_rules, decisions), to_rules)
                start(
                    "position_manager",
                    position_manager(self._positions, candles_to_positions, to_positions, executions),
                    candles_to_positions,
                    to_positions,
                )
                start("metrics", metrics(self._metrics, to_metrics, reports), to_metrics)
                start("recorder", recorder(recording, to_recorder, self.log), to_recorder)
                await self._supervise_feed(candles)

    async def _supervise(self, name: str, work: Awaitable[None], inboxes: Sequence[Inbox[Any]]) -> None:
        """Let an actor work to the end of its inboxes; if it fails, remember that and stop the feed."""
        try:
            with trio.CancelScope(shield=True):
                await work
        except Exception as error:
            self._fail(name, inboxes[0].candle, error)
        finally:
            for inbox in inboxes:
                inbox.close()

    async def _supervise_feed(self, candles: Topic[Candles]) -> None:
        try:
            with self._feeding:
                await self._feed.run(candles)
        except Exception as error:
            self._fail("candle_feed", self._feed.candle, error)
        if self._feed.failure is not None:
            self._fail("candle_feed", self._feed.candle, self._feed.failure)

    def _fail(self, actor: str, candle: int, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        if self._failure is None:
            self._failure = ActorError(actor, candle, error)
        self._feeding.cancel()

    def _describe(self) -> RunStarted:
        spec, plan, info = self.spec, self.spec.strategy, self.spec.source.info
        return RunStarted(
            run_id=spec.run_id,
            strategy=plan.name,
            strategy_version=plan.version,
            strategy_digest=plan.digest,
            parameters=dict(plan.parameters),
            symbol=info.symbol,
            timeframe=info.timeframe,
            source=info.name,
            synthetic=info.synthetic,
            start_capital=spec.capital,
            price_precision=spec.instrument.price_precision,
            quantity_precision=spec.instrument.quantity_precision,
            entry_rules=[rule.name for rule in plan.entries],
        )

    def _finish(self, recording: Recording, started: RunStarted, begun: float, loading: float) -> RunOutcome:
        failed = self._failure
        status: RunStatus = "completed"
        failure = None
        if failed is not None:
            status = "failed"
            cause = failed.cause
            shown = str(cause) if isinstance(cause, Exception) and str(cause) else type(cause).__name__
            failure = Failure(failed.actor, failed.candle, shown)
        elif not self._feed.finished:
            status = "cancelled"
        issues = self._intake.issues()
        found = self._metrics.result()
        ended = recording.end(status, failure, issues, self._metrics.equity_checksum)
        loaded = LOADING.seconds - loading
        elapsed = self._clock() - begun - loaded
        # A cold kernel cache compiles in the reading thread, too, and makes the wait longer than the rest.
        working = elapsed - self._feed.waited if elapsed > self._feed.waited else elapsed
        last = recording.progress
        period = None if recording.first_time is None or last is None else (recording.first_time, last.time)
        timing = Timing(
            candles=found.candles,
            startup_s=begun - self._started + loaded,
            run_s=elapsed,
            source_wait_s=self._feed.waited,
            candles_per_second=found.candles / working,
        )
        open_positions = self._positions.open_positions()
        ending = Ending(
            metrics=found,
            generated=recording.generated,
            period=period,
            open_positions=open_positions,
            timing=timing,
        )
        last_trades = write_result(self.spec.folder, started, ended, ending, _LAST_TRADES)
        return RunOutcome(
            status=status,
            failure=failure,
            error=None if failed is None else failed.cause,
            folder=self.spec.folder,
            metrics=found,
            fingerprint=ended.fingerprint,
            timing=timing,
            issues=issues,
            period=period,
            signals_generated=recording.generated,
            open_positions=open_positions,
            last_trades=last_trades,
        )


def run_blocking(
    spec: RunSpec,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    clock: Clock = time.perf_counter,
    started: float | None = None,
) -> RunOutcome:
    """Execute a run in an event loop of its own; Ctrl-C cancels it.

    Args:
        spec: what to run.
        on_progress: called after every batch with where the run stands.
        clock: monotonic seconds.
        started: when the command began, by that clock.
    """
    run = Run(spec, clock=clock, started=started)

    async def watch(log: Inbox[LogEvent], show: Callable[[Progress], None]) -> None:
        with log:
            async for event in log:
                if isinstance(event, Progress):
                    show(event)

    async def main() -> RunOutcome:
        async with trio.open_nursery() as nursery:
            if on_progress is not None:
                nursery.start_soon(watch, run.log.subscribe(), on_progress)
            if threading.current_thread() is not threading.main_thread():
                return await run.execute()
            # Opened before anything is written, so that no interrupt finds a run that it could only break off.
            with trio.open_signal_receiver(signal.SIGINT) as interrupts:
                nursery.start_soon(_cancel_on_first, interrupts, run)
                outcome = await run.execute()
                nursery.cancel_scope.cancel()
        return outcome

    return trio.run(main)


async def _cancel_on_first(interrupts: AsyncIterator[int], run: Run) -> None:
    await anext(interrupts)
    run.cancel()
