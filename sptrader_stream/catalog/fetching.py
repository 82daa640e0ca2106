"""Fetching candles from the market-data server into the catalog, month by month, going on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.catalog.changes import unfetched
from sptrader_stream.catalog.manifest import Origin
from sptrader_stream.catalog.rows import by_month
from sptrader_stream.catalog.writing import SeriesWriter, open_series
from sptrader_stream.errors import EmptyRangeError, UserError
from sptrader_stream.events import DataIssue
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.contract import DataPolicy
from sptrader_stream.sources.http.settings import HttpSettings
from sptrader_stream.sources.http.source import HttpSource, MakeClient, make_client
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.timeframes import HOUR, NANOSECONDS, format_time, parse_timeframe

# The server may lag behind so much; what is older is whole, whether a later tick came or not.
_LAG: Final = HOUR


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What fetching came to.

    Attributes:
        timeframe: of the series.
        candles: how many came.
        new: how many of them were new or took the place of others.
        start, end: the range that was asked for, open times, nanoseconds since 1970 UTC, inclusive.
        issues: what the checks found.
    """

    timeframe: str
    candles: int
    new: int
    start: int
    end: int
    issues: tuple[DataIssue, ...]


def fetch(
    catalog: Path,
    settings: HttpSettings,
    instrument: Instrument,
    *,
    timeframe: str | None,
    start: int | None,
    end: int | None,
    policy: DataPolicy,
    now: int,
    replace: bool = False,
    on_month: Callable[[str, int], None] = lambda month, candles: None,
    client: MakeClient = make_client,
) -> Fetched:
    """Fetch what the catalog has not been asked to fetch before.

    Args:
        catalog: its folder.
        settings: the server.
        instrument: its symbol is asked for.
        timeframe: such as ``1m``; None for the finest that the server has.
        start, end: open times, nanoseconds since 1970 UTC, inclusive; None for all that the server has.
        policy: what is done about findings.
        now: nanoseconds since 1970 UTC: a candle whose span is not over is left out.
        replace: whether the server's candles take the place of different ones that are there.
        on_month: told of each month that was written, and how many candles it brought.
        client: makes the HTTP client.

    Raises:
        DataError: the server does not answer, a finding blocks, or candles contradict those that are there; the months
            before are kept.
        UserError: the server has no such timeframe.
        StorageError: another program is writing to the series, or the disk is full.
    """
    whole = HttpSource(settings, instrument, timeframe=timeframe, start=start, end=end, client=client)
    found = whole.info.timeframe
    if timeframe is not None and parse_timeframe(found) != parse_timeframe(timeframe):
        raise UserError(
            f"the market-data server has no {timeframe} candles of {instrument.symbol}; fetch {found} and build the "
            f"others: `sptrader data resample {instrument.symbol} {timeframe}`"
        )
    step = parse_timeframe(found)
    assert whole.info.start is not None
    assert whole.info.end is not None
    first, last = whole.info.start, min(whole.info.end, max(whole.latest + NANOSECONDS - step, now - _LAG - step))
    candles = new = 0
    issues: tuple[DataIssue, ...] = ()
    with open_series(catalog, instrument, found) as writer:
        for part in unfetched(writer.manifest, first, last):
            source = _source(settings, instrument, found, part, client)
            if source is None:
                continue
            intake = Intake(source, instrument, policy)
            count, added = _fetch_part(writer, source, intake, part, now, replace, on_month)
            candles, new, issues = candles + count, new + added, (*issues, *intake.issues())
    return Fetched(timeframe=found, candles=candles, new=new, start=first, end=last, issues=issues)


def _source(
    settings: HttpSettings, instrument: Instrument, timeframe: str, part: tuple[int, int], client: MakeClient
) -> HttpSource | None:
    """Open a part of a range; None where no candle can open in it."""
    try:
        return HttpSource(settings, instrument, timeframe=timeframe, start=part[0], end=part[1], client=client)
    except EmptyRangeError:
        return None


def _fetch_part(
    writer: SeriesWriter,
    source: HttpSource,
    intake: Intake,
    part: tuple[int, int],
    now: int,
    replace: bool,
    on_month: Callable[[str, int], None],
) -> tuple[int, int]:
    """Fetch a part of a range; answers how many candles came, and how many were new or took others' places."""
    origin = Origin(source=source.info.name, kind="http", trust="external", retrieved_at=format_time(now))
    candles = new = 0
    start, end = part
    try:
        for month, rows in by_month(writer.rows(ready_chunks(source, intake))):
            done = int(rows.time[-1])
            written = writer.write(iter([rows]), origin, replace=replace, fetched=(start, done))
            candles, new, start = candles + written.read, new + written.new + written.replaced, done + 1
            on_month(month, written.read)
    except EmptyRangeError:
        pass
    if start <= end:
        # That there are no more is known, too.
        writer.write(iter(()), origin, fetched=(start, end))
    return candles, new
