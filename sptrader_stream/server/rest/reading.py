"""Reading what runs have recorded, in threads, so that no request holds up the event loop."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Final, ParamSpec, TypeAlias, TypeVar

import trio
from litestar.params import Dependency

from sptrader_stream.errors import StorageError, UserError
from sptrader_stream.events import RunStarted
from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.request_errors import InvalidRequestError, StateConflictError
from sptrader_stream.server.rest.contract import Service
from sptrader_stream.server.runs.handle import RunHandle
from sptrader_stream.store.journal import JOURNAL_FILE
from sptrader_stream.store.results import RESULT_FILE
from sptrader_stream.store.runs import RunRecord, read_record, read_started
from sptrader_stream.timeframes import parse_end, parse_time

P = ParamSpec("P")
R = TypeVar("R")

# More threads would only hold each other up, and with them the event loop.
_READING_AT_ONCE: Final = 2
_WORKING_AT_ONCE: Final = 1
# A result is there so much after its run, at the most.
_WRITING_SECONDS: Final = 30.0


class Reader:
    """Reads for requests.

    Args:
        service: the server.
    """

    def __init__(self, service: Service) -> None:
        self._registry = service.registry
        self._reading = trio.CapacityLimiter(_READING_AT_ONCE)
        self._working = trio.CapacityLimiter(_WORKING_AT_ONCE)

    async def read(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do something that takes a while, in a thread.

        Raises:
            StorageError: something cannot be read.
        """
        return await _in_thread(self._reading, partial(work, *args, **kwargs))

    async def of_run(self, handle: RunHandle, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Read something of a run.

        Raises:
            UnknownRunError: the run was removed in the meantime.
            StorageError: it cannot be read.
        """
        return await self._of_run(handle, self._reading, partial(work, *args, **kwargs))

    async def work(self, handle: RunHandle, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do something with a run that takes long, one at a time.

        Raises:
            UnknownRunError, StorageError: as above.
        """
        return await self._of_run(handle, self._working, partial(work, *args, **kwargs))

    async def begun(self, handle: RunHandle, pieces: Iterator[R]) -> Iterator[R]:
        """Read the first piece of something of a run, so that what cannot be read is told in place of an answer.

        The files are open then, and stay readable where the run is removed.

        Raises:
            UnknownRunError, StorageError: as above.
        """
        first = await self.of_run(handle, list, itertools.islice(pieces, 1))
        return itertools.chain(first, pieces)

    async def _of_run(self, handle: RunHandle, limiter: trio.CapacityLimiter, work: Callable[[], R]) -> R:
        try:
            found = await _in_thread(limiter, work)
        except StorageError:
            self._registry.get(handle.id)
            raise
        # It may have read the half that was not removed yet.
        self._registry.get(handle.id)
        return found

    async def started(self, handle: RunHandle) -> RunStarted | None:
        """What was run; None where the run has not begun, or never did.

        Raises:
            UnknownRunError: the run was removed in the meantime.
            StorageError: its journal cannot be read.
        """
        return handle.started or await self.of_run(handle, _read_started, handle)

    async def record(self, handle: RunHandle) -> RunRecord:
        """A run that is over.

        Raises:
            StateConflictError: it is not over, or left no result.
            UnknownRunError, StorageError: as above.
        """
        await self.wait_result(handle)
        return await self.of_run(handle, read_record, handle.folder)

    async def wait_result(self, handle: RunHandle) -> None:
        """Wait until the result of a run that is over is there.

        Raises:
            StateConflictError: it is not over, or left no result.
        """
        if not handle.is_over:
            raise StateConflictError(f"run {handle.id} is {handle.state}: it has no result before it is over")
        with trio.move_on_after(_WRITING_SECONDS):
            await handle.wait_written()
        if not await self.read((handle.folder / RESULT_FILE).is_file):
            self._registry.get(handle.id)
            failure = handle.status().failure
            cause = f": {failure.cause}" if failure is not None else ""
            raise StateConflictError(
                f"run {handle.id} is {handle.state} and has no result{cause}; what it had recorded until then is in "
                "its events, trades and equity"
            )


def time_at(path: str, text: str | None, *, is_end: bool = False) -> int | None:
    """Read a time of a query, nanoseconds since 1970.

    Args:
        path: the parameter's name.
        text: what was given.
        is_end: whether a date stands for the whole of its day.

    Raises:
        InvalidRequestError: it is none.
    """
    if text is None:
        return None
    try:
        return parse_end(text) if is_end else parse_time(text)
    except UserError as error:
        raise InvalidRequestError(f"{path}: {error}", [FieldProblem(path=path, message=str(error))]) from None


def time_range(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Read ``from`` and ``to`` of a query, nanoseconds since 1970, inclusive.

    Raises:
        InvalidRequestError: one is no time, or the range ends before it starts.
    """
    first, last = time_at("from", start), time_at("to", end, is_end=True)
    if first is not None and last is not None and last < first:
        message = f"{end} is before {start}"
        raise InvalidRequestError(f"to: {message}", [FieldProblem(path="to", message=message)])
    return first, last


Reading: TypeAlias = Annotated[Reader, Dependency(skip_validation=True)]


def _read_started(handle: RunHandle) -> RunStarted | None:
    return read_started(handle.folder) if (handle.folder / JOURNAL_FILE).is_file() else None


async def _in_thread(limiter: trio.CapacityLimiter, work: Callable[[], R]) -> R:
    try:
        # A client that leaves, or a server that is stopped, does not wait for what nobody wants any more.
        return await trio.to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=True)
    except OSError as error:
        raise StorageError(f"{error.filename}: cannot be read: {error.strerror or error}") from error
