"""Which candles there are, by symbol and timeframe alone: series of the catalog, and files by their names.

They are looked for anew each time, so that what is put there is found at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from sptrader_stream.catalog.manifest import MANIFEST_FILE, Manifest, read_manifest
from sptrader_stream.sources.names import guess_symbol, guess_timeframe
from sptrader_stream.timeframes import is_made_of, parse_timeframe

T = TypeVar("T")

_ENDINGS = (".parquet", ".pq", ".csv", ".tsv")


class Series(msgspec.Struct, frozen=True):
    """A series of the catalog: its folder, and what it holds."""

    folder: Path
    manifest: Manifest


class Holding(msgspec.Struct, frozen=True):
    """Candles of a symbol in a timeframe such as ``1m``, and the file or folder of a series that they are in."""

    symbol: str
    timeframe: str
    path: Path


def list_series(catalog: Path) -> list[Series]:
    """Give all series of a catalog, by symbol and from the finest timeframe on.

    Raises:
        DataError: a manifest cannot be read.
    """
    found = []
    for file in catalog.glob(f"*/*/{MANIFEST_FILE}"):
        manifest = read_manifest(file.parent)
        if manifest is not None and manifest.rows:
            found.append(Series(file.parent, manifest))
    return sorted(found, key=lambda each: (each.manifest.symbol, parse_timeframe(each.manifest.timeframe)))


def list_holdings(folders: Sequence[Path]) -> list[Holding]:
    """Give all candles in folders, by symbol and from the finest timeframe on; a series goes before a file.

    Raises:
        DataError: a manifest cannot be read.
    """
    found: dict[tuple[str, str], Holding] = {}
    for folder in folders:
        for series in list_series(folder):
            holding = Holding(series.manifest.symbol, series.manifest.timeframe, series.folder)
            found.setdefault((holding.symbol, holding.timeframe), holding)
    for folder in folders:
        for path in _files(folder):
            symbol, timeframe = guess_symbol(path.name), guess_timeframe(path.name)
            if symbol and timeframe:
                found.setdefault((symbol, timeframe), Holding(symbol, timeframe, path))
    return sorted(found.values(), key=lambda each: (each.symbol, parse_timeframe(each.timeframe)))


def find_holding(
    folders: Sequence[Path], symbol: str, timeframe: str | None, *, finest: bool = False
) -> Holding | None:
    """Find the candles that serve a run; None where there are none.

    Args:
        folders: catalogs and folders of files, in order.
        symbol: plain.
        timeframe: wanted, as in ``1h``: the coarsest candles that make it up are taken; None for the finest there are.
        finest: whether the finest that make it up are taken instead, for the sake of fills.

    Raises:
        DataError: a manifest cannot be read.
    """
    known = [each for each in list_holdings(folders) if each.symbol == symbol]
    return _serving(known, [each.timeframe for each in known], timeframe, finest)


def find_series(catalog: Path, symbol: str, timeframe: str | None) -> Series | None:
    """Find the series that serves a timeframe, see :func:`find_holding`; None where there is none."""
    known = [each for each in list_series(catalog) if each.manifest.symbol == symbol]
    return _serving(known, [each.manifest.timeframe for each in known], timeframe, finest=False)


def _serving(known: Sequence[T], timeframes: Sequence[str], timeframe: str | None, finest: bool) -> T | None:
    """Choose among candles, from the finest timeframe on, those that serve one."""
    if timeframe is None:
        return known[0] if known else None
    wanted = parse_timeframe(timeframe)
    pairs = zip(known, timeframes, strict=True)
    fitting = [each for each, own in pairs if is_made_of(wanted, parse_timeframe(own))]
    return fitting[0 if finest else -1] if fitting else None


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in _ENDINGS and path.is_file():
            yield path
