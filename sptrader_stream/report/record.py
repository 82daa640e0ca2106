"""A run that is recorded, as its folder tells it: what was asked for, what it came to, and what happened in it."""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.errors import StorageError
from sptrader_stream.events import Records, RunStarted
from sptrader_stream.execution.records import (
    HEAD,
    KIND_HALT,
    KIND_REJECTION,
    RECORD_WIDTH,
    REJECTION_REASONS,
    Halt,
    unpack,
)
from sptrader_stream.store.head import Head
from sptrader_stream.store.journal import read_journal
from sptrader_stream.store.results import RESULT_FILE
from sptrader_stream.store.runs import read_started
from sptrader_stream.timeframes import parse_time

MOST_HALTS: Final = 200


class RunRecord(msgspec.Struct, frozen=True):
    """A recorded run.

    Attributes:
        folder: where it is.
        started: its journal's first event.
        head: its result without the lists.
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


class Incidents(msgspec.Struct, frozen=True):
    """What stood in the way of a run: its first halts, at most ``MOST_HALTS``, and its rejections by reason."""

    halts: list[Halt]
    rejections: dict[str, int]


def read_record(folder: Path) -> RunRecord:
    """Read what a run's folder says of it, without its lists of trades and rejections.

    Raises:
        StorageError: there is no whole run in the folder.
    """
    started = read_started(folder)
    result = folder / RESULT_FILE
    if not result.is_file() or not result.stat().st_size:
        raise StorageError(f"{folder} has no {RESULT_FILE}: the run is not over, or it was killed; run it again")
    try:
        # Mapped, because the lists behind the head, which are passed over, can be larger than memory.
        with result.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return RunRecord(folder, started, msgspec.json.decode(data, type=Head))
    except msgspec.MsgspecError as error:
        raise StorageError(f"{result}: not the result of a run: {error}") from error


def read_incidents(folder: Path) -> Incidents:
    """Look a run's journal through for halts and rejections."""
    halts: list[Halt] = []
    rejections: Counter[str] = Counter()
    for records in _records(folder):
        rows = records.records.reshape(-1, RECORD_WIDTH)
        kinds = rows[:, HEAD] & 0xFF
        for reason in ((rows[kinds == KIND_REJECTION, HEAD] >> 8 & 0xFF) - 1).tolist():
            rejections[REJECTION_REASONS[reason]] += 1
        if len(halts) < MOST_HALTS:
            found = unpack(rows[kinds == KIND_HALT].reshape(-1))
            halts += [each for each in found if isinstance(each, Halt)]
    return Incidents(halts[:MOST_HALTS], dict(rejections.most_common()))


def _records(folder: Path) -> Iterator[Records]:
    for event in read_journal(folder):
        if isinstance(event, Records):
            yield event
