"""Finished runs: where a run's folder is, and what stands in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from sptrader_stream.errors import StorageError, UserError
from sptrader_stream.events import RunStarted
from sptrader_stream.store.journal import JOURNAL_FILE, read_journal
from sptrader_stream.store.results import RESULT_FILE

# Stands for the run that was written last.
LAST: Final = "last"
_NAMES_SHOWN: Final = 5


class StoredRun(msgspec.Struct, frozen=True):
    """A run that is over.

    Attributes:
        folder: where it is recorded.
        started: what was run.
        result: the document in ``result.json``.
    """

    folder: Path
    started: RunStarted
    result: dict[str, Any]


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


def read_run(folder: Path) -> StoredRun:
    """Read what stands in a run's folder.

    Raises:
        StorageError: the journal does not begin as one, or there is no result, as in the folder of a run that is
            still going on or was killed.
    """
    result = folder / RESULT_FILE
    if not result.is_file():
        raise StorageError(f"{folder} has no {RESULT_FILE}: the run is not over, or it was killed; run it again")
    try:
        found = msgspec.json.decode(result.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise StorageError(f"{result}: not the result of a run: {error}") from error
    return StoredRun(folder, read_started(folder), found)


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


def _newest_first(backtests: Path) -> list[Path]:
    """Give the folders of runs, the one whose journal was written last at the front."""
    journals = backtests.glob(f"*/{JOURNAL_FILE}")
    return [each.parent for each in sorted(journals, key=lambda file: file.stat().st_mtime_ns, reverse=True)]


def _hint(run: str, names: list[str]) -> str:
    import difflib

    if not names:
        return ""
    near = difflib.get_close_matches(run, names, n=1)
    if near:
        return f" (did you mean {near[0]}?)"
    return f"; the newest are {', '.join(names[:_NAMES_SHOWN])}, and `{LAST}` stands for the first of them"
