"""Run a child process and say what it took: wall time, peak memory, output."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class ChildError(Exception):
    """A child process failed or ran out of time; the message is one line."""


class Finished(NamedTuple):
    """A child that ended well. ``peak_bytes`` is its largest resident memory, ``cpu`` its user and system seconds."""

    wall: float
    cpu: float
    peak_bytes: int
    output: str
    errors: str


def run(
    command: Sequence[str | Path],
    timeout: float,
    folder: Path | None = None,
) -> Finished:
    """Run ``command`` to its end.

    A child's peak memory starts at what this process has resident when it spawns, so this process must stay small.

    Args:
        command: program and arguments.
        timeout: seconds after which the child is killed.
        folder: the child's working folder.

    Raises:
        ChildError: it could not be started, was killed, or ended with another code than 0.
    """
    name = " ".join(Path(str(part)).name for part in command[:2])
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        try:
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=folder,
            )
        except OSError as error:
            raise ChildError(f"{name}: {error.strerror}") from None
        killer = threading.Timer(timeout, child.kill)
        killer.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        expired = not killer.is_alive()
        killer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        written, complaints = (_text(stream.fileno()) for stream in (output, errors))
    if expired:
        raise ChildError(f"{name}: not done after {timeout:.0f} s")
    if child.returncode != 0:
        last = next((line.strip() for line in reversed(complaints.splitlines()) if line.strip()), "no message")
        raise ChildError(f"{name}: exit code {child.returncode}: {last[:200]}")
    return Finished(wall, _cpu(usage), usage.ru_maxrss * 1024, written, complaints)


def _cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _text(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(os.dup(descriptor), encoding="utf-8", errors="replace") as stream:
        return stream.read()
