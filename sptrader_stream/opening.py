"""Opening candles by what the user says: files, catalog, database, market-data server, the synthetic source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sptrader_stream.catalog.manifest import MANIFEST_FILE
from sptrader_stream.errors import DataError, UserError
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources import CandleSource
from sptrader_stream.sources.names import DATABASE, HTTP, NAMED, SYNTHETIC, guess_symbol, guess_timeframe
from sptrader_stream.sources.resampled import in_timeframe
from sptrader_stream.timeframes import format_time

if TYPE_CHECKING:
    from sptrader_stream.sources.table_file import TableFile
    from sptrader_stream.sources.ticks import TickFile

_PARQUET_ENDINGS = (".parquet", ".pq")
_CSV_ENDINGS = (".csv", ".tsv", ".txt", ".gz")
_JSON_ENDINGS = (".json", ".jsonl", ".ndjson")


def symbol_of(spec: str) -> str | None:
    """Tell which symbol a file or a series of a catalog holds; None where its name does not say."""
    return Path(spec).absolute().parent.name if is_series(Path(spec)) else guess_symbol(spec)


def check_file(spec: str) -> None:
    """Make sure that there is a file, or a series of a catalog.

    Raises:
        DataError: there is none, or it is a folder of something else.
    """
    path = Path(spec)
    if not path.exists():
        raise DataError(
            f"{path}: no such file. Give the path of a Parquet or CSV file, or {' or '.join(map(repr, NAMED))}"
        )
    if not path.is_file() and not is_series(path):
        raise DataError(
            f"{path}: a folder, and not a series of a catalog. Give the path of a Parquet or CSV file, or of a series "
            f"such as data/EURUSD/1m"
        )


def open_source(
    spec: str,
    instrument: Instrument,
    *,
    timeframe: str | None = None,
    start: int | None = None,
    end: int | None = None,
    timezone: str | None = None,
) -> CandleSource:
    """Open a source of candles, in the timeframe wanted, be it by building them from finer ones.

    Args:
        spec: the path of a Parquet or CSV file or of a catalog's series, ``synthetic``, ``database`` for that of
            ``DATABASE_URL``, or ``http`` for the market-data server of ``WS_MARKET_DATA_URL``.
        instrument: what it holds (see :func:`guess_symbol`).
        timeframe: such as ``1m``, one that the source's candles make up; None for the source's own.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the first there is.
        end: last open time wanted, inclusive; None for the last there is.

        timezone: of a file's times that do not say theirs, such as ``Europe/Berlin`` or ``-05:00``; None for UTC, or
            for what files of its kind have.

    Raises:
        DataError: it cannot be read, lacks a column, or holds no candles or none that make up the timeframe.
        ConfigError: the database cannot be reached, or no market-data server is named.
        UserError: the timeframe is none, or missing for ``synthetic``; the range ends before it starts.
    """
    if start is not None and end is not None and end < start:
        raise UserError(f"the range ends ({format_time(end)}) before it starts ({format_time(start)})")
    if spec == SYNTHETIC:
        from sptrader_stream.sources.synthetic import SyntheticSource

        if timeframe is None:
            raise UserError("synthetic candles need a timeframe: give it with --timeframe, such as 1m or 1h")
        return SyntheticSource(instrument, timeframe=timeframe, start=start, end=end)
    return in_timeframe(_open(spec, instrument, timeframe, start, end, timezone), timeframe)


def open_ticks(spec: str, instrument: Instrument, timezone: str | None = None) -> TickFile | None:
    """Open the ticks of a file; None where it has candles.

    Args:
        spec: its path.
        instrument: what it holds.
        timezone: see :func:`open_source`.

    Raises:
        DataError: it cannot be read, or holds none.
        UserError: ``timezone`` is none.
    """
    from sptrader_stream.sources.headers import match_ticks
    from sptrader_stream.sources.ticks import TickFile

    check_file(spec)
    if Path(spec).is_dir():
        return None
    table = _open_table(Path(spec))
    header = match_ticks(table.names)
    return None if header is None else TickFile(table, header, instrument.symbol, timezone)


def is_series(path: Path) -> bool:
    """Whether a path is the folder of a catalog's series."""
    return manifest_of(path).is_file()


