"""Bringing candles into the catalog: from files, and from a finer series of the catalog itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from sptrader_stream.catalog.finding import Series
from sptrader_stream.catalog.manifest import Origin
from sptrader_stream.catalog.month_files import file_checksum
from sptrader_stream.catalog.reading import open_candles
from sptrader_stream.catalog.writing import open_series
from sptrader_stream.errors import DataError, EmptyRangeError
from sptrader_stream.events import DataIssue
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.contract import DataPolicy
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.resampled import in_timeframe
from sptrader_stream.sources.source import CandleSource, SourceInfo
from sptrader_stream.timeframes import format_time, format_timeframe, parse_timeframe
from sptrader_stream.written import WrittenCandles


class Imported(msgspec.Struct, frozen=True):
    """What an import came to: the timeframe of the series, what was written, and what the checks found."""

    timeframe: str
    written: WrittenCandles
    issues: tuple[DataIssue, ...]


class Keeping(msgspec.Struct, frozen=True):
    """How candles or ticks are taken in.

    Attributes:
        catalog: its folder.
        policy: what is done about findings.
        now: nanoseconds since 1970 UTC.
        replace: whether they take the place of different ones that are there.
    """

    catalog: Path
    policy: DataPolicy
    now: int
    replace: bool = False


def import_candles(keeping: Keeping, source: CandleSource, instrument: Instrument, file: Path) -> Imported:
    """Bring the candles of a file into the catalog; all of them or none.

    Args:
        keeping: how.
        source: reads the file, in the timeframe of the series.
        instrument: what the file holds.
        file: where it is, for its checksum.

    Raises:
        DataError: the file cannot be read on, a finding blocks, or candles contradict those that are there.
        StorageError: another program is writing to the series, or the disk is full.
    """
    with ThreadPoolExecutor(1) as pool:
        checksum = pool.submit(file_checksum, file)
        return _write(keeping, instrument, source, origin_of(source.info, keeping.now), checksum.result)


def origin_of(info: SourceInfo, now: int) -> Origin:
    """Say where candles or ticks come from that are taken in now, nanoseconds since 1970 UTC."""
    return Origin(source=info.name, kind=info.kind, trust=info.trust, retrieved_at=format_time(now))


def resample_series(keeping: Keeping, series: Series, instrument: Instrument, timeframe: str) -> Imported:
    """Build a series from a finer one, or from one of ticks, and keep it in the catalog.

    Args:
        keeping: how.
        series: the finer one.
        instrument: what it is of.
        timeframe: to build.

    Raises:
        DataError: the series does not make up the timeframe, a finding blocks, or candles contradict those there.
        StorageError: another program is writing to the series, or the disk is full.
    """
    length = format_timeframe(parse_timeframe(timeframe))
    source = in_timeframe(open_candles(series.folder, instrument, timeframe=length), length)
    origin = origin_of(source.info, keeping.now)
    origin = msgspec.structs.replace(origin, source=f"{series.manifest.symbol} {series.manifest.timeframe}")
    return _write(keeping, instrument, source, origin)


def _write(
    keeping: Keeping,
    instrument: Instrument,
    source: CandleSource,
    origin: Origin,
    sha256: Callable[[], str] | None = None,
) -> Imported:
    intake = Intake(source, instrument, keeping.policy)
    timeframe = source.info.timeframe
    nothing = DataError(f"{source.info.name}: no {timeframe} candle is whole: nothing was written")
    with open_series(keeping.catalog, instrument, timeframe) as writer:
        rows = writer.rows(ready_chunks(source, intake))
        try:
            written = writer.write(rows, origin, replace=keeping.replace, sha256=sha256)
        except EmptyRangeError:
            raise nothing from None
    if not written.read:
        raise nothing
    return Imported(timeframe, written, intake.issues())
