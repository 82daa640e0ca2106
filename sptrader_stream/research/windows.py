"""The signals of a run computed again, candle by candle: a window over the last ones, however long the run was."""

from __future__ import annotations

from typing import cast

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.columns import Codes, Floats, Ints
from sptrader_stream.events import Signals
from sptrader_stream.instruments import Instrument
from sptrader_stream.resampling import builder_of, closes_of_rows
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.rules.settings import plan_timeframes
from sptrader_stream.rules.truths import Frame
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.sources.merging import batch_of

# Stands for the open time of a candle that has not come.
NOT_YET = -(2**63)


class StrategyCandle(msgspec.Struct, frozen=True):
    """A candle of the strategy's timeframe.

    Attributes:
        open, close: where its span begins and ends, nanoseconds since 1970 UTC.
        last: open time of its last data candle.
        decided: open time of the data candle that a decision on it is recorded at: the one that closed it, or where
            there was none at its end, the one after it.
        late: whether there was none at its end.
        fills: open time of the data candle at whose open a decision on it fills; None where none came.
    """

    open: int
    close: int
    last: int
    decided: int
    late: bool
    fills: int | None


class Window(msgspec.Struct, frozen=True):
    """The candles of a chunk of data, behind those before it that their conditions look back to.

    Attributes:
        frame: what the signals say.
        fresh: where the chunk's own candles of the strategy's timeframe begin; before it stand earlier ones.
        moments: by timeframe, when each of the frame's candles closed, in half rows of the run's data.
        last, decided, fills: see :class:`StrategyCandle`, by candle; ``NOT_YET`` where it has not come.
        timeframe: of the strategy, nanoseconds.
        chunk: the data candles.
        first: how many data candles came before.
        signals: of the chunk.
    """

    frame: Frame
    fresh: int
    moments: list[Ints]
    last: Ints
    decided: Ints
    fills: Ints
    timeframe: int
    chunk: ReadyCandles
    first: int
    signals: Signals

    def candle(self, row: int) -> StrategyCandle:
        """The candle in a row of the frame."""
        start, fills = int(self.frame.opens[0][row]), int(self.fills[row])
        return StrategyCandle(
            open=start,
            close=start + self.timeframe,
            last=int(self.last[row]),
            decided=int(self.decided[row]),
            late=int(self.moments[0][row]) % 2 == 0,
            fills=None if fills == NOT_YET else fills,
        )

    def last_closed(self, time: int) -> int | None:
        """The row of the last candle whose span has ended by ``time``; None where none has."""
        row = int(np.searchsorted(self.frame.opens[0] + self.timeframe, time, side="right")) - 1
        return row if row >= 0 else None


class Windows:
    """Computes the windows over one instrument's candles, chunk by chunk.

    Args:
        plan: the strategy.
        instrument: what the candles are of.
        timeframe: of the data, nanoseconds.
        keep: how many candles of each timeframe are kept before a chunk.
    """

    def __init__(self, plan: StrategyPlan, instrument: Instrument, timeframe: int, keep: int) -> None:
        self._engine = SignalEngine(plan, [instrument], timeframe)
        self._timeframes = plan_timeframes(plan, timeframe)
        # The engine tells when candles close; when they open is for people alone.
        self._builders = [builder_of(timeframe, each, instrument.session) for each in self._timeframes]
        self._keep = max(keep, 1)
        self._rows = 0
        self._last_time = NOT_YET
        none = np.empty(0, np.int64)
        self._moments = [none] * len(self._timeframes)
        self._opens = [none] * len(self._timeframes)
        self._last = self._decided = self._fills = none
        self._columns: list[Floats | Codes] = []

    def add(self, chunk: ReadyCandles) -> Window:
        """Take the next data candles, at least one, and give the window that ends with them."""
        size, before = len(chunk), self._rows
        signals = self._engine.process(batch_of(chunk, before))
        (found,) = signals.instruments
        closes = found.closes or [closes_of_rows(size)]
        times = np.concatenate(([self._last_time], chunk.time, [NOT_YET]))
        fresh = len(self._opens[0])
        # The one candle that still waited for the data candle after it.
        self._fills[self._fills == NOT_YET] = chunk.time[0]
        for index, (builder, moments) in enumerate(zip(self._builders, closes, strict=True)):
            opens = chunk.time if builder is None else builder.process(chunk).time
            self._opens[index] = np.concatenate((self._opens[index], opens))
            self._moments[index] = np.concatenate((self._moments[index], moments + 2 * before))
        self._last = np.concatenate((self._last, times[(closes[0] - 1) // 2 + 1]))
        self._decided = np.concatenate((self._decided, times[closes[0] // 2 + 1]))
        self._fills = np.concatenate((self._fills, times[(closes[0] + 1) // 2 + 1]))
        earlier = self._columns or [column[:0] for column in found.columns]
        # Two columns of one operand have the same type.
        self._columns = [
            cast("Floats | Codes", np.concatenate(pair)) for pair in zip(earlier, found.columns, strict=True)
        ]
        latest = [np.searchsorted(each, self._moments[0], side="right") - 1 for each in self._moments[1:]]
        window = Window(
            frame=Frame(self._columns, tuple(self._opens), latest),
            fresh=fresh,
            moments=list(self._moments),
            last=self._last,
            decided=self._decided,
            fills=self._fills,
            timeframe=self._timeframes[0],
            chunk=chunk,
            first=before,
            signals=signals,
        )
        self._rows += size
        self._last_time = int(chunk.time[-1])
        self._trim()
        return window

    def _trim(self) -> None:
        last = slice(-self._keep, None)
        self._moments = [each[last] for each in self._moments]
        self._opens = [each[last] for each in self._opens]
        self._last, self._decided = self._last[last], self._decided[last]
        # A copy, as it is written to when the next chunk comes, and the window stays as it is.
        self._fills = self._fills[last].copy()
        self._columns = [column[last] for column in self._columns]
