"""The registry of runs: takes them on, lets a limited number compute, keeps what they leave behind, and knows them all.

A run waits in a queue until it has its turn. Runs at full speed are limited by ``max_running``; one that is paused or
paced uses little and makes room for the next, up to ``max_replays`` of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import structlog
import trio

from actors.playback import Playback
from actors.run import ResultWriter, Run, write_in_thread
from actors.spec import RunSpec
from actors.turns import Turns, open_turns
from sptrader_stream.errors import StorageError, UserError
from sptrader_stream.pace import Pace
from sptrader_stream.server.documents import RunRequest, RunState
from sptrader_stream.server.log.event_log import EventLog
from sptrader_stream.server.log.pages import PageCache
from sptrader_stream.server.request_errors import QueueFullError, StateConflictError, UnknownRunError
from sptrader_stream.server.runs.handle import RunHandle
from sptrader_stream.server.runs.recovery import recover
from sptrader_stream.server.runs.run_file import RunFile, make_folder, remove_folder, write_run_file
from sptrader_stream.server.runs.status import first_status, moment_text
from sptrader_stream.server.runs.steering import read_pace
from sptrader_stream.server.settings import ServerSettings

# Reading strategies and opening candles is mostly Python: more threads at it would only hold each other up.
_OPENING_AT_ONCE: Final = 2

SpecMaker = Callable[[RunRequest], RunSpec]
_logger = structlog.get_logger(__name__)


class Registry:
    """All runs of a server.

    Attributes:
        on_change: called, synchronously, with every run that has changed; has to be quick.
        is_ready: whether the runs of before were read, and runs are taken on.
    """

    def __init__(
        self,
        backtests: Path,
        settings: ServerSettings,
        make_spec: SpecMaker,
        *,
        write_result: ResultWriter = write_in_thread,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        """Make a registry; ``run`` brings it to life.

        Args:
            backtests: where runs have their folders.
            settings: limits and retention.
            make_spec: from a request to what is run, its folder in ``backtests``; called in a thread.
            write_result: writes the result of a run that is over.
            clock: monotonic seconds.
            now: the time of day.
        """
        self.on_change: list[Callable[[RunHandle], None]] = []
        self.is_ready = False
        self._backtests = backtests
        self._settings = settings
        self._make_spec = make_spec
        self._write_result = write_result
        self._clock = clock
        self._now = now
        self._runs: dict[str, RunHandle] = {}
        self._queue: deque[RunHandle] = deque()
        self._live: set[RunHandle] = set()
        self._opening = trio.CapacityLimiter(_OPENING_AT_ONCE)
        self._is_opening = 0
        self._room = trio.Event()
        self._turns: Turns | None = None
        self._pages = PageCache()
        self._is_closing = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Read the runs of before, then start those that are taken on, until cancelled."""
        found = await trio.to_thread.run_sync(recover, self._backtests)
        for content, folder in found:
            self._runs[content.status.backtest_id] = self._ended_before(content, folder)
        await self._retire()
        async with open_turns() as self._turns, trio.open_nursery() as nursery:
            self.is_ready = True
            task_status.started()
            while True:
                self._room = trio.Event()
                while self._queue and self._has_room():
                    handle = self._queue.popleft()
                    self._live.add(handle)
                    nursery.start_soon(self._execute, handle)
                for position, waiting in enumerate(self._queue, start=1):
                    waiting.place_in_queue(position)
                await self._room.wait()

    async def close(self) -> None:
        """Take no run on any more, and end those under way as interrupted; what they did is kept."""
        self._is_closing = True
        self.is_ready = False
        while self._queue:
            await self._abandon(self._queue.popleft(), "interrupted")
        for handle in list(self._live):
            if not handle.is_over:
                handle.interrupting = True
                handle.cancel()
        for handle in list(self._live):
            await handle.wait_written()

    @property
    def is_computing(self) -> bool:
        """Whether any run takes all the time that it gets."""
        return any(each.is_at_full_speed for each in self._live)

    def get(self, run_id: str) -> RunHandle:
        """Find a run.

        Raises:
            UnknownRunError: there is none of that id.
        """
        found = self._runs.get(run_id)
        if found is None:
            raise UnknownRunError(f"there is no run {run_id!r}; GET /api/backtests lists them")
        return found

    def list(
        self, *, status: RunState | None = None, strategy: str | None = None, symbol: str | None = None
    ) -> list[RunHandle]:
        """All runs that match, the newest first."""
        found = []
        for handle in reversed(self._runs.values()):
            known = handle.status()
            if (
                (status is None or handle.state == status)
                and (strategy is None or known.strategy == strategy)
                and (symbol is None or symbol in known.symbols)
            ):
                found.append(handle)
        return found

    async def start(self, request: RunRequest) -> RunHandle:
        """Take a run on.

        Raises:
            QueueFullError: too many wait.
            UserError: it is not possible, or its folder cannot be made.
        """
        if self._is_closing:
            raise StateConflictError("the server is being stopped: it takes on no more runs")
        if len(self._queue) + self._is_opening >= self._settings.max_queued:
            raise QueueFullError(
                f"{len(self._queue)} runs wait already, which are as many as may: try again when some have ended"
            )
        pace = read_pace(request.pace)
        self._is_opening += 1
        try:
            handle = await trio.to_thread.run_sync(self._open, request, pace, limiter=self._opening)
        finally:
            self._is_opening -= 1
        self._runs[handle.id] = handle
        self._queue.append(handle)
        handle.place_in_queue(len(self._queue))
        self._room.set()
        return handle

    async def cancel(self, run_id: str) -> RunHandle:
        """End a run, whether it has begun or not, and wait until it is over.

        Raises:
            UnknownRunError: there is none of that id.
            StateConflictError: it is over.
        """
        handle = self.get(run_id)
        if handle in self._queue:
            self._queue.remove(handle)
            await self._abandon(handle, "cancelled")
            self._room.set()
        else:
            handle.cancel()
            await handle.wait_ended()
        return handle

    async def remove(self, run_id: str) -> None:
        """Remove a run and all that it left.

        Raises:
            UnknownRunError: there is none of that id.
            StateConflictError: it is not over.
            StorageError: its folder cannot be removed.
        """
        handle = self.get(run_id)
        if not handle.is_over:
            raise StateConflictError(f"run {run_id} is {handle.state}: cancel it before it is removed")
        await handle.wait_written()
        if self._runs.pop(run_id, None) is not None:
            await trio.to_thread.run_sync(remove_folder, handle.folder)

    # From here on: one run's way

    def _open(self, request: RunRequest, pace: Pace) -> RunHandle:
        spec = self._make_spec(request)
        playback = Playback(pace)
        run = Run(spec, playback=playback, turns=self._turns, write_result=self._write_result,
                  clock=self._clock)  # fmt: skip
        status = first_status(spec, request.execution_mode, pace, self._now())
        make_folder(spec.folder)
        write_run_file(spec.folder, RunFile(request=request, status=status))
        handle = RunHandle(
            status, spec.folder, request, EventLog(spec.run_id, spec.folder, self._pages), live=run,
            on_change=self._changed, clock=self._clock, now=self._now,
        )  # fmt: skip
        playback.on_change = partial(self._controlled, handle)
        return handle

    def _ended_before(self, content: RunFile, folder: Path) -> RunHandle:
        return RunHandle(
            content.status, folder, content.request, EventLog.found(content.status, folder, self._pages), live=None,
            on_change=self._changed, clock=self._clock, now=self._now,
        )  # fmt: skip

    async def _execute(self, handle: RunHandle) -> None:
        run = handle.live
        assert run is not None
        with structlog.contextvars.bound_contextvars(run_id=handle.id):
            handle.begin()
            untap = run.log.tap(handle.take_frame)
            try:
                await self._write(handle)
                _logger.info("run started")
                outcome = await run.execute()
                if outcome.error is not None and not isinstance(outcome.error, UserError):
                    _logger.error("run failed by a mistake of ours", exc_info=outcome.error)
            except StorageError as error:
                handle.fail("recorder", str(error))
            except Exception as error:
                _logger.exception("run failed by a mistake of ours")
                handle.fail("run", f"a mistake of ours: {error}")
            finally:
                untap()
            with trio.CancelScope(shield=True):
                await self._finish(handle)
            ended = handle.status()
            _logger.info("run ended", status=ended.status, candles=ended.candles, trades=ended.trades_count)
        await self._retire()

    async def _finish(self, handle: RunHandle) -> None:
        """Write down how a run ended, and make room for the next."""
        self._live.discard(handle)
        self._room.set()
        await self._write(handle)
        handle.mark_written()

    async def _abandon(self, handle: RunHandle, state: RunState) -> None:
        """End a run that never began."""
        handle.end_without_log(state)
        await self._finish(handle)

    async def _write(self, handle: RunHandle) -> None:
        """Write where a run stands; where that cannot be done the run goes on, for its journal says what happened."""
        content = RunFile(request=handle.request, status=handle.status())
        try:
            await trio.to_thread.run_sync(write_run_file, handle.folder, content)
        except StorageError as error:
            _logger.warning("the state of a run was not written", run_id=handle.id, error=str(error))

    async def _retire(self) -> None:
        """Remove the oldest ended runs, so that no more are kept than the settings want."""
        # Runs of the command line are the user's own: no server removes them.
        ended = [each for each in self._runs.values() if each.is_over and each.live is None and each.request]
        doomed = ended[: max(0, len(ended) - self._settings.keep_runs)]
        if self._settings.keep_days:
            oldest = moment_text(self._now() - timedelta(days=self._settings.keep_days))
            doomed += [each for each in ended[len(doomed) :] if (each.status().ended_at or oldest) < oldest]
        for handle in doomed:
            self._runs.pop(handle.id, None)
            try:
                await trio.to_thread.run_sync(remove_folder, handle.folder)
            except StorageError as error:
                _logger.warning("an old run was not removed", run_id=handle.id, error=str(error))

    def _has_room(self) -> bool:
        busy = sum(1 for each in self._live if each.is_at_full_speed or not each.has_begun)
        return busy < self._settings.max_running and len(self._live) - busy < self._settings.max_replays

    def _controlled(self, handle: RunHandle) -> None:
        handle.notify()
        # A run that stands still, or keeps to a pace, leaves its place to the next.
        self._room.set()

    def _changed(self, handle: RunHandle) -> None:
        if handle.is_over:
            # The next need not wait until the result is written; ``max_replays`` bounds how many are to be.
            self._room.set()
        for each in self.on_change:
            each(handle)
