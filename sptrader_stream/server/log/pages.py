"""Pages of encoded events, and the cache of them that all runs share, bounded by bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from sptrader_stream.server.log.encoding import Format

DEFAULT_CACHE_BYTES: Final = 67_108_864


class Page:
    """Frames of consecutive events, the first of which has the number ``first``.

    Attributes:
        next: the number behind the last one.
        size: bytes of all frames.
    """

    def __init__(self, first: int) -> None:
        self.next = first
        self.size = 0
        self._first = first
        self._frames: list[bytes] = []
        # What was joined last: those who follow closely all ask for the same.
        self._joined = (first, first, b"")

    def extend(self, frames: Iterable[bytes]) -> None:
        """Add the next events."""
        before = len(self._frames)
        self._frames.extend(frames)
        self.next = self._first + len(self._frames)
        self.size += sum(map(len, self._frames[before:]))

    def join(self, seq: int) -> bytes:
        """Give the frames from a number on, one behind the other."""
        if self._joined[:2] != (seq, self.next):
            self._joined = (seq, self.next, b"".join(self._frames[seq - self._first :]))
        return self._joined[2]


class PageCache:
    """The pages that were used last.

    Args:
        most: bytes of all pages together; the page used last is kept whatever its size.
    """

    def __init__(self, most: int = DEFAULT_CACHE_BYTES) -> None:
        self._most = most
        self._size = 0
        self._pages: OrderedDict[tuple[str, int, Format], tuple[Page, int]] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of all pages."""
        return self._size

    def find(self, run: str, number: int, form: Format) -> Page | None:
        """Look a page up."""
        found = self._pages.get((run, number, form))
        if found is None:
            return None
        self._pages.move_to_end((run, number, form))
        return found[0]

    def keep(self, run: str, number: int, form: Format, page: Page) -> None:
        """Keep a page that is new or has grown."""
        key = (run, number, form)
        old = self._pages.pop(key, None)
        self._size += page.size - (0 if old is None else old[1])
        self._pages[key] = (page, page.size)
        while self._size > self._most and len(self._pages) > 1:
            _, (_, size) = self._pages.popitem(last=False)
            self._size -= size
