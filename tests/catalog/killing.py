"""A program that is killed at one of its steps to the disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_DYING: Final = """
import os, signal, sys
from pathlib import Path

catalog, left = Path(sys.argv[1]), [int(sys.argv[2])]

def dying(call):
    def wrapped(*args, **kwargs):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return wrapped
"""
_FROM_HERE: Final = """
for name in ("fsync", "replace", "unlink"):
    setattr(os, name, dying(getattr(os, name)))
"""


def killed_at(step: int, imports: str, code: str, catalog: Path) -> bool:
    """Run code, with a ``catalog``, until its step of that number, from 1.

    Args:
        step: fsync, replace and unlink are counted.
        imports: what the code needs.
        code: what to do.
        catalog: a folder.

    Returns:
        Whether it was killed; else it came to its end before.
    """
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([_DYING, imports, _FROM_HERE, code]), str(catalog), str(step)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9
