"""Files that are written whole or not at all, and what is said where that cannot be done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from sptrader_stream.errors import StorageError


def create(path: Path) -> FileIO:
    """Create a file of a run, unbuffered.

    Raises:
        StorageError: it is there already, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileIO(path, "xb")
    except FileExistsError as error:
        raise StorageError(f"{path.parent} is not free for a new run's results: choose another folder") from error
    except OSError as error:
        raise cannot_write(path, error) from error


def write_all(file: FileIO, data: bytes | memoryview) -> None:
    """Write everything: a single write to an unbuffered file may take only a part.

    Raises:
        StorageError: the disk is full or has a fault.
    """
    view = memoryview(data).cast("B")
    try:
        while len(view):
            view = view[file.write(view) or 0 :]
    except OSError as error:
        raise cannot_write(file.name, error) from error


def cannot_write(path: object, error: OSError) -> StorageError:
    """Say which file cannot be written, and why."""
    return StorageError(f"{path}: cannot be written: {error.strerror or error}")


@contextmanager
def written_whole(path: Path, *, synced: bool = True) -> Iterator[Path]:
    """Give the path of a file to write instead, which takes the place of ``path`` when all of it is there.

    A crash of the process at any moment leaves the old file or the new one; with ``synced`` so does one of the machine.

    Raises:
        StorageError: it cannot be written; what stood at ``path`` stays.
    """
    temporary = path.with_name(f".{path.name}")
    try:
        try:
            yield temporary
            if synced:
                _to_disk(temporary)
            temporary.replace(path)
            if synced:
                _to_disk(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_write(path, error) from error


def _to_disk(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
