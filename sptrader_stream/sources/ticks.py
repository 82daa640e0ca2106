"""Ticks, bid and ask, as a file has them: in order, each with both prices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.errors import DataError
from sptrader_stream.kernels import kernel
from sptrader_stream.sources.arrow_columns import as_floats
from sptrader_stream.sources.headers import TickHeader
from sptrader_stream.sources.source import NO_TIME, SourceInfo
from sptrader_stream.sources.table_file import TableFile, zone_of
from sptrader_stream.sources.tables import SAMPLE_ROWS, changed_at
from sptrader_stream.sources.time_column import TimeColumn, times_of
from sptrader_stream.timeframes import TICK, format_time


class Ticks(msgspec.Struct, frozen=True, gc=False):
    """Some ticks; columns of equal length.

    Attributes:
        row: index of the first one among those of the source, from 0.
        time: nanoseconds since 1970 UTC; several may have the same.
        bid, ask: prices, float64, above zero, the ask not below the bid.
        volume: float64; 1 where the source has none.
    """

    row: int
    time: Ints
    bid: Floats
    ask: Floats
    volume: Floats


class TickReader(Protocol):
    """Something that has ticks."""

    @property
    def info(self) -> SourceInfo:
        """What is known before they are read; ``timeframe`` is ``TICK``."""
        ...

    def ticks(self) -> Iterator[Ticks]:
        """Read from the start.

        Raises:
            DataError: they cannot be read on, or one is none; names file and line or row.
        """
        ...


@kernel
def settle(time: Ints, bid: Floats, ask: Floats, last: Ints, prices: Floats, bids: Floats, asks: Floats) -> int:
    """Complete ticks, up to the first that is none: out of order, or without a right bid and ask.

    Args:
        time: nanoseconds since 1970 UTC.
        bid, ask: prices; NaN where the one before still holds.
        last: carried: the time of the last tick, ``NO_TIME`` before the first.
        prices: carried: bid and ask of the last tick, NaN before the first.
        bids, asks: filled with the prices that hold.

    Returns:
        The index of the tick that is none, or -1.
    """
    for i in range(len(time)):
        price = prices[0] if bid[i] != bid[i] else bid[i]
        asked = prices[1] if ask[i] != ask[i] else ask[i]
        if time[i] < last[0] or time[i] == NO_TIME or not (0.0 < price <= asked < 1e300):
            return i
        last[0] = time[i]
        prices[0] = bids[i] = price
        prices[1] = asks[i] = asked
    return -1


class TickFile:
    """The ticks of a file.

    Args:
        table: the file.
        header: its columns.
        symbol: the instrument's.
        timezone: of times that do not say theirs; None for UTC, or for what files of its kind have.

    Raises:
        DataError: it cannot be read, or holds no ticks.
        UserError: ``timezone`` is none.
    """

    def __init__(self, table: TableFile, header: TickHeader, symbol: str, timezone: str | None = None) -> None:
        self._table = table
        self._header = header
        self._zone = zone_of(table, timezone)
        first = next((batch for batch in self._batches() if batch.num_rows), None)
        if first is None:
            raise DataError(f"{table.name}: the file holds a header and no ticks")
        sample = first.slice(0, SAMPLE_ROWS)
        self._sample = times_of(sample, header.time, header.clock)
        # Where a column of volumes holds none, ticks are counted.
        self._volumes = header.volumes if self._volume(sample, header.volumes).any() else ()
        self._times()
        self.info = SourceInfo(
            kind=table.kind,
            name=table.name,
            symbol=symbol,
            timeframe=TICK,
            has_spread=True,
            retrieved_at=changed_at(table.name),
        )

    def place(self, row: int) -> str:
        """Say where a tick is: its line or row."""
        return self._table.place(row)

    def ticks(self) -> Iterator[Ticks]:
        """Read the file, see ``TickReader``."""
        last, prices = np.full(1, NO_TIME, np.int64), np.full(2, np.nan)
        times = self._times()
        row = 0
        for batch in self._batches():
            time = np.ascontiguousarray(times.nanoseconds(times_of(batch, self._header.time, self._header.clock), row))
            bid, ask = (as_floats(batch.column(name)) for name in (self._header.bid, self._header.ask))
            bids, asks = np.empty(len(time)), np.empty(len(time))
            index = settle(time, bid, ask, last, prices, bids, asks)
            if index >= 0:
                raise self._bad(index, row, time, bid, ask, int(last[0]))
            volume = self._volume(batch, self._volumes)
            wrong = ~((volume >= 0.0) & (volume < np.inf))
            if wrong.any():
                index = int(wrong.argmax())
                what = f"has volume {float(volume[index])!r}: expected a number of 0 or more; take it out"
                raise self._refused(row + index, f"the tick of {format_time(int(time[index]))} {what}")
            yield Ticks(row, time, bids, asks, volume)
            row += batch.num_rows

    def _volume(self, batch: Any, names: tuple[str, ...]) -> Floats:
        if not names:
            return np.ones(batch.num_rows)
        columns = (as_floats(batch.column(name)) for name in names)
        total = sum(np.where(np.isnan(column), 0.0, column) for column in columns)
        return np.ascontiguousarray(total, np.float64)

    def _batches(self) -> Iterator[Any]:
        header = self._header
        return self._table.batches([each for each in (header.time, header.clock) if each], header.numbers)

    def _times(self) -> TimeColumn:
        return TimeColumn(
            self._table.name, self._header.time, self._sample, self._table.place, self._zone, is_unique=False
        )

    def _bad(self, index: int, first: int, time: Ints, bid: Floats, ask: Floats, last: int) -> DataError:
        """Say what is wrong with a tick."""
        moment = int(time[index])
        if moment == NO_TIME:
            what = "a tick without a time"
        elif moment < last:
            what = f"a tick of {format_time(moment)} behind one of {format_time(last)}: sort the file by time"
        else:
            what = (
                f"the tick of {format_time(moment)} has bid {float(bid[index])!r} and ask {float(ask[index])!r}: both "
                "have to be above zero, and the ask not below the bid; take it out"
            )
        return self._refused(first + index, what)

    def _refused(self, row: int, what: str) -> DataError:
        return DataError(f"{self._table.name}, {self._table.place(row)}: {what}")
