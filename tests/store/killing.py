"""Runs whose process is killed before their result is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.store import results
from tests.actors.support import Memory, execute, make_spec, one_chunk


class KilledError(BaseException):
    """Stands for the end of the process."""


def killed_while_writing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose process ends while its result is being written."""

    def kill(*_: object) -> None:
        raise KilledError

    spec = make_spec(folder, Memory(one_chunk(500)))
    with monkeypatch.context() as patched:
        patched.setattr(results, "_write_ambiguous", kill)
        with pytest.raises((KilledError, BaseExceptionGroup)):
            execute(spec)
