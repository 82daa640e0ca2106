"""Writing candles or ticks into a series of the catalog: whole or not at all, and never over different ones in silence.

Month by month, what comes is merged with what is there, in a file of its own; the manifest, which is written last,
makes all of them part of the series at once. One writer at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.catalog.changes import with_months, with_range
from sptrader_stream.catalog.manifest import Manifest, MonthFile, Origin, read_manifest, write_manifest
from sptrader_stream.catalog.month_files import read_month, write_month
from sptrader_stream.catalog.rows import SPREAD, VOLUME, Merged, Rows, by_month, merge, rows_of
from sptrader_stream.errors import DataError, StorageError
from sptrader_stream.files import held, leftovers
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import format_scaled
from sptrader_stream.sources.gaps import find_gaps, no_gaps
from sptrader_stream.timeframes import TICK, format_time, format_timeframe, parse_timeframe
from sptrader_stream.written import WrittenCandles

_LOCK_FILE: Final = ".lock"
# As ``month_files`` names them.
_MONTH_FILE: Final = re.compile(r"\d{4}-\d\d-[0-9a-f]{12}\.parquet")
_SHOWN: Final = 3


class SeriesWriter:
    """Changes one series; made by :func:`open_series`.

    Args:
        folder: the series'.
        instrument: what it is of.
        timeframe: as ``format_timeframe`` writes it, or ``TICK``.

    Attributes:
        manifest: what it holds; None where it is new.
        precision: decimal places of its prices.
    """

    def __init__(self, folder: Path, instrument: Instrument, timeframe: str) -> None:
        self._folder = folder
        self._instrument = instrument
        self._timeframe = timeframe
        self.manifest = read_manifest(folder)
        self.precision = instrument.price_precision if self.manifest is None else self.manifest.price_precision

    def rows(self, chunks: Iterator[ReadyCandles]) -> Iterator[Rows]:
        """Put checked candles of the instrument into the ticks of the series.

        Raises:
            DataError: a price is finer than the series has them; or what ``chunks`` raises.
        """
        for each in chunks:
            yield rows_of(each, self._instrument.price_precision, self.precision)

    def write(
        self,
        chunks: Iterator[Rows],
        origin: Origin,
        *,
        replace: bool = False,
        fetched: tuple[int, int] | None = None,
        sha256: Callable[[], str] | None = None,
    ) -> WrittenCandles:
        """Write candles or ticks; all of them or, when anything fails, none.

        Args:
            chunks: checked ones, in order of time.
            origin: where they come from; range and counts are filled in.
            replace: whether they take the place of different ones that are there.
            fetched: the range that a market-data server was asked for, open times, nanoseconds since 1970 UTC,
                inclusive; None where none was.
            sha256: gives the checksum of the file that they come from; None where they come from none.

        Raises:
            DataError: they contradict what is there (shows the first few), or have a spread where the series has none
                or the other way round; or what ``chunks`` raises.
            StorageError: the disk is full or has a fault.
        """
        months: list[Future[MonthFile]] = []
        read = new = there = start = end = 0
        shown: list[str] = []
        has_spread = self.manifest is not None and self.manifest.has_spread
        # A month is written while the next one is read.
        with ThreadPoolExecutor(1) as pool:
            for month, rows in by_month(chunks):
                has_spread = self._check_columns(rows, origin)
                merged = merge(self._rows_of(month, rows), rows)
                start, end = (start if read else int(rows.time[0])), int(rows.time[-1])
                read, new, there = read + len(rows), new + merged.new, there + len(merged.instead)
                if there and not replace:
                    shown += self._differences(merged)[: _SHOWN - len(shown)]
                elif merged.new or len(merged.instead):
                    # One at a time waits to be written.
                    if months:
                        months[-1].result()
                    months.append(pool.submit(self._write_month, month, merged.rows))
        if there and not replace:
            raise self._contradicted(origin.source, there, shown)
        written = WrittenCandles(read=read, new=new, replaced=there, start=start, end=end)
        if months or fetched is not None:
            whole = _completed(origin, written, None if sha256 is None else sha256())
            self._commit([each.result() for each in months], whole, has_spread, fetched)
        return written

    def verify(self) -> None:
        """Vouch for what the series holds, see :func:`verify_series`."""
        assert self.manifest is not None
        self.manifest = msgspec.structs.replace(self.manifest, verified=self.manifest.checksum)
        write_manifest(self._folder, self.manifest)

    def _check_columns(self, rows: Rows, origin: Origin) -> bool:
        has_spread = SPREAD in rows.values
        if self.manifest is not None and self.manifest.months and self.manifest.has_spread != has_spread:
            words = ("have no spread, and those there have one", "have a spread, and those there have none")
            raise DataError(
                f"{origin.source}: its candles {words[has_spread]}, in {self._folder}: a series is of one kind. Add or "
                f"leave out the column `spread`, or remove that folder first"
            )
        return has_spread

    def _rows_of(self, month: str, like: Rows) -> Rows:
        """What the series has of a month, with the columns of ``like``."""
        known = () if self.manifest is None else self.manifest.months
        found = next((each for each in known if each.month == month), None)
        return like.part(slice(0, 0)) if found is None else read_month(self._folder, found, list(like.values))

    def _write_month(self, month: str, rows: Rows) -> MonthFile:
        gaps = no_gaps()
        if self._timeframe != TICK:
            gaps = find_gaps(rows.time, parse_timeframe(self._timeframe), self._instrument.trading_hours)
        return write_month(self._folder, month, rows, self.precision, gaps)

    def _commit(
        self, changed: Sequence[MonthFile], origin: Origin, has_spread: bool, fetched: tuple[int, int] | None
    ) -> None:
        """Make changed months part of the series."""
        old = self.manifest or Manifest(
            symbol=self._instrument.symbol,
            timeframe=self._timeframe,
            price_precision=self.precision,
            has_spread=has_spread,
        )
        self.manifest = with_months(old, changed, origin, self._instrument.trading_hours)
        if fetched is not None:
            self.manifest = with_range(self.manifest, fetched)
        write_manifest(self._folder, self.manifest)
        self.clean()

    def clean(self) -> None:
        """Remove files of earlier states, and what a writer that was killed or has failed has left."""
        manifest = self.manifest
        kept = set() if manifest is None else {*(each.file for each in manifest.months), *manifest.replaced}
        months = [each for each in self._folder.iterdir() if _MONTH_FILE.fullmatch(each.name) and each.name not in kept]
        for path in [*months, *leftovers(self._folder)]:
            path.unlink(missing_ok=True)

    def _differences(self, merged: Merged) -> list[str]:
        """Show candles or ticks that are there with other values, those of the first few times."""

        def values(rows: Rows, time: int) -> str:
            found = rows.part(rows.time == time)
            return "; ".join(
                ", ".join(f"{name} {self._shown(name, column[index])}" for name, column in found.values.items())
                for index in range(len(found))
            )

        return [
            f"{format_time(time)}: {values(merged.there, time)} is there, {values(merged.instead, time)} was to be "
            "written"
            for time in np.unique(merged.there.time)[:_SHOWN].tolist()
        ]

    def _shown(self, name: str, value: np.int64 | np.float64) -> str:
        return f"{value:g}" if name == VOLUME else format_scaled(int(value), self.precision)

    def _contradicted(self, source: str, count: int, shown: Sequence[str]) -> DataError:
        lines = "".join(f"\n  {each}" for each in shown)
        what = "tick" if self._timeframe == TICK else "candle"
        what += " contradicts" if count == 1 else "s contradict"
        return DataError(
            f"{source}: {count:,} {what} what the catalog has "
            f"of {self._instrument.symbol} {self._timeframe}; nothing was written. See which are right; --replace puts "
            f"the new ones in place of the old. The first:{lines}"
        )


@contextmanager
def open_series(catalog: Path, instrument: Instrument, timeframe: str) -> Iterator[SeriesWriter]:
    """Open a series for writing, and keep other writers out until the end.

    Args:
        catalog: its folder.
        instrument: what the series is of.
        timeframe: such as ``1m``, or ``TICK``.

    Raises:
        StorageError: another program is writing to it, or its folder cannot be made.
        DataError: its manifest cannot be read.
    """
    length = timeframe if timeframe == TICK else format_timeframe(parse_timeframe(timeframe))
    folder = catalog / instrument.symbol / length
    taken = f"{folder}: another program is writing to this series: wait until it is done, then try again"
    with held(folder / _LOCK_FILE, taken):
        writer = SeriesWriter(folder, instrument, length)
        try:
            yield writer
        except BaseException:
            writer.clean()
            raise


def _completed(origin: Origin, written: WrittenCandles, sha256: str | None) -> Origin:
    return msgspec.structs.replace(
        origin,
        start=format_time(written.start),
        end=format_time(written.end),
        rows=written.read,
        new=written.new + written.replaced,
        sha256=sha256,
    )


def verify_series(catalog: Path, instrument: Instrument, seen: Manifest) -> None:
    """Vouch for a series as it was seen: its trust is ``verified`` until it changes.

    Raises:
        StorageError: another program is writing to it, or has changed it in the meantime.
    """
    with open_series(catalog, instrument, seen.timeframe) as writer:
        if writer.manifest is None or writer.manifest.checksum != seen.checksum:
            raise StorageError(f"{catalog / seen.symbol / seen.timeframe}: was changed just now: check it again")
        writer.verify()
