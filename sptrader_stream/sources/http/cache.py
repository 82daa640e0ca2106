"""Answers of a market-data server, kept on the disk under their ``ETag``: what has not changed does not come again.

It is a convenience: what cannot be read, written or trusted is left out of it, and asked for.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.decoding import msgpack_decoder
from sptrader_stream.errors import StorageError
from sptrader_stream.files import leftovers, written_whole

CACHE_VARIABLE: Final = "SPTRADER_MARKET_DATA_CACHE"
DEFAULT_BYTES: Final = 1 << 30
_ENDING: Final = ".answer"


class Kept(msgspec.Struct, frozen=True):
    """An answer: what was asked, under which tag it came, its body and the SHA-256 of that."""

    url: str
    etag: str
    body: bytes
    digest: bytes


class AnswerCache:
    """A folder of answers.

    Args:
        folder: made when there is something to keep.
        most: bytes of all of them; those that were not used for longest go first.
    """

    def __init__(self, folder: Path, most: int = DEFAULT_BYTES) -> None:
        self._folder = folder
        self._most = most

    def find(self, url: str) -> Kept | None:
        """Find the answer to a request; None where there is none that is whole."""
        file = self._file(url)
        try:
            found = msgpack_decoder(Kept).decode(file.read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None
        if found.url != url or found.digest != hashlib.sha256(found.body).digest():
            return None
        with suppress(OSError):
            os.utime(file)
        return found

    def keep(self, url: str, etag: str, body: bytes) -> None:
        """Keep an answer in the place of an older one, and make room for it."""
        kept = Kept(url, etag, body, hashlib.sha256(body).digest())
        with suppress(OSError, StorageError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with written_whole(self._file(url), synced=False) as target:
                target.write_bytes(msgspec.msgpack.encode(kept))
            self._make_room()

    def _file(self, url: str) -> Path:
        return self._folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}{_ENDING}"

    def _make_room(self) -> None:
        files = [(each.stat(), each) for each in [*self._folder.glob(f"*{_ENDING}"), *leftovers(self._folder)]]
        total = sum(stat.st_size for stat, _ in files)
        for stat, file in sorted(files, key=lambda each: each[0].st_mtime_ns):
            if total <= self._most:
                return
            file.unlink(missing_ok=True)
            total -= stat.st_size


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Where answers are kept: as the environment says, else among the user's caches; None where it does not tell."""
    own = environment.get(CACHE_VARIABLE, "").strip()
    if own:
        return Path(own)
    base = environment.get("XDG_CACHE_HOME", "").strip()
    home = environment.get("HOME", "").strip()
    if base:
        return Path(base) / "sptrader" / "market-data"
    return Path(home) / ".cache" / "sptrader" / "market-data" if home else None
