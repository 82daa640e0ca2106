"""One run as the server holds it: its state, what it tells of itself, and what can be done with it.

A handle is fed with the frames of its run's log, synchronously, so that nobody who watches can hold the run up; what
is told is put together when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, cast

import msgspec
import trio

from actors.run import Run
from sptrader_stream.events import (
    Failure,
    LogEvent,
    Progress,
    Records,
    RunEnded,
    RunStarted,
    decoder,
)
from sptrader_stream.metrics.summary import METRICS, Metrics
from sptrader_stream.pace import Pace
from sptrader_stream.server.documents import ENDED, RunRequest, RunState, RunStatus
from sptrader_stream.server.log.event_log import EventLog
from sptrader_stream.server.log.summary import summary_of_metrics
from sptrader_stream.server.messages import EndedMessage, MetricsMessage, ProgressMessage, StateMessage
from sptrader_stream.server.request_errors import StateConflictError
from sptrader_stream.server.runs.progress import RunProgress
from sptrader_stream.server.runs.status import moment_text
from sptrader_stream.store.head import metric_values
from sptrader_stream.timeframes import format_time

_DECODE: Final = decoder(cast("type[LogEvent]", LogEvent)).decode
_LIVE_METRICS: Final = tuple(name for name, info in METRICS.items() if info.unit != "series")

OnChange = Callable[["RunHandle"], None]


class RunHandle:
    """A run: waiting, under way or over.

    Attributes:
        id: names the run and its folder.
        folder: where it is recorded.
        request: what was asked for; None for a run of the command line.
        log: its lossless events, for those who watch.
        live: the run itself, until it has ended; None for one that ended before this server started.
        started: the first event, once there is one.
        version: rises whenever state, progress or metrics may be others than before.
        queue_position: 1 for the next to start; None where the run does not wait.
        interrupting: whether the run is being ended because the server is.
    """

    def __init__(
        self,
        status: RunStatus,
        folder: Path,
        request: RunRequest | None,
        log: EventLog,
        *,
        live: Run | None,
        on_change: OnChange,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        """Hold a run.

        Args:
            status: where it stands.
            folder, request, log, live: see the attributes.
            on_change: called when anything has changed.
            clock: monotonic seconds.
            now: the time of day.
        """
        self.id = status.backtest_id
        self.folder = folder
        self.request = request
        self.log = log
        self.live = live
        self.started: RunStarted | None = None
        self.version = 0
        self.queue_position: int | None = None
        self.interrupting = False
        self._status = status
        self._on_change = on_change
        self._now = now
        self._progress = RunProgress(status.total_candles, clock)
        self._metrics: Metrics | None = None
        self._has_ended = trio.Event()
        self._is_written = trio.Event()
        if status.status in ENDED:
            self._has_ended.set()
            self._is_written.set()

    @property
    def state(self) -> RunState:
        """Where the run is in its life."""
        if self._status.status == "running" and self.live is not None and self.live.playback.is_paused:
            return "paused"
        return self._status.status

    @property
    def is_over(self) -> bool:
        """Whether the run does nothing any more."""
        return self._status.status in ENDED

    @property
    def has_begun(self) -> bool:
        """Whether the run has left the queue."""
        return self._status.started_at is not None

    @property
    def is_at_full_speed(self) -> bool:
        """Whether the run is under way and takes all the time it gets."""
        return self.state == "running" and self.live is not None and self.live.playback.pace.kind == "max"

    # What is done with it

    def pause(self) -> None:
        """Stop at a candle.

        Raises:
            StateConflictError: the run is over.
        """
        self._controlled("paused").playback.pause()

    def resume(self) -> None:
        """Go on.

        Raises:
            StateConflictError: the run is over.
        """
        self._controlled("resumed").playback.resume()

    def step(self, candles: int) -> None:
        """Go on by so many candles and stop there.

        Raises:
            StateConflictError: the run is over.
        """
        self._controlled("stepped").playback.step(candles)

    def step_to_trade(self) -> None:
        """Go on to the next trade and stop there.

        Raises:
            StateConflictError: the run is over.
        """
        self._controlled("stepped").playback.step_to_trade()

    def set_pace(self, pace: Pace) -> None:
        """Take candles faster or slower.

        Raises:
            StateConflictError: the run is over.
        """
        self._controlled("given another pace").playback.set_pace(pace)

    def cancel(self) -> None:
        """End the run; what it did is kept.

        Raises:
            StateConflictError: the run is over.
        """
        self._controlled("cancelled").cancel()

    def _controlled(self, participle: str) -> Run:
        if self.live is None or self.is_over:
            raise StateConflictError(f"run {self.id} is {self.state}: it cannot be {participle} any more")
        return self.live

    async def wait_ended(self) -> None:
        """Wait until the run is over."""
        await self._has_ended.wait()

    async def wait_written(self) -> None:
        """Wait until the run is over and its result is there."""
        await self._is_written.wait()

    # What it tells

    def status(self) -> RunStatus:
        """Where the run stands, in full."""
        now, playback = self._status, None if self.live is None else self.live.playback
        found = msgspec.structs.replace(
            now,
            status=self.state,
            queue_position=self.queue_position,
            next_seq=self.log.next_seq,
            pace=now.pace if playback is None else str(playback.pace),
        )
        return found if self.is_over else self._progress.shown_in(found, None if self.live is None else self.live.span)

    def state_message(self) -> StateMessage:
        """Tell the state alone."""
        pace = self._status.pace if self.live is None else str(self.live.playback.pace)
        return StateMessage(backtest_id=self.id, status=self.state, pace=pace, queue_position=self.queue_position)

    def progress_message(self) -> ProgressMessage:
        """Tell the progress."""
        now = self.status()
        return ProgressMessage(**{name: getattr(now, name) for name in ProgressMessage.__struct_fields__})

    def metrics_message(self) -> MetricsMessage | None:
        """Tell the metrics so far; None before the first candle, and for a run from before this server started."""
        found, time = self._metrics, self._progress.time
        if found is None:
            if self.live is None or time is None:
                return None
            found = self.live.metrics()
        values = metric_values(found)
        return MetricsMessage(
            backtest_id=self.id,
            time=None if time is None else format_time(time),
            metrics={name: values[name] for name in _LIVE_METRICS},
        )

    # What happens to it

    def take_frame(self, frame: bytes) -> None:
        """Take one frame of the run's log in."""
        match _DECODE(frame):
            case Progress() as progress:
                self._progress.take(progress)
                self._changed()
            case Records() as records:
                self.log.append(records, len(frame))
                self._changed()
            case RunStarted() as started:
                self.started = started
                self.log.begin(started, len(frame))
                self._changed()
            case RunEnded() as ended:
                self._take_end(ended)

    def begin(self) -> None:
        """The run leaves the queue now."""
        self.queue_position = None
        self._status = msgspec.structs.replace(self._status, status="running", started_at=moment_text(self._now()))
        self._progress.start()
        self._changed()

    def place_in_queue(self, position: int) -> None:
        """The run waits, with so many before it and itself."""
        if position != self.queue_position:
            self.queue_position = position
            self._changed()

    def fail(self, actor: str, cause: str) -> None:
        """The run could not be recorded, or ended by a mistake of ours; its log does not say so."""
        failure = Failure(actor, self._progress.candles, cause)
        if self.is_over:
            # What it did is in the journal; what could not be written is the result.
            self._status = msgspec.structs.replace(self._status, status="failed", failure=failure)
            self._changed()
        else:
            self.end_without_log("failed", failure)

    def end_without_log(self, state: RunState, failure: Failure | None = None) -> None:
        """The run is over without an event that says so: it never began, or could not be recorded any more."""
        candles = self._progress.candles
        self._end(
            state,
            RunEnded(
                seq=self.log.next_seq, status="cancelled", failure=failure, candles=candles, issues=(),
                equity_checksum=0, fingerprint="",
            ),
        )  # fmt: skip

    def mark_written(self) -> None:
        """Everything that the run leaves behind is on the disk."""
        self.live = None
        self._is_written.set()
        self._changed()

    def notify(self) -> None:
        """Something about the run has changed that its log does not tell, such as its pace."""
        self._changed()

    def _take_end(self, ended: RunEnded) -> None:
        self._end("interrupted" if self.interrupting and ended.status == "cancelled" else ended.status, ended)

    def _end(self, state: RunState, ended: RunEnded) -> None:
        if self.live is not None and self.started is not None:
            self._metrics = self.live.metrics()
        reached = self.status()
        self._status = msgspec.structs.replace(
            reached,
            status=state,
            ended_at=moment_text(self._now()),
            queue_position=None,
            progress_pct=100.0 if state == "completed" else reached.progress_pct,
            candles_per_second=self._progress.speed_of(ended.candles),
            failure=ended.failure,
            fingerprint=ended.fingerprint or None,
            data_issues=list(ended.issues),
        )
        self.queue_position = None
        self.log.end(
            EndedMessage(
                backtest_id=self.id,
                seq=self.log.next_seq,
                status=state,
                failure=ended.failure,
                candles=ended.candles,
                fingerprint=ended.fingerprint,
                data_issues=list(ended.issues),
                summary=None if self._metrics is None else summary_of_metrics(self._metrics),
            )
        )
        self._status = msgspec.structs.replace(self._status, next_seq=self.log.next_seq)
        self._has_ended.set()
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._on_change(self)
