"""What the server keeps of a run is written whole, read again as it was, and removed at once."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from sptrader_stream.errors import StorageError
from sptrader_stream.server.documents import RunRequest, RunStatus
from sptrader_stream.server.runs.run_file import (
    RUN_FILE,
    RunFile,
    make_folder,
    read_run_file,
    remove_folder,
    run_folders,
    write_run_file,
)
from sptrader_stream.store.journal import JOURNAL_FILE

STATUS = RunStatus(
    backtest_id="a", status="running", strategy="dip", strategy_version="1", symbols=["EURUSD"], timeframe="1h",
    sources=["synthetic"], synthetic=True, execution_mode="research", created_at="2025-01-01T00:00:00.000Z",
    started_at=None, ended_at=None, queue_position=None, pace="max", progress_pct=12.5, start_capital="10000.00",
    current_capital="10001.23", open_positions=1, trades_count=2, candles=3, total_candles=None,
    candles_per_second=4.5, time=None, next_seq=9, failure=None, fingerprint=None, data_issues=[],
)  # fmt: skip
CONTENT = RunFile(request=RunRequest(strategy_name="dip", parameters={"fast": 5}), status=STATUS)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_run_file(tmp_path, CONTENT)
    assert read_run_file(tmp_path) == CONTENT


def test_a_folder_without_the_file_has_none(tmp_path: Path) -> None:
    assert read_run_file(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", '{"request":null}', "[]"])
def test_a_broken_file_is_told_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / RUN_FILE).write_text(text)
    with pytest.raises(StorageError, match=RUN_FILE):
        read_run_file(tmp_path)


def test_what_a_killed_server_was_writing_is_gone_at_the_next_start(tmp_path: Path) -> None:
    for name in ("of-the-server", "of-the-command-line"):
        make_folder(tmp_path / name)
        (tmp_path / name / ".result.json.0123abcd").touch()
    write_run_file(tmp_path / "of-the-server", CONTENT)
    (tmp_path / "of-the-command-line" / JOURNAL_FILE).touch()
    assert [each.name for each in run_folders(tmp_path)] == ["of-the-command-line", "of-the-server"]
    assert [each.name for each in (tmp_path / "of-the-server").iterdir()] == [RUN_FILE]
    assert (tmp_path / "of-the-command-line" / ".result.json.0123abcd").exists()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run_file(tmp_path, CONTENT)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="No space left"):
        write_run_file(tmp_path, msgspec.structs.replace(CONTENT, request=None))
    monkeypatch.undo()
    assert read_run_file(tmp_path) == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == [RUN_FILE]


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    make_folder(tmp_path / "backtests" / "a")
    with pytest.raises(StorageError, match="a: cannot be written"):
        make_folder(tmp_path / "backtests" / "a")


def test_a_removed_run_is_gone(tmp_path: Path) -> None:
    make_folder(tmp_path / "a")
    write_run_file(tmp_path / "a", CONTENT)
    remove_folder(tmp_path / "a")
    remove_folder(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_removal_that_was_interrupted_is_ended_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        make_folder(tmp_path / name)
        write_run_file(tmp_path / name, CONTENT)

    def interrupted(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", interrupted)
        with pytest.raises(StorageError, match="cannot be removed"):
            remove_folder(tmp_path / "a")
    assert list(run_folders(tmp_path)) == [tmp_path / "b"]
    assert [each.name for each in tmp_path.iterdir()] == ["b"]


def test_only_folders_of_runs_are_found(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "journal.msgpack").touch()
    assert list(run_folders(tmp_path)) == [tmp_path / "cli"]
    assert list(run_folders(tmp_path / "nowhere")) == []
