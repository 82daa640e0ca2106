"""Ticks as a source of candles: bid prices, with the spread of the last tick of each span.

A candle closes with the first tick behind its span, and the last one with the end of the ticks. Nothing depends on how
the ticks are cut into chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.instruments import Instrument
from sptrader_stream.kernels import kernel
from sptrader_stream.sources.source import CHUNK_ROWS, NO_TIME, RawCandles, SourceInfo, raw_part
from sptrader_stream.sources.tables import nothing_in_range, within
from sptrader_stream.sources.ticks import TickReader, Ticks
from sptrader_stream.timeframes import format_timeframe, parse_timeframe, span_origin

# Layout of ``numbers``: the candle that is being built, and the bid and ask of the last tick.
_OPEN: Final = 0
_HIGH: Final = 1
_LOW: Final = 2
_CLOSE: Final = 3
_VOLUME: Final = 4
_BID: Final = 5
_ASK: Final = 6
_NUMBERS: Final = 7
_COLUMNS: Final = 6


@kernel
def gather(
    time: Ints,
    bid: Floats,
    ask: Floats,
    volume: Floats,
    timeframe: int,
    origin: int,
    span: Ints,
    numbers: Floats,
    times: Ints,
    built: Floats,
) -> int:
    """Build candles from ticks.

    Args:
        time: nanoseconds since 1970 UTC.
        bid, ask: prices.
        volume: of each tick.
        timeframe: nanoseconds.
        origin: a time at which a candle opens.
        span: carried: when the candle that is being built opened, ``NO_TIME`` before the first tick.
        numbers: carried; see the layout.
        times: filled with the open times of the candles that closed; room for one for each tick.
        built: filled with open, high, low, close, volume and spread, columns with as much room as ``times``.

    Returns:
        How many candles closed.
    """
    room = len(times)
    count = 0
    for i in range(len(time)):
        price = bid[i]
        opened = time[i] - (time[i] - origin) % timeframe
        if opened != span[0]:
            if span[0] != NO_TIME:
                times[count] = span[0]
                for k in range(5):
                    built[k * room + count] = numbers[k]
                built[5 * room + count] = numbers[_ASK] - numbers[_BID]
                count += 1
            span[0] = opened
            numbers[_OPEN] = numbers[_HIGH] = numbers[_LOW] = price
            numbers[_VOLUME] = 0.0
        numbers[_HIGH] = max(numbers[_HIGH], price)
        numbers[_LOW] = min(numbers[_LOW], price)
        numbers[_CLOSE] = price
        numbers[_VOLUME] += volume[i]
        numbers[_BID], numbers[_ASK] = price, ask[i]
    return count


class TickCandleSource:
    """The candles that ticks make.

    Args:
        reader: has the ticks.
        instrument: what they are of.
        timeframe: of the candles, such as ``1m``.
        start: first open time wanted, nanoseconds since 1970 UTC, inclusive; None for the first there is.
        end: last open time wanted, inclusive; None for the last there is.

    Raises:
        UserError: ``timeframe`` is none.
    """

    def __init__(
        self,
        reader: TickReader,
        instrument: Instrument,
        *,
        timeframe: str,
        start: int | None = None,
        end: int | None = None,
    ) -> None:
        self._reader = reader
        self._start = start
        self._end = end
        self._timeframe = parse_timeframe(timeframe)
        self._origin = span_origin(self._timeframe, instrument.session)
        # The span that there are ticks of: only reading tells whether the candles at its ends have any.
        first, last = reader.info.start, reader.info.end
        self.info: SourceInfo = msgspec.structs.replace(
            reader.info,
            timeframe=format_timeframe(self._timeframe),
            rows=None,
            start=None if first is None else self._opened(first if start is None else max(first, start)),
            end=None if last is None else self._opened(last if end is None else min(last, end)),
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
                for part in within(msgspec.structs.replace(raw, row=row + first), self._start, self._end):
                    found = True
                    yield part
            row += len(built.time)
        if not found:
            raise nothing_in_range(self.info.name, self._start, self._end)

    def _opened(self, time: int) -> int:
        """When the candle opened that a time falls into."""
        return time - (time - self._origin) % self._timeframe

    def _built(self) -> Iterator[RawCandles]:
        span = np.full(1, NO_TIME, np.int64)
        numbers = np.full(_NUMBERS, np.nan)
        for ticks in self._reader.ticks():
            yield self._gather(ticks, span, numbers)
        if span[0] == NO_TIME:
            return
        last = np.array([numbers[_ASK] - numbers[_BID]])
        open_, high, low, close, volume = (numbers[k : k + 1] for k in range(5))
        yield RawCandles(row=0, time=span, open=open_, high=high, low=low, close=close, volume=volume, spread=last)

    def _gather(self, ticks: Ticks, span: Ints, numbers: Floats) -> RawCandles:
        times: Ints = np.empty(len(ticks.time), np.int64)
        built = np.empty((_COLUMNS, len(ticks.time)))
        count = gather(
            ticks.time, ticks.bid, ticks.ask, ticks.volume, self._timeframe, self._origin,
            span, numbers, times, built.reshape(-1),
        )  # fmt: skip
        open_, high, low, close, amount, spread = (column[:count].copy() for column in built)
        return RawCandles(
            row=0, time=times[:count], open=open_, high=high, low=low, close=close, volume=amount, spread=spread
        )
