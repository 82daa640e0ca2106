"""The strategy files of a workspace as an editor sees them: listed, read, checked, replaced and removed by name.

A name is compared with what is in the folder and never made into a path before it has passed for a plain file's name,
so that no text of a stranger leads out of the folder; symbolic links are passed over. A file's version is a hash of its
bytes. Who replaces or removes a file names the version that he has seen, and is refused when it is another by now.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.errors import StorageError, StrategyError
from sptrader_stream.files import written_whole
from sptrader_stream.rules.findings import nearest
from sptrader_stream.rules.folder import name_in, stated_name
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.request_errors import (
    InvalidRequestError,
    MissingVersionError,
    RequestError,
    StaleVersionError,
    UnknownStrategyError,
)

MOST_BYTES: Final = 1_048_576
# Stands for any version.
ANY: Final = "*"
_SUFFIXES: Final = (".yaml", ".yml")
_LONGEST_NAME: Final = 100
_NAME: Final = re.compile(r"\w(?:[\w .-]*[\w-])?")
_VERSION_DIGITS: Final = 32


class InvalidStrategyError(RequestError):
    """A strategy's text has findings; ``errors`` has all of them, with line and path."""

    code = "invalid_strategy"


class NameTakenError(RequestError):
    """Something that is no strategy file has the name already."""

    status = 409
    code = "name_taken"


