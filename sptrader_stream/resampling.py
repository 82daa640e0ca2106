"""Coarser candles from finer ones, built on the fly: hours from minutes, four hours from hours, weeks from days.

A candle is built from the rows that open in its span and has the time at which the span begins. It closes with the
row that ends the span. Where that row is missing, it closes late, just before the next row that comes, because only
then is it known that none comes any more. A span without rows has no candle. Nothing depends on where a batch ends:
the candle that is still open is carried to the next one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sptrader_stream.candles import CandleColumns, ReadyCandles
from sptrader_stream.columns import Floats, Ints
from sptrader_stream.kernels import device, kernel
from sptrader_stream.timeframes import span_origin

# Layout of ``state``: where the span ends that is built or was built last, whether it is being built, and its candle.
END: Final = 0
IS_OPEN: Final = 1
OPEN: Final = 2
HIGH: Final = 3
LOW: Final = 4
CLOSE: Final = 5
SPREAD: Final = 6
STATE_LENGTH: Final = 7

# The columns of ``built``, one behind the other.
MOMENTS: Final = 0
TIMES: Final = 1
OPENS: Final = 2
HIGHS: Final = 3
LOWS: Final = 4
CLOSES: Final = 5
SPREADS: Final = 6
BUILT_COLUMNS: Final = 7

_EARLIEST: Final = -(2**63)
_NO_SPREAD: Final[Ints] = np.empty(0, np.int64)


@device
def put_candle(
    at: int,
    moment: int,
    time: int,
    open_: int,
    high: int,
    low: int,
    close: int,
    spread: int,
    volume: float,
    built: Ints,
    volumes: Floats,
) -> int:
    """Write a closed candle to place ``at`` and give the next place."""
    room = len(volumes)
    built[MOMENTS * room + at] = moment
    built[TIMES * room + at] = time
    built[OPENS * room + at] = open_
    built[HIGHS * room + at] = high
    built[LOWS * room + at] = low
    built[CLOSES * room + at] = close
    built[SPREADS * room + at] = spread
    volumes[at] = volume
    return at + 1


@kernel
def build_candles(
    time: Ints,
    open_: Ints,
    high: Ints,
    low: Ints,
    close: Ints,
    volume: Floats,
    spread: Ints,
    data_timeframe: int,
    timeframe: int,
    origin: int,
    state: Ints,
    total: Floats,
    built: Ints,
    volumes: Floats,
) -> int:
    """Build candles of a coarser timeframe.

    A row that opens in a span whose candle has closed (misaligned rows can overlap) counts to the next span.

    Args:
        time, open_, high, low, close, volume: the columns of the batch, the times rising.
        spread: likewise; empty where there is none.
        data_timeframe: of the rows, nanoseconds.
        timeframe: of the candles to build, nanoseconds.
        origin: a time at which one of them opens.
        state: carried, ``STATE_LENGTH`` values, END less than any time and IS_OPEN 0 at first.
        total: the volume of the candle that is being built.
        built: filled with ``BUILT_COLUMNS`` columns, for each of which it has as much room as there is in ``volumes``;
            moments are those of ``events.InstrumentSignals``.
        volumes: filled likewise; room for one more than the batch has rows.

    Returns:
        How many candles closed.
    """
    count = 0
    end, is_open, first, highest = state[END], state[IS_OPEN], state[OPEN], state[HIGH]
    lowest, last, width, amount = state[LOW], state[CLOSE], state[SPREAD], total[0]
    for i in range(len(time)):
        opened = time[i]
        if is_open == 0 or opened >= end:
            if is_open != 0:
                count = put_candle(
                    count, 2 * i, end - timeframe, first, highest, lowest, last, width, amount, built, volumes
                )
            end = max(opened - (opened - origin) % timeframe, end) + timeframe
            is_open, first, highest, lowest, amount = 1, open_[i], high[i], low[i], volume[i]
        else:
            highest, lowest = max(highest, high[i]), min(lowest, low[i])
            amount += volume[i]
        last = close[i]
        if len(spread) > 0:
            width = spread[i]
        if opened + data_timeframe >= end:
            count = put_candle(
                count, 2 * i + 1, end - timeframe, first, highest, lowest, last, width, amount, built, volumes
            )
            is_open = 0
    state[END], state[IS_OPEN], state[OPEN], state[HIGH] = end, is_open, first, highest
    state[LOW], state[CLOSE], state[SPREAD], total[0] = lowest, last, width, amount
    return count


class ClosedCandles(ReadyCandles, frozen=True, kw_only=True, gc=False):
    """Candles with the moments at which they closed (see ``events.InstrumentSignals``)."""

    moments: Ints


def _none_closed(spread: Ints | None) -> ClosedCandles:
    ints: Ints = np.empty(0, np.int64)
    prices = {"open": ints, "high": ints, "low": ints, "close": ints}
    return ClosedCandles(moments=ints, time=ints, volume=np.empty(0), spread=spread, **prices)


# In small batches it is by far the most common answer.
_NONE: Final = (_none_closed(None), _none_closed(_NO_SPREAD))


class CandleBuilder:
    """Builds the candles of one coarser timeframe for one instrument.

    Args:
        data_timeframe: of the candles that come, nanoseconds.
        timeframe: of the candles to build, a whole multiple of it.
        origin: a time at which one of them opens (see ``timeframes.span_origin``).
    """

    def __init__(self, data_timeframe: int, timeframe: int, origin: int) -> None:
        self._timeframes = (data_timeframe, timeframe, origin)
        self._state = np.zeros(STATE_LENGTH, np.int64)
        self._state[END] = _EARLIEST
        self._total = np.zeros(1)
        self._make_room(1)

    def process(self, candles: CandleColumns) -> ClosedCandles:
        """Take the next batch and give the candles that closed in it."""
        spread = candles.spread
        if len(candles.time) >= len(self._volumes):
            self._make_room(len(candles.time) + 1)
        count = build_candles(
            candles.time, candles.open, candles.high, candles.low, candles.close, candles.volume,
            _NO_SPREAD if spread is None else spread,
            *self._timeframes, self._state, self._total, self._flat, self._volumes,
        )  # fmt: skip
        if count == 0:
            return _NONE[spread is not None]
        moments, time, open_, high, low, close, spreads = self._built[:, :count].copy()
        return ClosedCandles(
            moments=moments,
            time=time,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=self._volumes[:count].copy(),
            spread=None if spread is None else spreads,
        )

    def _make_room(self, rows: int) -> None:
        self._volumes: Floats = np.empty(rows)
        self._built = np.empty((BUILT_COLUMNS, rows), np.int64)
        self._flat: Ints = self._built.reshape(-1)


def builder_of(data_timeframe: int, timeframe: int, session: int) -> CandleBuilder | None:
    """The builder of an instrument's candles of a timeframe; None where they are the data's own.

    Args:
        data_timeframe, timeframe: see :class:`CandleBuilder`.
        session: where the instrument's day begins, nanoseconds after midnight UTC.
    """
    if timeframe == data_timeframe:
        return None
    return CandleBuilder(data_timeframe, timeframe, span_origin(timeframe, session))


def closes_of_rows(rows: int) -> Ints:
    """The moments at which candles close that are the data's own."""
    return np.arange(1, 2 * rows, 2)