def manifest_of(series: Path) -> Path:
    """The file by which a catalog's series changes."""
    return series / MANIFEST_FILE


def stamp(path: Path) -> tuple[int, int]:
    """Give size, bytes, and time of the last change, nanoseconds since 1970, by which a file or series is known again.

    Raises:
        OSError: it is not there.
    """
    found = (manifest_of(path) if path.is_dir() else path).stat()
    return found.st_size, found.st_mtime_ns


def _open(
    spec: str,
    instrument: Instrument,
    timeframe: str | None,
    start: int | None,
    end: int | None,
    timezone: str | None,
) -> CandleSource:
    """Open a source in the timeframe, or in a finer one that makes it up."""
    if spec == DATABASE:
        from sptrader_stream.database.address import database_url
        from sptrader_stream.database.source import DatabaseSource

        return DatabaseSource(database_url(os.environ), instrument, timeframe=timeframe, start=start, end=end)
    if spec == HTTP:
        from sptrader_stream.sources.http.settings import http_settings
        from sptrader_stream.sources.http.source import HttpSource

        return HttpSource(http_settings(os.environ), instrument, timeframe=timeframe, start=start, end=end)
    check_file(spec)
    path = Path(spec)
    if path.is_dir():
        from sptrader_stream.catalog.reading import open_candles

        return open_candles(path, instrument, timeframe=timeframe, start=start, end=end)
    return _open_file(path, instrument, timeframe, start, end, timezone)


def _open_file(
    path: Path,
    instrument: Instrument,
    timeframe: str | None,
    start: int | None,
    end: int | None,
    timezone: str | None,
) -> CandleSource:
    from sptrader_stream.sources.headers import match_ticks

    hint = guess_timeframe(path.name.removesuffix(".gz"))
    table = _open_table(path)
    ticks = match_ticks(table.names)
    if ticks is not None:
        from sptrader_stream.sources.tick_candles import TickCandleSource
        from sptrader_stream.sources.ticks import TickFile

        wanted = timeframe or hint
        if wanted is None:
            raise UserError(f"{table.name} holds ticks: of which candles? Give --timeframe, such as 1m")
        reader = TickFile(table, ticks, instrument.symbol, timezone)
        return TickCandleSource(reader, instrument, timeframe=wanted, start=start, end=end)
    if table.kind == "parquet":
        from sptrader_stream.sources.parquet_file import ParquetSource

        return ParquetSource(
            path, symbol=instrument.symbol, timeframe=timeframe, hint=hint, start=start, end=end, timezone=timezone
        )
    from sptrader_stream.sources.table_file import TableSource

    return TableSource(
        table, symbol=instrument.symbol, timeframe=timeframe, hint=hint, start=start, end=end, timezone=timezone
    )


def _open_table(path: Path) -> TableFile:
    """Open a file as what it is."""
    if _is_parquet(path):
        from sptrader_stream.sources.parquet_file import ParquetTable

        return ParquetTable(path)
    if path.suffix.lower() in _JSON_ENDINGS:
        from sptrader_stream.sources.json_file import JsonTable

        return JsonTable(path)
    from sptrader_stream.sources.csv_file import CsvTable

    return CsvTable(path)


def _is_parquet(path: Path) -> bool:
    """Tell by the ending, else by the first bytes, whether a file is Parquet and not CSV."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    if not head:
        raise DataError(f"{path}: the file is empty (0 bytes)")
    if path.suffix.lower() in _PARQUET_ENDINGS + _CSV_ENDINGS + _JSON_ENDINGS:
        return path.suffix.lower() in _PARQUET_ENDINGS
    return head == b"PAR1"
