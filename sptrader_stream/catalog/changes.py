"""What a series holds after a change: from its manifest to the next one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from sptrader_stream.catalog.manifest import Manifest, MonthFile, Origin, checksum_of
from sptrader_stream.instruments import TradingHours
from sptrader_stream.sources.gaps import Gaps, gaps_between, no_gaps
from sptrader_stream.timeframes import format_time, parse_time, parse_timeframe


def with_months(manifest: Manifest, changed: Sequence[MonthFile], origin: Origin, hours: TradingHours) -> Manifest:
    """Put months into a series, in place of those that it has.

    Args:
        manifest: what it holds.
        changed: months that are new or other ones; where there are none, nothing changes.
        origin: where their candles came from.
        hours: when the instrument is traded.
    """
    if not changed:
        return manifest
    by_name = {each.month: each for each in manifest.months} | {each.month: each for each in changed}
    months = tuple(by_name[name] for name in sorted(by_name))
    between = no_gaps() if manifest.has_ticks else border_gaps(months, parse_timeframe(manifest.timeframe), hours)
    files = {each.file for each in months}
    return msgspec.structs.replace(
        manifest,
        rows=sum(each.rows for each in months),
        start=months[0].start,
        end=months[-1].end,
        gaps=sum(each.gaps for each in months) + len(between.starts),
        missing=sum(each.missing for each in months) + int(between.missing.sum()),
        checksum=checksum_of(months),
        months=months,
        origins=_with_origin(manifest.origins, origin),
        replaced=tuple(sorted({each.file for each in manifest.months} - files)),
    )


def border_gaps(months: Sequence[MonthFile], timeframe: int, hours: TradingHours) -> Gaps:
    """Find the gaps between the last candle of each month and the first of the next one that there is."""
    ends = np.array([parse_time(each.end) for each in months[:-1]], np.int64)
    starts = np.array([parse_time(each.start) for each in months[1:]], np.int64)
    return gaps_between(ends, starts, timeframe, hours)


def with_range(manifest: Manifest, fetched: tuple[int, int]) -> Manifest:
    """Note that a market-data server was asked for a range.

    Args:
        manifest: what the series holds.
        fetched: open times, nanoseconds since 1970 UTC, inclusive.
    """
    joined: list[tuple[int, int]] = []
    for start, end in sorted([*ranges_of(manifest), fetched]):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return msgspec.structs.replace(
        manifest, fetched=tuple((format_time(start), format_time(end)) for start, end in joined)
    )


def ranges_of(manifest: Manifest) -> list[tuple[int, int]]:
    """The ranges that a market-data server was asked for, open times, nanoseconds since 1970 UTC, inclusive."""
    return [(parse_time(start), parse_time(end)) for start, end in manifest.fetched]


def unfetched(manifest: Manifest | None, start: int, end: int) -> list[tuple[int, int]]:
    """Give the parts of a range that a market-data server was not asked for yet.

    Args:
        manifest: what the series holds; None for nothing.
        start, end: open times, nanoseconds since 1970 UTC, inclusive.
    """
    parts = []
    for first, last in [] if manifest is None else ranges_of(manifest):
        if last < start or first > end:
            continue
        if start < first:
            parts.append((start, first - 1))
        start = last + 1
    return [*parts, (start, end)] if start <= end else parts


def _with_origin(origins: tuple[Origin, ...], origin: Origin) -> tuple[Origin, ...]:
    """Add an origin; what comes from one server piece by piece is one."""
    if not origins or (origins[-1].source, origins[-1].kind, origins[-1].sha256) != (origin.source, origin.kind, None):
        return (*origins, origin)
    last = origins[-1]
    joined = msgspec.structs.replace(
        origin,
        start=min(last.start, origin.start),
        end=max(last.end, origin.end),
        rows=last.rows + origin.rows,
        new=last.new + origin.new,
    )
    return (*origins[:-1], joined)
