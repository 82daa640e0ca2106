"""Bringing candles into the catalog: from files, and from a finer series of the catalog itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from sptrader_stream.catalog.finding import Series
from sptrader_stream.catalog.manifest import Origin
from sptrader_stream.catalog.month_files import file_checksum
from sptrader_stream.catalog.source import CatalogSource
from sptrader_stream.catalog.writing import open_series
from sptrader_stream.errors import DataError
from sptrader_stream.events import DataIssue
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.contract import DataPolicy
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.resampled import in_timeframe
from sptrader_stream.sources.source import CandleSource
from sptrader_stream.timeframes import format_time, format_timeframe, parse_timeframe
from sptrader_stream.written import WrittenCandles


class Imported(msgspec.Struct, frozen=True):
    """What an import came to: the timeframe of the series, what was written, and what the checks found."""

    timeframe: str
    written: WrittenCandles
    issues: tuple[DataIssue, ...]


def import_candles(
    catalog: Path,
    source: CandleSource,
    instrument: Instrument,
    *,
    file: Path,
    policy: DataPolicy,
    now: int,
    replace: bool = False,
) -> Imported:
    """Bring the candles of a file into the catalog; all of them or none.

    Args:
        catalog: its folder.
        source: reads the file, in the timeframe of the series.
        instrument: what the file holds.
        file: where it is, for its checksum.
        policy: what is done about findings.
        now: nanoseconds since 1970 UTC.
        replace: whether the file's candles take the place of different ones that are there.

    Raises:
        DataError: the file cannot be read on, a finding blocks, or candles contradict those that are there.
        StorageError: another program is writing to the series, or the disk is full.
    """
    origin = Origin(
        source=source.info.name,
        kind=source.info.kind,
        trust=source.info.trust,
        retrieved_at=format_time(now),
    )
    with ThreadPoolExecutor(1) as pool:
        checksum = pool.submit(file_checksum, file)
        return _write(catalog, instrument, source, origin, policy, replace, checksum.result)


def resample_series(
    catalog: Path,
    series: Series,
    instrument: Instrument,
    timeframe: str,
    *,
    policy: DataPolicy,
    now: int,
    replace: bool = False,
) -> Imported:
    """Build a coarser series from a finer one, and keep it in the catalog.

    Args:
        catalog: its folder.
        series: the finer one.
        instrument: what it is of.
        timeframe: to build.
        policy, now, replace: see :func:`import_candles`.

    Raises:
        DataError: the series does not make up the timeframe, a finding blocks, or candles contradict those there.
        StorageError: another program is writing to the series, or the disk is full.
    """
    length = format_timeframe(parse_timeframe(timeframe))
    if length == series.manifest.timeframe:
        raise DataError(f"{series.folder} has {length} candles already: name a coarser timeframe")
    source = in_timeframe(CatalogSource(series.folder, instrument, timeframe=length), length)
    origin = Origin(
        source=f"{series.manifest.symbol} {series.manifest.timeframe}",
        kind="catalog",
        trust=series.manifest.trust,
        retrieved_at=format_time(now),
    )
    return _write(catalog, instrument, source, origin, policy, replace)


def _write(
    catalog: Path,
    instrument: Instrument,
    source: CandleSource,
    origin: Origin,
    policy: DataPolicy,
    replace: bool,
    sha256: Callable[[], str] | None = None,
) -> Imported:
    intake = Intake(source, instrument, policy)
    timeframe = source.info.timeframe
    with open_series(catalog, instrument, timeframe) as writer:
        written = writer.write(writer.rows(ready_chunks(source, intake)), origin, replace=replace, sha256=sha256)
    if not written.read:
        raise DataError(f"{source.info.name}: no {timeframe} candle is whole: nothing was written")
    return Imported(timeframe, written, intake.issues())
