"""One run from its specification to its outcome: makes the cores, lets the pipeline work, writes the result."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

import msgspec
import trio

from actors.candle_feed import CandleFeed
from actors.describe import check_spreads, data_timeframe, describe, provenance_of, span
from actors.pipeline import Pipeline, Portfolio, frames_waiting
from actors.playback import Playback
from actors.spec import RunOutcome, RunSpec
from actors.turns import Turns
from sptrader_stream.errors import innermost
from sptrader_stream.events import LogEvent, Progress, RunEnded, RunStatus
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.execution.settings import ExecutionSettings
from sptrader_stream.kernels import LOADING, load_ready
from sptrader_stream.metrics.core import MetricsCore
from sptrader_stream.metrics.summary import Metrics
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.rules.plan import has_own_signals
from sptrader_stream.rules.settings import execution_settings
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.source import StoppableSource
from sptrader_stream.store.head import Bounds, Ending, Timing, make_head
from sptrader_stream.store.recording import Recording
from sptrader_stream.store.results import Written, write_head, write_result
from sptrader_stream.topics import Topic

Clock = Callable[[], float]
ResultWriter = Callable[[Path, int], Awaitable[Written]]

_FEW = 10
# Python works on a candle for up to a millisecond; nothing of it can be stopped within a batch.
_OWN_SIGNALS_BATCH = 64


async def write_in_thread(folder: Path, few: int) -> Written:
    """Write a run's result; see ``store.results.write_result``."""
    return await trio.to_thread.run_sync(write_result, folder, few)


class Run:
    """One run: made, executed once, cancelled at any time.

    Attributes:
        spec: what is run.
        playback: in whose hands the run's time is.
        span: open times of the first and last candle, nanoseconds since 1970; None where the sources do not know.
        log: the run's events as they are recorded; subscribe before ``execute``, or tap it.
        candles, signals: what the feed and the signal engine publish, to be tapped at any time.

    Raises:
        UserError: strategy, instruments, candles and capital do not go together; nothing was written.
    """

    def __init__(
        self,
        spec: RunSpec,
        *,
        playback: Playback | None = None,
        turns: Turns | None = None,
        write_result: ResultWriter = write_in_thread,
        clock: Clock = time.perf_counter,
        started: float | None = None,
    ) -> None:
        """Make a run.

        Args:
            spec: what to run.
            playback: in whose hands the run's time is; by default it goes as fast as can be.
            turns: shared with the other runs of the event loop; None where there are none.
            write_result: writes the result, once everything that it is made of is in the run's folder.
            clock: monotonic seconds, for the timing in the result.
            started: when the command that leads to this run began, by that clock.
        """
        self.spec = spec
        self._clock = clock
        self._write = write_result
        self._started = clock() if started is None else started
        self.playback = Playback() if playback is None else playback
        apart = spec.shares_loop and has_own_signals(spec.strategy)
        batch_size = min(spec.batch_size, _OWN_SIGNALS_BATCH) if apart else spec.batch_size
        # What waits for the user's own signals has to be worked off when the run is cancelled.
        capacity = 1 if apart else frames_waiting(batch_size * max(1, len(spec.markets)))
        self.log: Topic[LogEvent] = Topic(cast("type[LogEvent]", LogEvent), capacity)
        plan, timeframe = spec.strategy, data_timeframe(spec)
        instruments = [market.instrument for market in spec.markets]
        self._settings = execution_settings(plan, instruments, timeframe, spec.capital)
        check_spreads(spec, self._settings)
        self._intakes = [Intake(each.source, each.instrument, spec.data_policy) for each in spec.markets]
        self._pipeline = Pipeline(
            CandleFeed(
                [ready_chunks(each.source, intake) for each, intake in zip(spec.markets, self._intakes, strict=True)],
                batch_size,
                stop=self._stop_sources,
                blocking=any(each.source.info.kind != "synthetic" for each in spec.markets),
                clock=clock,
                playback=self.playback,
                turns=turns,
            ),
            SignalEngine(plan, instruments, timeframe),
            RuleMatcher(plan, instruments),
            _portfolio(self._settings),
            _portfolio(_with_other_policy(self._settings)) if spec.bounds else None,
            self.playback,
            capacity,
            in_thread=apart,
        )
        self.span = span(spec)
        self.candles = self._pipeline.candles
        self.signals = self._pipeline.signal_columns

    def metrics(self) -> Metrics:
        """What the run comes to so far."""
        return self._pipeline.portfolio.metrics.result()

    def cancel(self) -> None:
        """Stop within a batch; what was done is kept."""
        self._pipeline.cancel()

    def _stop_sources(self) -> None:
        for each in self.spec.markets:
            if isinstance(each.source, StoppableSource):
                each.source.stop()

    async def execute(self) -> RunOutcome:
        """Run to the end, whatever that is; a failing actor is an outcome, not an exception.

        Raises:
            StorageError: the result cannot be written.
        """
        load_ready()
        begun, loading = self._clock(), LOADING.seconds
        started = describe(self.spec)
        with Recording(self.spec.folder, started) as recording, self.log:
            await self.log.publish(started)
            try:
                await self._pipeline.run(recording, self.log)
            finally:
                # A run that is cancelled from outside has its result, too.
                with trio.CancelScope(shield=True):
                    ended, ending = self._end(recording, begun, loading)
                    head = make_head(started, ended, ending)
                    await trio.to_thread.run_sync(write_head, self.spec.folder, head)
                    await self.log.publish(ended)
                    written = await self._write(self.spec.folder, _FEW)
        return RunOutcome(
            status=ended.status,
            failure=ended.failure,
            error=self._pipeline.error,
            folder=self.spec.folder,
            metrics=ending.metrics,
            fingerprint=ended.fingerprint,
            timing=ending.timing,
            issues=ended.issues,
            provenance=ended.provenance,
            period=ending.period,
            signals_generated=ending.generated,
            open_positions=ending.open_positions,
            last_trades=written.last_trades,
            ambiguous_trades=ending.metrics.same_bar_trades + ending.metrics.gap_trades,
            first_ambiguous=written.ambiguous,
            last_halts=written.last_halts,
            market_totals=written.markets,
            bounds=ending.bounds,
        )

    def _end(self, recording: Recording, begun: float, loading: float) -> tuple[RunEnded, Ending]:
        pipeline = self._pipeline
        status: RunStatus = "completed"
        if pipeline.failure is not None:
            status = "failed"
        elif not pipeline.feed.finished:
            status = "cancelled"
        positions, metrics = pipeline.portfolio
        found = metrics.result()
        issues = (*self.spec.warnings, *(issue for intake in self._intakes for issue in intake.issues()))
        last = recording.progress
        seen = pipeline.feed.seen(None if last is None else last.time)
        provenance = tuple(map(provenance_of, self.spec.markets, seen))
        ended = recording.end(status, pipeline.failure, issues, metrics.equity_checksum, provenance)
        loaded = LOADING.seconds - loading
        elapsed = self._clock() - begun - loaded
        # A cold kernel cache compiles in the reading thread, too, and makes the wait longer than the rest.
        working = elapsed - pipeline.feed.waited if elapsed > pipeline.feed.waited else elapsed
        return ended, Ending(
            metrics=found,
            bounds=self._bounds(found),
            generated=recording.generated,
            period=None if recording.first_time is None or last is None else (recording.first_time, last.time),
            open_positions=positions.open_positions(),
            timing=Timing(
                candles=found.candles,
                startup_s=begun - self._started + loaded,
                run_s=elapsed,
                source_wait_s=pipeline.feed.waited,
                candles_per_second=found.candles / working,
            ),
        )

    def _bounds(self, found: Metrics) -> Bounds | None:
        if self._pipeline.other is None:
            return None
        other = self._pipeline.other.metrics.result()
        return Bounds(found, other) if self._settings.same_bar == "stop_first" else Bounds(other, found)


