"""Looking candles through: what the data contract finds, a calendar of gaps, and whether files are as written."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.catalog.finding import Series
from sptrader_stream.catalog.month_files import file_checksum
from sptrader_stream.columns import Ints
from sptrader_stream.events import DataIssue
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.contract import KINDS
from sptrader_stream.sources.gaps import find_gaps
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.source import CandleSource
from sptrader_stream.timeframes import parse_timeframe

_LONGEST: Final = 5


class MonthCheck(msgspec.Struct, frozen=True):
    """A month of candles: such as ``2025-03``, how many, how many gaps begin in it, and what is missing in them."""

    month: str
    candles: int
    gaps: int
    missing: int

    @property
    def complete(self) -> float:
        """Which part of the candles of open hours is there, from 0 to 1."""
        return self.candles / (self.candles + self.missing)


class Gap(msgspec.Struct, frozen=True, order=True):
    """How many candles are missing, and from where to where; open times, nanoseconds since 1970, the end exclusive."""

    missing: int
    start: int
    end: int


class Check(msgspec.Struct, frozen=True):
    """What was found in candles.

    Attributes:
        candles: how many keep the contract.
        issues: what the contract finds.
        months: the calendar.
        longest: the longest gaps, the longest first.
    """

    candles: int
    issues: tuple[DataIssue, ...]
    months: tuple[MonthCheck, ...]
    longest: tuple[Gap, ...]


def check_candles(source: CandleSource, instrument: Instrument) -> Check:
    """Read candles through; nothing that is found in them ends that.

    Raises:
        DataError: the source cannot be read on.
    """
    intake = Intake(source, instrument, dict.fromkeys(KINDS, "warn"))
    calendar = _Calendar(instrument, parse_timeframe(source.info.timeframe))
    for chunk in ready_chunks(source, intake):
        calendar.add(chunk)
    return Check(
        sum(calendar.candles.values()), intake.issues(), tuple(calendar.months()), tuple(sorted(calendar.longest)[::-1])
    )


def damaged_files(series: Series) -> list[Path]:
    """Give the files of a series that are gone, or not what was written."""
    damaged = []
    for month in series.manifest.months:
        path = series.folder / month.file
        if not path.is_file() or file_checksum(path) != month.sha256:
            damaged.append(path)
    return damaged


class _Calendar:
    """Counts candles and gaps by month.

    Attributes:
        candles: by month.
        longest: a heap of the longest gaps.
    """

    def __init__(self, instrument: Instrument, timeframe: int) -> None:
        self.candles: dict[str, int] = {}
        self.longest: list[Gap] = []
        self._hours = instrument.trading_hours
        self._timeframe = timeframe
        self._gaps: dict[str, int] = {}
        self._missing: dict[str, int] = {}
        self._last: Ints = np.empty(0, np.int64)

    def add(self, chunk: ReadyCandles) -> None:
        """Count candles that follow those before."""
        for month, count in _counted(chunk.time):
            self.candles[month] = self.candles.get(month, 0) + count
        gaps = find_gaps(np.concatenate([self._last, chunk.time]), self._timeframe, self._hours)
        self._last = chunk.time[-1:].copy()
        for start, end, missing in zip(gaps.starts.tolist(), gaps.ends.tolist(), gaps.missing.tolist(), strict=True):
            month = _month(start)
            self._gaps[month] = self._gaps.get(month, 0) + 1
            self._missing[month] = self._missing.get(month, 0) + missing
            keep = heapq.heappush if len(self.longest) < _LONGEST else heapq.heappushpop
            keep(self.longest, Gap(missing, start, end))

    def months(self) -> Iterator[MonthCheck]:
        """Give the months in order."""
        for month in sorted(self.candles.keys() | self._gaps.keys()):
            yield MonthCheck(month, self.candles.get(month, 0), self._gaps.get(month, 0), self._missing.get(month, 0))


def _counted(time: Ints) -> Iterator[tuple[str, int]]:
    names, counts = np.unique(time.astype("datetime64[ns]").astype("datetime64[M]"), return_counts=True)
    return zip(map(str, names), counts.tolist(), strict=True)


def _month(time: int) -> str:
    return str(np.datetime64(time, "ns").astype("datetime64[M]"))
