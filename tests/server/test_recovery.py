"""What a server makes of the runs that it finds when it starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sptrader_stream.errors import StorageError
from sptrader_stream.server.recovery import recover
from sptrader_stream.server.run_file import write_run_file
from sptrader_stream.store.results import HEAD_FILE, RESULT_FILE
from sptrader_stream.store.runs import read_record
from tests.store.killing import killed_while_writing


def left_unwritten(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ended, and was told to have, on a server that was stopped before its result was written."""
    killed_while_writing(folder, monkeypatch)
    head = (folder / HEAD_FILE).read_bytes()
    ((content, _),) = recover(folder.parent)
    write_run_file(folder, content)
    (folder / RESULT_FILE).unlink()
    (folder / HEAD_FILE).write_bytes(head)


def test_a_result_that_was_left_to_be_written_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    left_unwritten(folder, monkeypatch)
    with pytest.raises(
        StorageError, match=r"has no result\.json yet: the server that had the run writes it, at its next"
    ):
        read_record(folder)

    ((content, _),) = recover(tmp_path)

    assert content.status.status == "completed"
    assert json.loads((folder / RESULT_FILE).read_bytes())["total_trades"] == content.status.trades_count
    assert read_record(folder).head.fingerprint == content.status.fingerprint


def test_a_result_that_cannot_be_written_leaves_the_run_in_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_unwritten(tmp_path / "run", monkeypatch)
    (tmp_path / "run" / HEAD_FILE).write_bytes(b"{}")

    ((content, _),) = recover(tmp_path)
    assert content.status.status == "completed"
    assert not (tmp_path / "run" / RESULT_FILE).exists()
