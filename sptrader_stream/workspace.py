"""A user's folder: strategies, configuration and results, where they are and how a new one is made.

    strategies/   strategy files, the user's own signals in strategies/signals/
    config/       instruments.yaml and other settings
    data/         candles: the catalog's folders, and files
    backtests/    one folder per run

The source checkout is such a folder. An installed package brings the same files as a starter, which ``sptrader init``
copies and which stands in where a folder has no configuration of its own.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sptrader_stream.errors import ConfigError, UserError
from sptrader_stream.rules.folder import find_strategy, list_strategies

_STARTER_FOLDERS = ("strategies", "config")


class Workspace(msgspec.Struct, frozen=True):
    """A folder that commands work in."""

    folder: Path

    @property
    def strategies(self) -> Path:
        """Where strategy files are."""
        return self.folder / "strategies"

    @property
    def config(self) -> Path:
        """Where configuration files are."""
        return self.folder / "config"

    @property
    def data(self) -> Path:
        """Where candles are."""
        return self.folder / "data"

    @property
    def backtests(self) -> Path:
        """Where runs leave their results."""
        return self.folder / "backtests"

    def strategy_files(self) -> dict[str, Path]:
        """All strategies by the name that their file states, sorted.

        Raises:
            ConfigError: there is no strategies folder.
        """
        return list_strategies(self._existing_strategies())

    def find_strategy(self, name: str) -> Path:
        """Find a strategy by a path to its file, by its name, or by its file's name.

        Raises:
            ConfigError: the workspace has no strategies folder.
            UserError: there is no such strategy; the message names the nearest ones.
        """
        path = Path(name)
        if len(path.parts) == 1 and not path.is_file():
            return find_strategy(self._existing_strategies(), name)
        if not path.is_file():
            raise UserError(f"there is no strategy file {name}")
        return path

    def _existing_strategies(self) -> Path:
        if not self.strategies.is_dir():
            raise ConfigError(
                f"{self.folder} has no strategies folder: make one with `sptrader init DIR`, "
                "or name a workspace with --workspace"
            )
        return self.strategies

    def config_file(self, name: str) -> Path:
        """A configuration file: the workspace's own, else the starter's."""
        own = self.config / name
        return own if own.is_file() else starter_folder() / "config" / name


def open_workspace(folder: Path | None) -> Workspace:
    """The workspace in ``folder``, by default in the current folder.

    Raises:
        ConfigError: there is no such folder.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}; `sptrader init {folder}` makes a workspace there")
    return Workspace(folder or Path())


def starter_folder() -> Path:
    """Where the shipped strategies and configuration are: inside an installed package, or the source checkout's own."""
    package = Path(__file__).parent
    packed = package / "starter"
    return packed if packed.is_dir() else package.parent


def create_workspace(folder: Path) -> list[Path]:
    """Copy the starter's strategies and configuration into ``folder``, made where it is missing; answers the new files.

    Raises:
        ConfigError: a file would be overwritten, or the folder cannot be written.
    """
    starter = starter_folder()
    copies = [
        (source, folder / source.relative_to(starter))
        for name in _STARTER_FOLDERS
        for source in sorted((starter / name).rglob("*"))
        if source.is_file() and "__pycache__" not in source.parts
    ]
    there = next((target for _, target in copies if target.exists()), None)
    if there is not None:
        raise ConfigError(f"{there} is there already; nothing was changed")
    try:
        for source, target in copies:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot write the workspace {folder}: {error.strerror}: {error.filename}") from None
    return [target for _, target in copies]


def make_run_id(strategy: str, moment: datetime) -> str:
    """Name a run so that a listing of runs is in order of time: ``20250331T143000Z-rsi_pullback-3fa9c0de``."""
    plain = "".join(each if each.isalnum() or each in "-_" else "_" for each in strategy)
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{plain}-{os.urandom(4).hex()}"
