"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.errors import StorageError
from sptrader_stream.files import held, leftovers, written_whole


def test_a_file_takes_the_place_of_the_old_one_when_all_of_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("old")
    with written_whole(file) as target:
        target.write_text("new")
        assert file.read_text() == "old"
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"page.html": "new"}


def write_half(file: Path) -> None:
    with written_whole(file) as target:
        target.write_text("a half of the n")
        raise OSError(28, "No space left on device")


def test_a_file_that_could_not_be_finished_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("old")
    with pytest.raises(StorageError, match=r"page\.html: cannot be written: No space left"):
        write_half(file)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"page.html": "old"}


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(StorageError, match="there: cannot be written"), written_whole(tmp_path / "there") as target:
        target.write_text("new")
    assert [each.name for each in tmp_path.iterdir()] == ["there"]


def test_two_who_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    with written_whole(file) as first, written_whole(file) as second:
        first.write_text("first")
        second.write_text("second")
        assert sorted(leftovers(tmp_path)) == sorted([first, second])
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"result.json": "first"}


def test_what_a_killed_program_has_left_is_known_by_its_name(tmp_path: Path) -> None:
    for name in (".result.json.0123abcd", "result.json", ".lock", ".hidden.yaml", "a.0123abcd"):
        (tmp_path / name).touch()
    assert [each.name for each in leftovers(tmp_path)] == [".result.json.0123abcd"]


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "new" / ".lock"
    with held(lock, "taken"), pytest.raises(StorageError, match=r"^taken$"), held(lock, "taken"):
        pass
    with held(lock, "taken"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"), held(tmp_path / "file" / ".lock", "taken"):
        pass
