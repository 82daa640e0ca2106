"""One run from its specification to its outcome: makes the cores, lets the pipeline work, writes the result."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import trio

from actors.candle_feed import CandleFeed
from actors.pipeline import Pipeline, frames_waiting
from actors.spec import RunOutcome, RunSpec
from sptrader_stream.errors import innermost
from sptrader_stream.events import LogEvent, Progress, RunEnded, RunStarted, RunStatus
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.kernels import LOADING, load_ready
from sptrader_stream.metrics.core import MetricsCore
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.rules.settings import execution_settings
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.store.recording import Recording
from sptrader_stream.store.results import Ending, Timing, write_result
from sptrader_stream.timeframes import parse_timeframe
from sptrader_stream.topics import Inbox, Topic

Clock = Callable[[], float]

_LAST_TRADES = 10


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
        self._capacity = frames_waiting(spec.batch_size)
        self.log: Topic[LogEvent] = Topic(cast("type[LogEvent]", LogEvent), self._capacity)
        plan, instrument = spec.strategy, spec.instrument
        folder = None if plan.signals_folder is None else Path(plan.signals_folder)
        self._intake = Intake(spec.source, instrument, spec.data_policy)
        self._pipeline = Pipeline(
            CandleFeed(
                ready_chunks(spec.source, self._intake),
                spec.batch_size,
                blocking=spec.source.info.kind in ("parquet", "csv"),
                clock=clock,
            ),
            SignalEngine(plan.operands, plan.signals, instrument.price_precision, folder),
            RuleMatcher(plan),
            PositionCore(execution_settings(plan, instrument, spec.capital)),
            MetricsCore(spec.capital, parse_timeframe(spec.source.info.timeframe)),
        )

    def cancel(self) -> None:
        """Stop within a batch; what was done is kept."""
        self._pipeline.cancel()

    async def execute(self) -> RunOutcome:
        """Run to the end, whatever that is; a failing actor is an outcome, not an exception.

        Raises:
            StorageError: the result cannot be written.
        """
        load_ready()
        begun, loading = self._clock(), LOADING.seconds
        started = self._describe()
        with Recording(self.spec.folder, started) as recording, self.log:
            await self.log.publish(started)
            try:
                await self._pipeline.run(recording, self.log, self._capacity)
            finally:
                # A run that is cancelled from outside has its result, too.
                with trio.CancelScope(shield=True):
                    ended, ending = self._end(recording, begun, loading)
                    await self.log.publish(ended)
                    last_trades = await trio.to_thread.run_sync(
                        write_result, self.spec.folder, started, ended, ending, _LAST_TRADES
                    )
        return RunOutcome(
            status=ended.status,
            failure=ended.failure,
            error=self._pipeline.error,
            folder=self.spec.folder,
            metrics=ending.metrics,
            fingerprint=ended.fingerprint,
            timing=ending.timing,
            issues=ended.issues,
            period=ending.period,
            signals_generated=ending.generated,
            open_positions=ending.open_positions,
            last_trades=last_trades,
        )

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

    def _end(self, recording: Recording, begun: float, loading: float) -> tuple[RunEnded, Ending]:
        pipeline = self._pipeline
        status: RunStatus = "completed"
        if pipeline.failure is not None:
            status = "failed"
        elif not pipeline.feed.finished:
            status = "cancelled"
        found = pipeline.metrics.result()
        ended = recording.end(status, pipeline.failure, self._intake.issues(), pipeline.metrics.equity_checksum)
        loaded = LOADING.seconds - loading
        elapsed = self._clock() - begun - loaded
        # A cold kernel cache compiles in the reading thread, too, and makes the wait longer than the rest.
        working = elapsed - pipeline.feed.waited if elapsed > pipeline.feed.waited else elapsed
        last = recording.progress
        return ended, Ending(
            metrics=found,
            generated=recording.generated,
            period=None if recording.first_time is None or last is None else (recording.first_time, last.time),
            open_positions=pipeline.positions.open_positions(),
            timing=Timing(
                candles=found.candles,
                startup_s=begun - self._started + loaded,
                run_s=elapsed,
                source_wait_s=pipeline.feed.waited,
                candles_per_second=found.candles / working,
            ),
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
        # Opened before anything is written, so that no interrupt finds a run that it could only break off.
        with _interrupts() as interrupts:
            async with trio.open_nursery() as listening:
                if interrupts is not None:
                    listening.start_soon(_cancel_on_interrupt, interrupts, run)
                async with trio.open_nursery() as nursery:
                    if on_progress is not None:
                        nursery.start_soon(watch, run.log.subscribe(), on_progress)
                    outcome = await run.execute()
                listening.cancel_scope.cancel()
        return outcome

    try:
        return trio.run(main)
    except BaseExceptionGroup as group:
        raise innermost(group) from None


@contextmanager
def _interrupts() -> Iterator[AsyncIterator[int] | None]:
    """Receive Ctrl-C; nothing where this is not the main thread, which alone can."""
    if threading.current_thread() is not threading.main_thread():
        yield None
        return
    with trio.open_signal_receiver(signal.SIGINT) as received:
        yield received


async def _cancel_on_interrupt(interrupts: AsyncIterator[int], run: Run) -> None:
    async for _ in interrupts:
        run.cancel()
