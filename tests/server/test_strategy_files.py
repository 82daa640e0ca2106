"""Strategy files behind an editor: nothing leads out of the folder, nothing is lost, nothing half written is seen."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.errors import StorageError
from sptrader_stream.server.request_errors import (
    InvalidRequestError,
    MissingVersionError,
    RequestError,
    StaleVersionError,
    UnknownStrategyError,
)
from sptrader_stream.server.strategy_files import (
    ANY,
    InvalidStrategyError,
    NameTakenError,
    StrategyFiles,
    refuse_findings,
)

GOOD = "name: {name}\nentry:\n  when: [{{expr: close > sma(5)}}]\n  action: buy\n  size: 0.1\n"


def text(name: str = "good") -> str:
    return GOOD.format(name=name)


@pytest.fixture
def files(tmp_path: Path) -> StrategyFiles:
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / "first.yaml").write_text(text("one"))
    (folder / "second.yml").write_text(text("two"))
    return StrategyFiles(folder)


@pytest.mark.parametrize("name", ["first", "first.yaml", "one"])
def test_a_strategy_is_found_by_its_files_name_or_its_own(files: StrategyFiles, name: str) -> None:
    found = files.read(name)
    assert (found.name, found.file, found.text) == ("one", "first.yaml", text("one"))


def test_all_are_listed_but_for_what_is_hidden_linked_or_something_else(files: StrategyFiles, tmp_path: Path) -> None:
    folder = tmp_path / "strategies"
    (folder / ".hidden.yaml").write_text(text())
    (folder / "notes.txt").write_text("x")
    (folder / "folder.yaml").mkdir()
    (tmp_path / "outside.yaml").write_text(text("outside"))
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    assert [each.file for each in files.read_all()] == ["first.yaml", "second.yml"]
    with pytest.raises(UnknownStrategyError):
        files.read("link")


def test_a_folder_that_is_not_there_has_none_and_is_made_with_the_first(tmp_path: Path) -> None:
    files = StrategyFiles(tmp_path / "a" / "strategies")
    assert files.read_all() == []
    files.write("new", text(), seen=None)
    assert files.read("new").text == text()


def test_the_nearest_name_is_told(files: StrategyFiles) -> None:
    with pytest.raises(UnknownStrategyError, match=r"did you mean 'first'\?.*there are: first, second"):
        files.read("frist")


ESCAPES = [
    "../first", "..", ".", "", "/etc/passwd", "a/b", "a\\b", "signals/../first", ".hidden", "-x", " x", "x ", "x.",
    "a\0b", "a\nb", "x" * 101, "ü" * 101, "first.yaml.yaml", "x.yml", "con:x", "~root", "$HOME", "a;b", "x\u202ey",
]  # fmt: skip


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_that_is_no_plain_files_name_is_refused(files: StrategyFiles, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidRequestError):
        files.write(name, text(), seen=None)
    with pytest.raises(UnknownStrategyError):
        files.read(name)
    with pytest.raises(UnknownStrategyError):
        files.remove(name, seen=ANY)
    assert sorted(tmp_path.rglob("*")) == before


@given(st.text(max_size=120))
@settings(max_examples=300, deadline=None)
def test_no_text_leads_out_of_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.mktemp("root")
    files = StrategyFiles(root / "strategies")
    try:
        found, _ = files.write(name, text(), seen=None)
    except InvalidRequestError:
        assert list(root.iterdir()) == []
        return
    assert [each.name for each in root.iterdir()] == ["strategies"]
    assert [each.name for each in (root / "strategies").iterdir()] == [found.file]
    assert files.read(found.file).text == text()


def test_a_file_is_replaced_by_who_has_seen_its_version_only(files: StrategyFiles) -> None:
    seen = files.read("first").version
    with pytest.raises(MissingVersionError, match="If-Match"):
        files.write("first", "x", seen=None)
    now, is_new = files.write("first", text("another"), seen=seen)
    assert not is_new
    assert now.version != seen
    with pytest.raises(StaleVersionError, match="changed in the meantime"):
        files.write("first", "x", seen=seen)
    assert files.read("first").text == text("another")
    files.write("first", text("any"), seen=ANY)
    with pytest.raises(StaleVersionError, match="already"):
        files.write("first", "x", seen=None, only_new=True)
    with pytest.raises(StaleVersionError, match="no strategy file"):
        files.write("unknown", "x", seen=seen)
    assert files.read("first").text == text("any")


def test_a_file_is_removed_by_who_has_seen_its_version_only(files: StrategyFiles) -> None:
    seen = files.read("first").version
    with pytest.raises(MissingVersionError):
        files.remove("first", seen=None)
    with pytest.raises(StaleVersionError):
        files.remove("first", seen="other")
    files.remove("first", seen=seen)
    with pytest.raises(UnknownStrategyError):
        files.remove("first", seen=seen)


def test_of_many_who_saw_the_same_version_one_writes(files: StrategyFiles) -> None:
    seen = files.read("first").version
    start = threading.Barrier(16)
    written: list[str] = []
    refused: list[RequestError] = []

    def save(number: int) -> None:
        mine = text(f"n{number}")
        start.wait()
        try:
            files.write("first", mine, seen=seen)
        except StaleVersionError as error:
            refused.append(error)
        else:
            written.append(mine)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(written), len(refused)) == (1, 15)
    assert files.read("first").text == written[0]


def test_who_reads_while_others_write_sees_one_of_the_texts_whole(files: StrategyFiles) -> None:
    texts = [text(f"n{number}") + "#" * 50_000 * number for number in range(4)]
    files.write("first", texts[0], seen=ANY)
    done = threading.Event()
    seen: set[str] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(files.read("first.yaml").text)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(60):
        files.write("first", texts[number % 4], seen=ANY)
    done.set()
    reader.join()
    assert seen <= set(texts)


def test_nothing_but_strategy_files_is_replaced(files: StrategyFiles, tmp_path: Path) -> None:
    folder = tmp_path / "strategies"
    (folder / "folder.yaml").mkdir()
    outside = tmp_path / "outside.yaml"
    outside.write_text("untouched")
    (folder / "link.yaml").symlink_to(outside)
    for name in ("folder", "link"):
        with pytest.raises(NameTakenError):
            files.write(name, text(), seen=ANY)
    assert outside.read_text() == "untouched"


def test_a_folder_that_cannot_be_written_is_told(
    files: StrategyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    # Who may do everything, as in a container, is stopped by no folder's mode.
    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(StorageError, match="cannot be written: Read-only file system"):
        files.write("third", text(), seen=None)
    assert not list((tmp_path / "strategies").glob("*third*"))


def test_a_text_that_is_too_long_is_refused(files: StrategyFiles) -> None:
    with pytest.raises(InvalidRequestError, match="1,048,576 bytes at most"):
        files.write("long", "#" * 1_048_577, seen=None)


def test_every_finding_is_told_with_line_and_path(files: StrategyFiles) -> None:
    broken = "name: x\nentry:\n  when: [{expr: close > smaa(5)}]\n  action: bye\n  size: 0.1\nexits: {}\n"
    checked = files.check(broken, "x.yaml")
    assert checked.plan is None
    assert [(each.line, each.path) for each in checked.findings] == [
        (3, "entry.when[0].expr"),
        (4, "entry.action"),
        (6, "exits"),
    ]
    with pytest.raises(InvalidStrategyError, match="3 things are wrong") as refused:
        refuse_findings(checked, "x")
    assert refused.value.errors == checked.findings


def test_a_name_that_another_file_states_is_a_finding(files: StrategyFiles) -> None:
    checked = files.check_to_save("third", text("two"))
    assert [(each.path, each.line) for each in checked.findings] == [("name", 1)]
    assert "second.yml has the name 'two' already" in checked.findings[0].message
    assert files.check_to_save("second", text("two")).findings == []


@given(st.text(max_size=400) | st.sampled_from(["[" * 5_000, "{a: " * 3_000, "a: &a [*a]", "- " * 4_000 + "x"]))
@settings(max_examples=150, deadline=None)
def test_any_text_is_checked_without_a_mistake_of_ours(tmp_path_factory: pytest.TempPathFactory, said: str) -> None:
    checked = StrategyFiles(tmp_path_factory.getbasetemp()).check(said, "x.yaml")
    assert (checked.plan is None) == bool(checked.findings)
