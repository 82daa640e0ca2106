"""A workspace finds strategies and configuration, and a new one is never laid over existing files."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream import workspace as workspaces
from sptrader_stream.errors import ConfigError, UserError
from sptrader_stream.workspace import Workspace, create_workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / "golden-cross.yaml").write_text("version: 1\nname: golden_cross_strategy  # the name that counts\n")
    (folder / "quoted.yml").write_text('name: "quoted name"\n')
    (folder / "nameless.yaml").write_text("entry: {}\n")
    (folder / "notes.txt").write_text("name: not_a_strategy\n")
    return Workspace(tmp_path)


def test_strategies_go_by_the_name_that_their_file_states(workspace: Workspace) -> None:
    names = {name: file.name for name, file in workspace.strategy_files().items()}
    assert names == {
        "golden_cross_strategy": "golden-cross.yaml",
        "nameless": "nameless.yaml",
        "quoted name": "quoted.yml",
    }


@pytest.mark.parametrize("name", ["golden_cross_strategy", "golden-cross"])
def test_a_strategy_is_found_by_its_name_or_its_files_name(workspace: Workspace, name: str) -> None:
    assert workspace.find_strategy(name).name == "golden-cross.yaml"


def test_a_strategy_is_found_by_a_path(workspace: Workspace, tmp_path: Path) -> None:
    elsewhere = tmp_path / "mine.yaml"
    elsewhere.write_text("name: mine\n")
    assert workspace.find_strategy(str(elsewhere)) == elsewhere


def test_a_misspelt_strategy_is_answered_with_the_nearest_one(workspace: Workspace) -> None:
    with pytest.raises(UserError, match=r"no strategy 'golden_cros_strategy' .*did you mean '?golden_cross_strategy"):
        workspace.find_strategy("golden_cros_strategy")


def test_a_strategy_like_no_other_is_answered_with_all_of_them(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="there are: golden_cross_strategy, nameless, quoted name"):
        workspace.find_strategy("zzz")


def test_a_path_to_nothing_is_named(workspace: Workspace) -> None:
    with pytest.raises(UserError, match=r"no strategy file nowhere/x\.yaml"):
        workspace.find_strategy("nowhere/x.yaml")


def test_a_folder_without_strategies_says_how_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sptrader init"):
        Workspace(tmp_path).find_strategy("anything")


def test_a_missing_workspace_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no folder .*nowhere"):
        open_workspace(tmp_path / "nowhere")


def test_the_workspaces_own_configuration_goes_before_the_starters(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.config_file("instruments.yaml").parent == workspaces.starter_folder() / "config"
    workspace.config.mkdir()
    own = workspace.config / "instruments.yaml"
    own.touch()
    assert workspace.config_file("instruments.yaml") == own


def test_a_new_workspace_holds_the_starters_files(tmp_path: Path) -> None:
    new = tmp_path / "new"
    created = create_workspace(new)
    starter = workspaces.starter_folder()
    shipped = {each for name in ("strategies", "config") for each in (starter / name).rglob("*.yaml")}
    assert shipped
    assert {starter / each.relative_to(new) for each in created if each.suffix == ".yaml"} == shipped
    assert all(each.read_bytes() == (starter / each.relative_to(new)).read_bytes() for each in created)


def test_a_new_workspace_overwrites_nothing(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "instruments.yaml").write_text("mine")
    with pytest.raises(ConfigError, match=r"instruments\.yaml is there already; nothing was changed"):
        create_workspace(tmp_path)
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["instruments.yaml"]


def test_a_package_brings_its_starter_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "sptrader_stream"
    (package / "starter" / "strategies").mkdir(parents=True)
    monkeypatch.setattr(workspaces, "__file__", str(package / "workspace.py"))
    assert workspaces.starter_folder() == package / "starter"
