"""Which candles there are, by symbol and timeframe alone: series of the catalog, and files by their names.

They are looked for anew each time, so that what is put there is found at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from sptrader_stream.catalog.manifest import MANIFEST_FILE, Manifest, read_manifest
from sptrader_stream.sources.names import guess_symbol, guess_timeframe
from sptrader_stream.timeframes import TICK, is_made_of, parse_timeframe

T = TypeVar("T")

# The candles of ticks where nobody names others.
CANDLES_OF_TICKS: Final = "1m"
_ENDINGS: Final = (".parquet", ".pq", ".csv", ".tsv")


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
    """Give all series of a catalog, by symbol, first those of ticks, then from the finest timeframe on.

    Raises:
        DataError: a manifest cannot be read.
    """
    found = []
    for file in catalog.glob(f"*/*/{MANIFEST_FILE}"):
        manifest = read_manifest(file.parent)
        if manifest is not None and manifest.rows:
            found.append(Series(file.parent, manifest))
    return sorted(found, key=lambda each: (each.manifest.symbol, _length(each.manifest)))


def list_holdings(folders: Sequence[Path]) -> list[Holding]:
    """Give all candles in folders, by symbol and from the finest timeframe on; a series goes before a file.

    Where there are only ticks of a symbol, their candles stand for them.

    Raises:
        DataError: a manifest cannot be read.
    """
    candles, ticks = _listed(folders)
    symbols = {each.symbol for each in candles}
    made = [_made_of(ticks[symbol], symbol, None) for symbol in ticks if symbol not in symbols]
    return sorted([*candles, *made], key=lambda each: (each.symbol, parse_timeframe(each.timeframe)))


def find_holding(
    folders: Sequence[Path], symbol: str, timeframe: str | None, *, finest: bool = False
) -> Holding | None:
    """Find the candles that serve a run; None where there are none. Where no others do, ticks make them.

    Args:
        folders: catalogs and folders of files, in order.
        symbol: plain.
        timeframe: wanted, as in ``1h``: the coarsest candles that make it up are taken; None for the finest there are.
        finest: whether the finest that make it up are taken instead, for the sake of fills.

    Raises:
        DataError: a manifest cannot be read.
    """
    candles, ticks = _listed(folders)
    known = [each for each in candles if each.symbol == symbol]
    found = _serving(known, [each.timeframe for each in known], timeframe, finest)
    if found is not None or symbol not in ticks:
        return found
    return _made_of(ticks[symbol], symbol, timeframe, finest=finest)


def served_timeframes(folders: Sequence[Path], symbol: str, timeframes: Sequence[str]) -> list[str]:
    """Give those timeframes for which :func:`find_holding` finds candles.

    Raises:
        DataError: a manifest cannot be read.
    """
    candles, ticks = _listed(folders)
    known = [each for each in candles if each.symbol == symbol]
    own = [each.timeframe for each in known]
    if symbol in ticks:
        return list(timeframes)
    return [each for each in timeframes if _serving(known, own, each, finest=False) is not None]


def _listed(folders: Sequence[Path]) -> tuple[list[Holding], dict[str, Path]]:
    """Give all candles, by symbol and from the finest timeframe on, and the series of ticks by symbol."""
    found: dict[tuple[str, str], Holding] = {}
    ticks: dict[str, Path] = {}
    for folder in folders:
        for series in list_series(folder):
            symbol, timeframe = series.manifest.symbol, series.manifest.timeframe
            if series.manifest.has_ticks:
                ticks.setdefault(symbol, series.folder)
            else:
                found.setdefault((symbol, timeframe), Holding(symbol, timeframe, series.folder))
    for folder in folders:
        for path in _files(folder):
            guessed, length = guess_symbol(path.name), guess_timeframe(path.name)
            if guessed and length:
                found.setdefault((guessed, length), Holding(guessed, length, path))
    return sorted(found.values(), key=lambda each: (each.symbol, parse_timeframe(each.timeframe))), ticks


def _made_of(ticks: Path, symbol: str, timeframe: str | None, *, finest: bool = False) -> Holding:
    """Give the candles that ticks make for a timeframe."""
    usual = parse_timeframe(CANDLES_OF_TICKS)
    if timeframe is None or (finest and is_made_of(parse_timeframe(timeframe), usual)):
        timeframe = CANDLES_OF_TICKS
    return Holding(symbol, timeframe, ticks)


def find_series(catalog: Path, symbol: str, timeframe: str | None, *, finer: bool = False) -> Series | None:
    """Find the series that serves a timeframe, see :func:`find_holding`; None where there is none.

    Args:
        catalog: its folder.
        symbol: plain.
        timeframe: wanted; ``TICK`` for the series of ticks.
        finer: whether a finer series is wanted, the finest.
    """
    of_symbol = [each for each in list_series(catalog) if each.manifest.symbol == symbol]
    known = [each for each in of_symbol if not each.manifest.has_ticks]
    ticks = next((each for each in of_symbol if each.manifest.has_ticks), None)
    if timeframe == TICK:
        return ticks
    if finer and timeframe is not None:
        known = [each for each in known if _length(each.manifest) < parse_timeframe(timeframe)]
    return _serving(known, [each.manifest.timeframe for each in known], timeframe, finer) or ticks


def _length(manifest: Manifest) -> int:
    return 0 if manifest.has_ticks else parse_timeframe(manifest.timeframe)


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
