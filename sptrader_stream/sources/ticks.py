"""Ticks, bid and ask, as a source of candles: bid prices, with the spread of the last tick of each span.

A candle closes with the first tick behind its span, and the last one with the end of the ticks. Nothing depends on how
the ticks are cut into chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.errors import DataError, UserError
from sptrader_stream.instruments import Instrument
from sptrader_stream.kernels import kernel
from sptrader_stream.sources.arrow_columns import as_floats
from sptrader_stream.sources.headers import TickHeader
from sptrader_stream.sources.source import CHUNK_ROWS, NO_TIME, RawCandles, SourceInfo, raw_part
from sptrader_stream.sources.table_file import TableFile, zone_of
from sptrader_stream.sources.tables import SAMPLE_ROWS, changed_at, nothing_in_range, within
from sptrader_stream.sources.time_column import TimeColumn, times_of
from sptrader_stream.timeframes import format_time, format_timeframe, parse_timeframe, span_origin

# Layout of ``numbers``: the candle that is being built, and the bid and ask of the last tick.
_OPEN: Final = 0
_HIGH: Final = 1
_LOW: Final = 2
_CLOSE: Final = 3
_VOLUME: Final = 4
_BID: Final = 5
_ASK: Final = 6
_NUMBERS: Final = 7
# Layout of ``state``: when the span opened, the time of the last tick, and the tick that is none, where there was one.
_SPAN: Final = 0
_LAST: Final = 1
_BAD: Final = 2
_STATES: Final = 3
_COLUMNS: Final = 6


@kernel
def gather(
    time: Ints,
    bid: Floats,
    ask: Floats,
    volume: Floats,
    timeframe: int,
    origin: int,
    state: Ints,
    numbers: Floats,
    times: Ints,
    built: Floats,
) -> int:
    """Build candles from ticks, up to the first that is none: out of order, or without a right bid and ask.

    Args:
        time: nanoseconds since 1970 UTC.
        bid, ask: prices; NaN where the one before still holds.
        volume: of each tick.
        timeframe: nanoseconds.
        origin: a time at which a candle opens.
        state: carried; see the layout.
        numbers: carried; see the layout.
        times: filled with the open times of the candles that closed; room for one for each tick.
        built: filled with open, high, low, close, volume and spread, columns with as much room as ``times``.

    Returns:
        How many candles closed; ``state[_BAD]`` is the index of the tick that is none, or -1.
    """
    room = len(times)
    count = 0
    state[_BAD] = -1
    for i in range(len(time)):
        price = numbers[_BID] if bid[i] != bid[i] else bid[i]
        asked = numbers[_ASK] if ask[i] != ask[i] else ask[i]
        if time[i] < state[_LAST] or time[i] == NO_TIME or not (0.0 < price <= asked < 1e300):
            state[_BAD] = i
            return count
        state[_LAST] = time[i]
        opened = time[i] - (time[i] - origin) % timeframe
        if opened != state[_SPAN]:
            if state[_SPAN] != NO_TIME:
                times[count] = state[_SPAN]
                for k in range(5):
                    built[k * room + count] = numbers[k]
                built[5 * room + count] = numbers[_ASK] - numbers[_BID]
                count += 1
            state[_SPAN] = opened
            numbers[_OPEN] = numbers[_HIGH] = numbers[_LOW] = price
            numbers[_VOLUME] = 0.0
        numbers[_HIGH] = max(numbers[_HIGH], price)
        numbers[_LOW] = min(numbers[_LOW], price)
        numbers[_CLOSE] = price
        numbers[_VOLUME] += volume[i]
        numbers[_BID], numbers[_ASK] = price, asked
    return count


class TickSource:
    """The candles that the ticks of a file make.

    Args:
        table: the file.
        header: its columns.
        instrument: what it holds.
        timeframe: of the candles, such as ``1m``.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the file's first.
        end: last open time wanted, inclusive; None for the file's last.
        timezone: of times that do not say theirs; None for UTC, or for what files of its kind have.

    Raises:
        DataError: it cannot be read, or holds no ticks.
        UserError: ``timeframe`` is missing or none, or ``timezone`` is none.
    """

    def __init__(
        self,
        table: TableFile,
        header: TickHeader,
        instrument: Instrument,
        *,
        timeframe: str | None,
        start: int | None = None,
        end: int | None = None,
        timezone: str | None = None,
    ) -> None:
        if timeframe is None:
            raise UserError(f"{table.name} holds ticks: of which candles? Give --timeframe, such as 1m")
        self._table = table
        self._header = header
        self._start = start
        self._end = end
        self._zone = zone_of(table, timezone)
        self._timeframe = parse_timeframe(timeframe)
        self._origin = span_origin(self._timeframe, instrument.session)
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
            symbol=instrument.symbol,
            timeframe=format_timeframe(self._timeframe),
            has_spread=True,
            retrieved_at=changed_at(table.name),
        )

    def place(self, row: int) -> str:
        """Say where a row is: rows are candles, which are in no line."""
        return f"candle {row + 1}"

    def chunks(self) -> Iterator[RawCandles]:
        """Build the candles of the range, see ``CandleSource``."""
        found = False
        row = 0
        for built in self._built():
            for first in range(0, len(built.time), CHUNK_ROWS):
                raw = raw_part(built, first, min(first + CHUNK_ROWS, len(built.time)))
                for part in within(_at(raw, row + first), self._start, self._end):
                    found = True
                    yield part
            row += len(built.time)
        if not found:
            raise nothing_in_range(self._table.name, self._start, self._end)

    def _built(self) -> Iterator[RawCandles]:
        state = np.full(_STATES, NO_TIME, np.int64)
        numbers = np.full(_NUMBERS, np.nan)
        times = self._times()
        tick = 0
        for batch in self._batches():
            time = np.ascontiguousarray(times.nanoseconds(times_of(batch, self._header.time, self._header.clock), tick))
            bid, ask = (as_floats(batch.column(name)) for name in (self._header.bid, self._header.ask))
            candles = self._gather(time, bid, ask, self._volume(batch, self._volumes), state, numbers)
            if state[_BAD] >= 0:
                raise self._bad(int(state[_BAD]), tick, time, bid, ask, int(state[_LAST]))
            yield candles
            tick += batch.num_rows
        last = np.array([numbers[_ASK] - numbers[_BID]])
        open_, high, low, close, volume = (numbers[k : k + 1].copy() for k in range(5))
        yield RawCandles(
            row=0, time=state[:1].copy(), open=open_, high=high, low=low, close=close, volume=volume, spread=last
        )

    def _gather(self, time: Ints, bid: Floats, ask: Floats, volume: Floats, state: Ints, numbers: Floats) -> RawCandles:
        times: Ints = np.empty(len(time), np.int64)
        built = np.empty((_COLUMNS, len(time)))
        count = gather(time, bid, ask, volume, self._timeframe, self._origin, state, numbers, times, built.reshape(-1))
        open_, high, low, close, amount, spread = (column[:count].copy() for column in built)
        return RawCandles(
            row=0, time=times[:count], open=open_, high=high, low=low, close=close, volume=amount, spread=spread
        )

    def _volume(self, batch: Any, names: tuple[str, ...]) -> Floats:
        if not names:
            return np.ones(batch.num_rows)
        total = sum(np.nan_to_num(as_floats(batch.column(name))) for name in names)
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
        place = self._table.place(first + index)
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
        return DataError(f"{self._table.name}, {place}: {what}")


def _at(raw: RawCandles, row: int) -> RawCandles:
    return RawCandles(
        row=row,
        time=raw.time,
        open=raw.open,
        high=raw.high,
        low=raw.low,
        close=raw.close,
        volume=raw.volume,
        spread=raw.spread,
    )
