"""Finished runs: where a run's folder is, and what stands in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.errors import StorageError, UserError, did_you_mean
from sptrader_stream.events import RunStarted
from sptrader_stream.store.head import Head
from sptrader_stream.store.journal import JOURNAL_FILE, read_end, read_journal
from sptrader_stream.store.results import HEAD_FILE, RESULT_FILE, read_result
from sptrader_stream.timeframes import parse_time

# Stands for the run that was written last.
LAST: Final = "last"
_NAMES_SHOWN: Final = 5


class RunRecord(msgspec.Struct, frozen=True):
    """A run that is over.

    Attributes:
        folder: where it is recorded.
        started: what was run, its journal's first event.
        head: its result without the long lists.
    """

    folder: Path
    started: RunStarted
    head: Head

    @property
    def period(self) -> tuple[int, int] | None:
        """Open times of the first and last candle, nanoseconds since 1970; None where there was none."""
        if self.head.start_time is None or self.head.end_time is None:
            return None
        return parse_time(self.head.start_time), parse_time(self.head.end_time)


def find_run(backtests: Path, run: str) -> Path:
    """Find the folder of a run.

    Args:
        backtests: where runs leave their folders.
        run: the name of a folder there, the path of one anywhere, or ``last`` for the one that was written last.

    Raises:
        UserError: there is no such run; names the newest ones.
    """
    if run == LAST:
        newest = _newest_first(backtests)
        if not newest:
            raise UserError(f"{backtests} holds no run yet: make one with `sptrader run STRATEGY --data FILE`")
        return newest[0]
    for folder in (backtests / run, Path(run)):
        if run.strip() and (folder / JOURNAL_FILE).is_file():
            return folder
    names = [each.name for each in _newest_first(backtests)]
    raise UserError(f"there is no run {run!r} in {backtests}, nor is it the path of one{_hint(run, names)}")


def read_record(folder: Path) -> RunRecord:
    """Read what a run's folder says of it; the lists of the result are passed over, however long they are.

    Raises:
        StorageError: the journal does not begin or end as one, or there is no result, as in the folder of a run that is
            still going on or was killed.
    """
    started = read_started(folder)
    result = folder / RESULT_FILE
    if not result.is_file() or not result.stat().st_size:
        raise StorageError(f"{folder} has no {RESULT_FILE}: {_why_no_result(folder)}")
    if read_end(folder) is None:
        raise StorageError(f"{folder / JOURNAL_FILE}: ends too soon, a part of the run is lost; run it again")
    return RunRecord(folder, started, read_result(folder, Head))


def read_started(folder: Path) -> RunStarted:
    """Read what was run, the first event of a run's journal.

    Raises:
        StorageError: the journal is not there or does not begin with that.
    """
    journal = folder / JOURNAL_FILE
    try:
        started = next(read_journal(folder), None)
    except OSError as error:
        raise StorageError(f"{journal}: cannot be read: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise StorageError(f"{journal}: not a journal that this version can read: {error}") from error
    if not isinstance(started, RunStarted):
        raise StorageError(f"{journal}: does not begin with the start of a run")
    return started


def _why_no_result(folder: Path) -> str:
    if (folder / HEAD_FILE).is_file() and read_end(folder) is not None:
        return (
            "the run is over, and its result is being written or was given up when the process was killed; the server "
            "writes it at its next start: `sptrader serve`"
        )
    return "the run is not over, or it was killed; run it again"


def _newest_first(backtests: Path) -> list[Path]:
    """Give the folders of runs, the one whose journal was written last at the front."""
    journals = backtests.glob(f"*/{JOURNAL_FILE}")
    return [each.parent for each in sorted(journals, key=lambda file: file.stat().st_mtime_ns, reverse=True)]


def _hint(run: str, names: list[str]) -> str:
    if not names:
        return ""
    return (
        did_you_mean(run, names)
        or f"; the newest are {', '.join(names[:_NAMES_SHOWN])}, and `{LAST}` stands for the first of them"
    )
