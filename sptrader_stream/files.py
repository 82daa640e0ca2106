"""Files that are written whole or not at all, and what is said where that cannot be done."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Final

from sptrader_stream.errors import StorageError

_UNFINISHED: Final = re.compile(r"\..+\.[0-9a-f]{8}")


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
    # Of its own for everybody who writes: two programs may do so at once.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
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


def leftovers(folder: Path) -> list[Path]:
    """Give the files of a folder that were being written when a program was killed, or are being written just now."""
    return [each for each in folder.iterdir() if _UNFINISHED.fullmatch(each.name)]


@contextmanager
def held(lock: Path, taken: str) -> Iterator[None]:
    """Hold a lock file, which is made where there is none, and goes free with the process at the latest.

    Args:
        lock: its path; its folder is made as well.
        taken: what to say where another program holds it.

    Raises:
        StorageError: another program holds it, or it cannot be made.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise cannot_write(lock, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(taken) from None
        except OSError as error:
            raise cannot_write(lock, error) from error
        yield
    finally:
        os.close(descriptor)


def _to_disk(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
