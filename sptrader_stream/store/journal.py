"""The journal: a run's lossless events, frame behind frame, appended as they happen.

Each frame is preceded by its length (four bytes, little endian). A journal that ends in the middle of a frame, as a
crash leaves it, is read up to there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, cast

from sptrader_stream.columns import Ints
from sptrader_stream.errors import StorageError
from sptrader_stream.events import Records, RunEnded, RunStarted, decoder
from sptrader_stream.execution.records import RECORD_WIDTH, ExecutionEvent, unpack
from sptrader_stream.files import create, write_all

JOURNAL_FILE: Final = "journal.msgpack"
# In front of each frame.
LENGTH_BYTES: Final = 4

JournalEvent = RunStarted | Records | RunEnded
_DECODE: Final = decoder(cast("type[JournalEvent]", JournalEvent)).decode


class JournalWriter:
    """Appends frames to a new journal in ``folder``; a write either happened or raises StorageError."""

    def __init__(self, folder: Path) -> None:
        self._file = create(folder / JOURNAL_FILE)
        self._size = 0

    def append(self, frame: bytes) -> None:
        """Append one encoded event."""
        try:
            write_all(self._file, len(frame).to_bytes(LENGTH_BYTES, "little") + frame)
        except StorageError:
            # A part of a frame would hide every frame that is appended behind it, such as the end of the run.
            self._file.truncate(self._size)
            self._file.seek(self._size)
            raise
        self._size += LENGTH_BYTES + len(frame)

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


class JournalFrame(NamedTuple):
    """An event of a journal and where its frame begins, in bytes from the start of the file."""

    offset: int
    event: JournalEvent


def read_frames(folder: Path, offset: int = 0) -> Iterator[JournalFrame]:
    """Read a run's journal, event by event, in constant memory.

    Args:
        folder: the run's.
        offset: where a frame begins, to read from there on.
    """
    with (folder / JOURNAL_FILE).open("rb") as file:
        file.seek(offset)
        while len(prefix := file.read(LENGTH_BYTES)) == LENGTH_BYTES:
            length = int.from_bytes(prefix, "little")
            frame = file.read(length)
            if len(frame) < length:
                return
            yield JournalFrame(offset, _DECODE(frame))
            offset += LENGTH_BYTES + length


def read_journal(folder: Path) -> Iterator[JournalEvent]:
    """Read the events of a run's journal, one by one, in constant memory."""
    return (frame.event for frame in read_frames(folder))


def read_end(folder: Path) -> RunEnded | None:
    """Read the last event of a run's journal without those between; None where the journal ends before it."""
    path = folder / JOURNAL_FILE
    size = path.stat().st_size
    with path.open("rb") as file:
        start = length = 0
        while len(prefix := file.read(LENGTH_BYTES)) == LENGTH_BYTES:
            length = int.from_bytes(prefix, "little")
            start = file.seek(length, os.SEEK_CUR) - length
        if start + length != size:
            return None
        file.seek(start)
        last = _DECODE(file.read(length))
    return last if isinstance(last, RunEnded) else None


def read_rows(folder: Path) -> Iterator[Ints]:
    """Read the events of execution in a run's journal as they are stored, in pieces.

    Yields:
        int64, shape (n, RECORD_WIDTH); see ``execution.records``.
    """
    for event in read_journal(folder):
        if isinstance(event, Records):
            yield event.records.reshape(-1, RECORD_WIDTH)


def read_events(folder: Path) -> Iterator[ExecutionEvent]:
    """Read the events of execution in a run's journal, one by one, in constant memory."""
    for rows in read_rows(folder):
        yield from unpack(rows)
