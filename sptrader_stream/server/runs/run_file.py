"""What the server keeps of a run beside its journal: ``run.json``, with what was asked for and where it stands.

It is written whole or not at all, when a run is taken on, when it starts and when it ends. A server that starts again
reads all of them: those of runs that were under way say so still, and become ``interrupted``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.decoding import json_decoder
from sptrader_stream.errors import StorageError
from sptrader_stream.files import cannot_write, leftovers, written_whole
from sptrader_stream.server.documents import RunRequest, RunStatus
from sptrader_stream.store.journal import JOURNAL_FILE

RUN_FILE: Final = "run.json"
# A folder of this name is being removed; what is left of it goes at the next start.
_REMOVED: Final = ".removed-"


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the server knows it.

    Attributes:
        request: what was asked for; None for a run of the command line.
        status: where it stood when this was written.
    """

    request: RunRequest | None
    status: RunStatus


def write_run_file(folder: Path, content: RunFile) -> None:
    """Write a run's file, in the place of an older one.

    Raises:
        StorageError: it cannot be written; the older one stays.
    """
    with written_whole(folder / RUN_FILE) as target:
        target.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def read_run_file(folder: Path) -> RunFile | None:
    """Read a run's file; None where there is none.

    Raises:
        StorageError: it cannot be read, or is not one.
    """
    file = folder / RUN_FILE
    try:
        return json_decoder(RunFile).decode(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{file}: cannot be read: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise StorageError(f"{file}: not the file of a run: {error}") from error


def make_folder(folder: Path) -> None:
    """Make the folder of a new run.

    Raises:
        StorageError: it cannot be made, or is there already.
    """
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def remove_folder(folder: Path) -> None:
    """Remove a run: it is gone at once for everybody who looks for it, whatever happens then.

    Raises:
        StorageError: it cannot be removed.
    """
    doomed = folder.with_name(f"{_REMOVED}{folder.name}")
    try:
        folder.rename(doomed)
        shutil.rmtree(doomed)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{folder}: cannot be removed: {error.strerror or error}") from error


def run_folders(backtests: Path) -> Iterator[Path]:
    """Find the folders of runs, and remove what interrupted removals and writings have left."""
    if not backtests.is_dir():
        return
    for folder in sorted(backtests.iterdir()):
        if folder.name.startswith(_REMOVED):
            shutil.rmtree(folder, ignore_errors=True)
        elif (folder / RUN_FILE).is_file():
            # Of a run of the command line somebody may be writing just now.
            for left in leftovers(folder):
                left.unlink(missing_ok=True)
            yield folder
        elif (folder / JOURNAL_FILE).is_file():
            yield folder
