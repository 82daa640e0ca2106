"""The strategies in a folder, found by the name that their file states or by the file's own name."""

from __future__ import annotations

import re
from pathlib import Path

from sptrader_stream.errors import ConfigError, UserError
from sptrader_stream.rules.findings import nearest

_SUFFIXES = (".yaml", ".yml")
_NAME = re.compile(r"""^name:[ \t]*(?:"([^"\n]+)"|'([^'\n]+)'|([^"'#\n]+?))[ \t]*(?:#.*)?\r?$""", re.MULTILINE)


def list_strategies(folder: Path) -> dict[str, Path]:
    """All strategies by the name that their file states (the file's own name where it states none), sorted by name.

    Files are only looked through for their name, so that one broken file hides no other. A name that several files
    state stands for the first of them; the others go by their file's name with its suffix.

    Raises:
        ConfigError: there is no such folder.
    """
    found: dict[str, Path] = {}
    for path in _files(folder):
        name = stated_name(path)
        found[path.name if name in found else name] = path
    return dict(sorted(found.items()))


def find_strategy(folder: Path, name: str) -> Path:
    """Find a strategy by its name or its file's name, with or without suffix.

    ``name`` is only ever compared with what is in the folder, so no text of a stranger leads out of it.

    Raises:
        ConfigError: there is no such folder.
        UserError: there is no such strategy (names the nearest), or several files go by this name (names them).
    """
    files = {path: (stated_name(path), path.stem, path.name) for path in _files(folder)}
    for kind in range(3):
        paths = [path for path, names in files.items() if names[kind] == name]
        if len(paths) > 1:
            said = " and ".join(map(str, paths))
            raise UserError(
                f"several strategies have the name {name!r}: {said}; give the file's name with its suffix, "
                "or rename all but one"
            )
        if paths:
            return paths[0]
    stated = sorted({names[0] for names in files.values()})
    known = f" (there are: {', '.join(stated)})" if stated else " (the folder holds none)"
    stems = [path.stem for path in files]
    raise UserError(f"there is no strategy {name!r} in {folder}{nearest(name, [*stated, *stems])}{known}")


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(f"there is no folder of strategies {folder}")
    return sorted(each for each in folder.iterdir() if each.suffix in _SUFFIXES and each.is_file())


def stated_name(path: Path) -> str:
    """The name that a strategy file states, without examining the rest of it; the file's own where it states none."""
    return name_in(path.read_text(encoding="utf-8", errors="replace")) or path.stem


def name_in(text: str) -> str | None:
    """The name that a strategy's text states, without examining the rest of it; None where it states none."""
    found = _NAME.search(text)
    return next(each for each in found.groups() if each) if found else None
