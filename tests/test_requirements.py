"""Every installed version is locked by hash, and nothing says where packages come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LOCKS = sorted((Path(__file__).parents[1] / "requirements").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_each_requirement_is_one_version_with_hashes(lock: Path) -> None:
    entries = lock.read_text().replace("\\\n", "").splitlines()
    assert entries
    for entry in entries:
        assert re.fullmatch(r"[a-z0-9-]+==[^ ;]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", entry), entry


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_index_is_named(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "index" not in text


def test_versions_agree_between_the_files() -> None:
    seen: dict[str, set[str]] = {}
    for lock in LOCKS:
        pins: dict[str, set[str]] = {}
        for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE):
            pins.setdefault(name, set()).add(version)
        for name, versions in pins.items():
            assert seen.setdefault(name, versions) == versions, name
