"""A catalog for tests: written from plain numbers, and read back as a run sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sptrader_stream.catalog.manifest import Manifest, Origin, read_manifest
from sptrader_stream.catalog.source import CatalogSource
from sptrader_stream.catalog.writing import open_series
from sptrader_stream.instruments import Instrument
from sptrader_stream.written import WrittenCandles
from tests.plain_candles import EURUSD, Plain, ready, through_the_contract

ORIGIN = Origin(source="given.csv", kind="csv", trust="user-supplied", retrieved_at="2025-06-01T00:00:00Z")


def write(
    catalog: Path,
    *chunks: Sequence[Plain],
    instrument: Instrument = EURUSD,
    timeframe: str = "1m",
    replace: bool = False,
) -> WrittenCandles:
    with open_series(catalog, instrument, timeframe) as writer:
        rows = writer.rows(ready(each) for each in chunks)
        return writer.write(rows, ORIGIN, replace=replace, sha256=lambda: "0" * 64)


def read(catalog: Path, instrument: Instrument = EURUSD, timeframe: str = "1m", **settings: Any) -> list[Plain]:
    """What a run sees of a series."""
    source = CatalogSource(catalog / instrument.symbol / timeframe, instrument, **settings)
    return through_the_contract(source, instrument)


def manifest(catalog: Path, symbol: str = "EURUSD", timeframe: str = "1m") -> Manifest:
    found = read_manifest(catalog / symbol / timeframe)
    assert found is not None
    return found


def files(catalog: Path, symbol: str = "EURUSD", timeframe: str = "1m") -> set[str]:
    """The names of everything in a series' folder but the lock."""
    return {each.name for each in (catalog / symbol / timeframe).iterdir()} - {".lock"}