class StrategyText(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy file: the name that it states, its own name, what it says, and the version of that."""

    name: str
    file: str
    text: str
    version: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a text: a plan, or findings."""

    plan: StrategyPlan | None
    findings: list[FieldProblem]


class StrategyFiles:
    """A folder of strategies; safe to use from several threads.

    Args:
        folder: where the files are; made when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Between looking at a version and writing the next one nobody else may write.
        self._lock = threading.Lock()

    def read_all(self) -> list[StrategyText]:
        """Every strategy file, sorted by name.

        Raises:
            StorageError: the folder or a file cannot be read.
        """
        return [found for path in self._files() if (found := self._read(path)) is not None]

    def read(self, name: str) -> StrategyText:
        """Read a strategy by its file's name, with or without suffix, or by the name that the file states.

        Raises:
            UnknownStrategyError: there is none.
        """
        path = self._find(name)
        found = None if path is None else self._read(path)
        if found is None:
            raise self._unknown(name)
        return found

    def version(self, name: str) -> str | None:
        """The version of a strategy; None where there is none of that name."""
        path = self._find(name)
        found = None if path is None else self._read(path)
        return None if found is None else found.version

    def check(self, text: str, file: str) -> Checked:
        """Compile a text and tell what is wrong with it.

        Args:
            text: YAML.
            file: how to call it.
        """
        try:
            plan = compile_strategy(text, file, signals_folder=self._folder / "signals")
        except StrategyError as error:
            findings = [FieldProblem(path=each.path, message=each.message, line=each.line) for each in error.findings]
            return Checked(plan=None, findings=findings)
        return Checked(plan=plan, findings=[])

    def check_to_save(self, name: str, text: str) -> Checked:
        """Check a text as :meth:`check` does, and that no other file states the same name.

        Two files of one name could not be run by it any more.

        Raises:
            InvalidRequestError: the name will not do for a file.
        """
        file = self._target(name).name
        checked = self.check(text, file)
        if checked.plan is None:
            return checked
        stated = checked.plan.name
        other = next((each.name for each in self._files() if each.name != file and stated_name(each) == stated), None)
        if other is None:
            return checked
        line = next((number for number, each in enumerate(text.splitlines(), 1) if each.startswith("name:")), 0)
        message = f"{other} has the name {stated!r} already: choose another one"
        return Checked(plan=None, findings=[FieldProblem(path="name", message=message, line=line)])

    def write(self, name: str, text: str, *, seen: str | None, only_new: bool = False) -> tuple[StrategyText, bool]:
        """Write a strategy, whole or not at all.

        Args:
            name: as for :meth:`read`; of a new one the file's name, with or without ``.yaml``.
            text: what the file is to say.
            seen: the version that is to be replaced, ``ANY`` for whichever there is, None for a new file.
            only_new: refuse to replace a file, whatever its version.

        Returns:
            What stands there now, and whether it is new.

        Raises:
            InvalidRequestError: the name will not do for a file, or the text is too long.
            MissingVersionError: there is such a file, and no version was given.
            StaleVersionError: the version is not that of the file, or there is no file.
            NameTakenError: a folder or a link has the name.
            StorageError: it cannot be written.
        """
        data = text.encode("utf-8", "surrogatepass")
        if len(data) > MOST_BYTES:
            raise InvalidRequestError(f"a strategy has {MOST_BYTES:,} bytes at most, this one has {len(data):,}")
        with self._lock:
            target, present = self._checked_target(name, seen, only_new)
            self._folder.mkdir(parents=True, exist_ok=True)
            with written_whole(target) as file:
                file.write_bytes(data)
        return _strategy_text(target, data), present is None

    def check_version(self, name: str, *, seen: str | None, only_new: bool = False) -> None:
        """Raise what :meth:`write` would raise, but for what is wrong with the text or the disk."""
        with self._lock:
            self._checked_target(name, seen, only_new)

    def remove(self, name: str, *, seen: str | None) -> None:
        """Remove a strategy file.

        Args:
            name: as for :meth:`read`.
            seen: the version that is to be removed, ``ANY`` for whichever there is.

        Raises:
            UnknownStrategyError: there is none.
            MissingVersionError, StaleVersionError: as for :meth:`write`.
            StorageError: it cannot be removed.
        """
        with self._lock:
            path = self._find(name)
            present = None if path is None else self._read(path)
            if path is None or present is None:
                raise self._unknown(name)
            _check_seen(present, seen)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise StorageError(f"{path}: cannot be removed: {error.strerror or error}") from error

    def _checked_target(self, name: str, seen: str | None, only_new: bool) -> tuple[Path, StrategyText | None]:
        target = self._target(name)
        present = self._read(target) if target.is_file() and not target.is_symlink() else None
        if present is not None:
            if only_new:
                raise StaleVersionError(f"there is a strategy file {present.file} already")
            _check_seen(present, seen)
        elif os.path.lexists(target):
            raise NameTakenError(f"{target.name} is there and is not a strategy file: choose another name")
        elif seen is not None:
            raise StaleVersionError(
                f"there is no strategy file {target.name} any more; without If-Match it is made anew"
            )
        return target, present

    def _target(self, name: str) -> Path:
        """Where a strategy of this name is, or would be.

        Raises:
            InvalidRequestError: there is none, and the name will not do for a file.
        """
        found = self._find(name)
        if found is not None:
            return found
        stem = name.removesuffix(".yaml")
        if not _NAME.fullmatch(stem) or len(stem) > _LONGEST_NAME or len(os.fsencode(stem)) > 2 * _LONGEST_NAME:
            raise InvalidRequestError(
                f"{name!r} will not do for a strategy's file: expected up to {_LONGEST_NAME} letters, digits, _, -, "
                "dots and spaces, a letter, digit or _ in front",
                [FieldProblem(path="name", message="not a name for a file")],
            )
        if Path(stem).suffix in _SUFFIXES:
            raise InvalidRequestError(f"{name!r} will not do for a strategy's file: new ones end with .yaml")
        return self._folder / f"{stem}.yaml"

    def _files(self) -> list[Path]:
        try:
            entries = sorted(self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"{self._folder}: cannot be read: {error.strerror or error}") from error
        return [
            each
            for each in entries
            if each.suffix in _SUFFIXES and not each.name.startswith(".") and each.is_file() and not each.is_symlink()
        ]

    def _find(self, name: str) -> Path | None:
        files = self._files()
        for path in files:
            if name in (path.name, path.stem):
                return path
        named = [path for path in files if stated_name(path) == name]
        return named[0] if len(named) == 1 else None

    def _read(self, path: Path) -> StrategyText | None:
        """Read a file; None where it is gone by now."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from error
        return _strategy_text(path, data)

    def _unknown(self, name: str) -> UnknownStrategyError:
        stems = [path.stem for path in self._files()]
        known = f" (there are: {', '.join(stems)})" if stems else " (there is none)"
        return UnknownStrategyError(f"there is no strategy {name!r}{nearest(name, stems)}{known}")


def refuse_findings(checked: Checked, file: str) -> None:
    """Refuse a text that has findings.

    Raises:
        InvalidStrategyError: with all of them.
    """
    if checked.findings:
        count = len(checked.findings)
        said = "1 thing is" if count == 1 else f"{count} things are"
        raise InvalidStrategyError(
            f"{file} was not saved: {said} wrong in it; ?draft=true saves it as it is", checked.findings
        )


def _check_seen(present: StrategyText, seen: str | None) -> None:
    if seen is None:
        raise MissingVersionError(
            f"{present.file} is there already: name the version that you have seen, by the header If-Match with the "
            "file's ETag"
        )
    if seen not in (ANY, present.version):
        raise StaleVersionError(f"{present.file} was changed in the meantime: read it again before you save")


def _strategy_text(path: Path, data: bytes) -> StrategyText:
    text = data.decode("utf-8", "replace")
    return StrategyText(name=name_in(text) or path.stem, file=path.name, text=text, version=_version(data))


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_VERSION_DIGITS]
