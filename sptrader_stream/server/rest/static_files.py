"""Files that are served as they are: found by name in a table, kept in memory, compressed once.

Only what was found in the given folders at the start can be asked for: no text of a client ever becomes a path.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.errors import StorageError

_MEDIA_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
}
_COMPRESSED: Final = (".html", ".css", ".js", ".json", ".svg", ".txt")
_FEWEST_BYTES: Final = 1_024
_LEVEL: Final = 6
_DIGITS: Final = 24


class StaticFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file's content.

    Attributes:
        data: as it is.
        gzipped: compressed; None where that saves nothing.
        media_type: by its ending.
        etag: a hash of the content.
    """

    data: bytes
    gzipped: bytes | None
    media_type: str
    etag: str


class StaticFiles:
    """A table of files; safe to use from several threads.

    Args:
        files: by the name that they are asked for.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)
        self._loaded: dict[str, tuple[tuple[int, int], StaticFile]] = {}
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str) -> StaticFile | None:
        """Give a file as it is now; None where there is none of that name.

        Raises:
            StorageError: it cannot be read.
        """
        path = self._files.get(name)
        if path is None:
            return None
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            known = self._loaded.get(name)
            if known is not None and known[0] == stamp:
                return known[1]
            # One thread at a time: what is large is compressed once, however many ask for it.
            with self._lock:
                known = self._loaded.get(name)
                if known is None or known[0] != stamp:
                    self._loaded[name] = known = (stamp, _load(path))
                return known[1]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from error


def files_in(folder: Path, prefix: str = "") -> dict[str, Path]:
    """Find the files in a folder and those below it that a browser can be given, by name behind ``prefix``."""
    found = {}
    for root, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith((".", "_"))]
        for name in names:
            path = Path(root, name)
            if path.suffix in _MEDIA_TYPES and not name.startswith("."):
                found[prefix + path.relative_to(folder).as_posix()] = path
    return found


def _load(path: Path) -> StaticFile:
    data = path.read_bytes()
    gzipped = None
    if path.suffix in _COMPRESSED and len(data) >= _FEWEST_BYTES:
        gzipped = gzip.compress(data, _LEVEL, mtime=0)
    return StaticFile(
        data=data,
        gzipped=gzipped if gzipped is not None and len(gzipped) < len(data) else None,
        media_type=_MEDIA_TYPES[path.suffix],
        etag=hashlib.sha256(data).hexdigest()[:_DIGITS],
    )
