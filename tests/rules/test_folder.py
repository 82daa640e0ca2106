"""Finding strategies in a folder by name, and never outside of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.errors import ConfigError, UserError
from sptrader_stream.rules.folder import find_strategy, list_strategies


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "strategies"
    inside.mkdir()
    (tmp_path / "outside.yaml").write_text("name: outside\n")
    (inside / "one.yaml").write_text('version: 1\nname: "first one"  # so called\n')
    (inside / "two.yml").write_text("name: 'second'\r\n")
    (inside / "three.yaml").write_text("nothing: here\n  broken: [\n")
    (inside / "four.yaml").write_text("entry:\n  name: inner\nname: fourth # a word\n")
    (inside / "notes.txt").write_text("name: notes\n")
    (inside / "signals").mkdir()
    return inside


def test_strategies_are_listed_by_the_name_they_state(folder: Path) -> None:
    assert {name: path.name for name, path in list_strategies(folder).items()} == {
        "first one": "one.yaml",
        "fourth": "four.yaml",
        "second": "two.yml",
        "three": "three.yaml",
    }


@pytest.mark.parametrize("name", ["first one", "one", "one.yaml"])
def test_a_strategy_is_found_by_its_name_or_its_files(folder: Path, name: str) -> None:
    assert find_strategy(folder, name) == folder / "one.yaml"


@pytest.mark.parametrize(
    "name", ["../outside", "../outside.yaml", "outside", "/etc/passwd", "", ".", "..", "signals", "notes"]
)
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(UserError, match="there is no strategy"):
        find_strategy(folder, name)
    with pytest.raises(UserError, match="there is no strategy"):
        find_strategy(folder, str(folder.parent / "outside.yaml"))


def test_a_miss_offers_the_nearest(folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"'secnod' in .*; did you mean 'second'\? \(there are: first one, fourth, second, three\)"
    ):
        find_strategy(folder, "secnod")


@pytest.mark.parametrize("other", ["aa.yaml", "zz.yaml", "second.yaml"])
def test_a_name_that_two_files_state_is_refused_with_both(folder: Path, other: str) -> None:
    (folder / other).write_text("name: second\n")
    with pytest.raises(UserError, match="several strategies have the name 'second'") as caught:
        find_strategy(folder, "second")
    assert str(folder / other) in str(caught.value)
    assert str(folder / "two.yml") in str(caught.value)
    assert set(list_strategies(folder).values()) >= {folder / other, folder / "two.yml"}


def test_a_file_named_like_what_another_states_hides_nothing(folder: Path) -> None:
    (folder / "aa.yaml").write_text("name: same\n")
    (folder / "same.yaml").write_text("name: same\n")
    with pytest.raises(UserError, match=r"aa\.yaml and .*same\.yaml"):
        find_strategy(folder, "same")
    assert find_strategy(folder, "same.yaml") == folder / "same.yaml"


def test_two_files_of_one_name_are_found_by_their_files(folder: Path) -> None:
    (folder / "zz.yaml").write_text("name: second\n")
    assert find_strategy(folder, "two") == folder / "two.yml"
    assert find_strategy(folder, "two.yml") == folder / "two.yml"
    assert find_strategy(folder, "zz") == folder / "zz.yaml"


def test_an_absent_folder_is_said_to_be_absent(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder of strategies"):
        list_strategies(tmp_path / "none")


def test_an_empty_folder_holds_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the folder holds none"):
        find_strategy(tmp_path, "any")
