"""A result is whole whenever the process was killed: it is there, or can be made from the head and the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sptrader_stream import files
from sptrader_stream.errors import StorageError
from sptrader_stream.store import results
from sptrader_stream.store.journal import JOURNAL_FILE, LENGTH_BYTES, read_frames
from sptrader_stream.store.results import HEAD_FILE, RESULT_FILE, complete_result
from tests.actors.support import Memory, execute, make, make_spec, one_chunk


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


def test_a_run_that_ended_regularly_has_its_result_and_nothing_else(tmp_path: Path) -> None:
    make(tmp_path / "run", Memory(one_chunk(500)))
    assert sorted(each.name for each in (tmp_path / "run").iterdir()) == [
        "equity.bin",
        "journal.msgpack",
        "result.json",
    ]
    assert complete_result(tmp_path / "run")


def test_a_result_that_was_not_written_to_its_end_is_made_again_as_it_would_have_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    killed_while_writing(folder, monkeypatch)
    assert not (folder / RESULT_FILE).exists()
    head = (folder / HEAD_FILE).read_bytes()
    assert complete_result(folder)
    whole = make(tmp_path / "other", Memory(one_chunk(500))).result
    again = json.loads((folder / RESULT_FILE).read_bytes())
    del again["timing"], again["run_id"]
    assert again == whole
    assert head.startswith(b'{"run_id":"run"')
    assert not (folder / HEAD_FILE).exists()


def test_without_a_head_there_is_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_while_writing(tmp_path / "run", monkeypatch)
    (tmp_path / "run" / HEAD_FILE).unlink()
    assert not complete_result(tmp_path / "run")
    assert not (tmp_path / "run" / RESULT_FILE).exists()


def test_a_broken_head_is_told_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_while_writing(tmp_path / "run", monkeypatch)
    (tmp_path / "run" / HEAD_FILE).write_bytes(b"{}")
    with pytest.raises(StorageError, match=HEAD_FILE):
        complete_result(tmp_path / "run")


def test_a_broken_journal_is_told_with_its_file_and_no_half_of_a_result_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    killed_while_writing(folder, monkeypatch)
    _, second, *_ = read_frames(folder)
    with (folder / JOURNAL_FILE).open("r+b") as file:
        file.seek(second.offset + LENGTH_BYTES)
        # The one byte that MessagePack never uses.
        file.write(b"\xc1")
    names = sorted(each.name for each in folder.iterdir())
    with pytest.raises(StorageError, match=JOURNAL_FILE):
        complete_result(folder)
    assert sorted(each.name for each in folder.iterdir()) == names


def test_a_file_is_on_the_disk_before_it_takes_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(files, "_to_disk", lambda path: order.append(path.name))
    replace = Path.replace

    def noted(own: Path, target: Path) -> Path:
        order.append("replace")
        return replace(own, target)

    monkeypatch.setattr(Path, "replace", noted)
    with files.written_whole(tmp_path / "file") as target:
        target.write_bytes(b"new")
    assert order == [target.name, "replace", tmp_path.name]
