"""The manifest of a series: which files hold its candles, what they are, and where they come from.

A series is the folder ``<symbol>/<timeframe>`` of a catalog. What its ``manifest.json`` does not name is not part of
it, so that whoever is killed while writing leaves the series as it was. Files are named by their content and are never
changed: a month that changes becomes another file. The one before it stays until the series changes once more, for
those who read it just then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.decoding import json_decoder
from sptrader_stream.errors import DataError
from sptrader_stream.files import written_whole
from sptrader_stream.sources.source import Trust
from sptrader_stream.timeframes import TICK, parse_time

MANIFEST_FILE: Final = "manifest.json"
_VERSION: Final = 1


class MonthFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file with the candles, or ticks, of a month.

    Attributes:
        month: such as ``2025-03``.
        file: its name.
        rows: how many candles it has.
        start, end: open times of its first and last candle, RFC 3339.
        gaps: how many gaps it has while the market was open, from its first candle to its last.
        missing: how many candles are missing in them.
        sha256: of the file.
    """

    month: str
    file: str
    rows: int
    start: str
    end: str
    gaps: int
    missing: int
    sha256: str


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where candles came from that were new to the series, or took the place of others.

    Attributes:
        source: the file, or what the source is called.
        kind: of the source, see ``SourceInfo``.
        trust: what the source is worth, see ``SourceInfo``.
        retrieved_at: when they were taken in, RFC 3339.
        start, end: open times of the first and last candle that came, RFC 3339.
        rows: how many came.
        new: how many of them were new or took the place of others.
        sha256: of the file; None where the source is none.
    """

    source: str
    kind: str
    trust: Trust
    retrieved_at: str
    start: str = ""
    end: str = ""
    rows: int = 0
    new: int = 0
    sha256: str | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a series holds.

    Attributes:
        symbol, timeframe: what it is of; ``TICK`` for one of ticks, and what is said here of candles is said of them.
        price_precision: decimal places of its prices.
        has_spread: whether its candles say their spread; ticks have bid and ask.
        rows: how many candles it has.
        start, end: open times of its first and last candle, RFC 3339; None where it is empty.
        gaps, missing: how many gaps it has while the market was open, and how many candles are missing in them; of
            ticks none.
        checksum: of the whole: SHA-256 over those of the months.
        months: its files, in order of time.
        origins: where its candles came from, the latest last.
        fetched: ranges that a market-data server was asked for, open times in RFC 3339, inclusive, in order.
        verified: the checksum of the state that somebody has vouched for; empty for none.
        replaced: files of the state before this one; removed with the next change.
        version: of this document.
    """

    symbol: str
    timeframe: str
    price_precision: int
    has_spread: bool
    rows: int = 0
    start: str | None = None
    end: str | None = None
    gaps: int = 0
    missing: int = 0
    checksum: str = ""
    months: tuple[MonthFile, ...] = ()
    origins: tuple[Origin, ...] = ()
    fetched: tuple[tuple[str, str], ...] = ()
    verified: str = ""
    replaced: tuple[str, ...] = ()
    version: int = _VERSION

    @property
    def has_ticks(self) -> bool:
        """Whether it holds ticks and no candles."""
        return self.timeframe == TICK

    @property
    def span(self) -> tuple[int, int] | None:
        """Open times of the first and last candle, nanoseconds since 1970 UTC; None where there is none."""
        return None if self.start is None or self.end is None else (parse_time(self.start), parse_time(self.end))

    @property
    def trust(self) -> Trust:
        """Verified where somebody has vouched for this very state, else the least that one of the origins is worth."""
        if self.verified and self.verified == self.checksum:
            return "verified"
        worth: tuple[Trust, ...] = ("synthetic", "user-supplied", "external", "verified")
        return next((each for each in worth if any(origin.trust == each for origin in self.origins)), "user-supplied")


def read_manifest(folder: Path) -> Manifest | None:
    """Read what a series holds; None where the folder is none.

    Raises:
        DataError: its manifest cannot be read, or is of a later version of this program.
    """
    file = folder / MANIFEST_FILE
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from None
    try:
        version = json_decoder(_Version).decode(content).version
        if version > _VERSION:
            raise DataError(f"{file}: written by a later version of sptrader ({version}, this one knows {_VERSION})")
        return json_decoder(Manifest).decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file}: not the manifest of a series: {error}. Take the folder away and import its candles again"
        ) from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in the place of the one before.

    Raises:
        StorageError: it cannot be written.
    """
    with written_whole(folder / MANIFEST_FILE) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def checksum_of(months: Sequence[MonthFile]) -> str:
    """Give the checksum of a series, from those of its files."""
    total = hashlib.sha256()
    for each in months:
        total.update(f"{each.month} {each.sha256}\n".encode())
    return total.hexdigest()


class _Version(msgspec.Struct, frozen=True):
    version: int