def _portfolio(settings: ExecutionSettings) -> Portfolio:
    metrics = MetricsCore(settings.start_capital, settings.timeframe, settings.session)
    return Portfolio(PositionCore(settings), metrics)


def _with_other_policy(settings: ExecutionSettings) -> ExecutionSettings:
    other = "target_first" if settings.same_bar == "stop_first" else "stop_first"
    return msgspec.structs.replace(settings, same_bar=other)


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
    if on_progress is None:
        return execute_blocking(run)
    log = run.log.subscribe()

    async def watch() -> None:
        with log:
            async for event in log:
                if isinstance(event, Progress):
                    on_progress(event)

    return execute_blocking(run, watch)


class Executable(Protocol):
    """A run, or what holds one."""

    def cancel(self) -> None:
        """End it; what was done is kept."""
        ...

    async def execute(self) -> RunOutcome:
        """Run to the end."""
        ...


def execute_blocking(run: Executable, beside: Callable[[], Awaitable[None]] | None = None) -> RunOutcome:
    """Execute a run in an event loop of its own; Ctrl-C cancels it.

    Args:
        run: what to execute.
        beside: what is done in the same loop meanwhile; it has to end once the run has.
    """

    async def main() -> RunOutcome:
        # Opened before anything is written, so that no interrupt finds a run that it could only break off.
        with _interrupts() as interrupts:
            async with trio.open_nursery() as listening:
                if interrupts is not None:
                    listening.start_soon(_cancel_on_interrupt, interrupts, run)
                async with trio.open_nursery() as nursery:
                    if beside is not None:
                        nursery.start_soon(beside)
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


async def _cancel_on_interrupt(interrupts: AsyncIterator[int], run: Executable) -> None:
    async for _ in interrupts:
        run.cancel()
