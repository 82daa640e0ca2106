"""A user's window signal at work, in blocks that begin at fixed candles.

A window computation in floats may give other last bits when its window begins elsewhere (a running sum has other
roundings behind it). So windows do not begin where a batch happens to begin: the run is cut into blocks of fixed
length, and every window of a block begins ``lookback`` candles before the block. A block that is only partly known is
computed again when more of it arrives. What was said before must then be said again, to the bit; where a block comes
whole, one more computation without its last part takes the place of that. So a signal that looks ahead, or
otherwise depends on how many candles come after, ends the run with an error instead of flattering it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sptrader_stream.candles import CandleView
from sptrader_stream.columns import Codes, Floats
from sptrader_stream.signals.api import Candles, WindowSignal
from sptrader_stream.signals.registry import SignalOutput
from sptrader_stream.signals.usercode import UserIndicators, UserMethod, locked
from sptrader_stream.signals.userfile import UserFile, naming_lines

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_BLOCK = 512
LONGEST_LOOKBACK = 1_000_000


class WindowAdapter:
    """A :class:`WindowSignal` as the engine sees it."""

    def __init__(self, file: UserFile, signal: WindowSignal, indicators: UserIndicators) -> None:
        with naming_lines(file.path, file.line):
            lookback = signal.lookback
        if not isinstance(lookback, int) or isinstance(lookback, bool) or not 0 <= lookback <= LONGEST_LOOKBACK:
            raise file.error(f".lookback must be a whole number from 0 to {LONGEST_LOOKBACK}, found {lookback!r}")
        self._outputs = file.info.outputs
        self._frame = signal.frame
        self._method = UserMethod(file, signal.compute)
        self._indicators = indicators
        self._lookback = lookback
        self._block = max(SMALLEST_BLOCK, lookback)
        # Candles 0 .. anchor - 1 lie before the block; `filled` of the columns' rows are known, `history` of these
        # before the block; `said` has what was said of the block.
        self._anchor = self._history = self._filled = 0
        self._columns = self._new_columns(0)
        self._said: list[Floats | Codes] = _silence(self._outputs, self._block)

    def update(self, view: CandleView) -> tuple[Floats | Codes, ...]:
        """See :class:`Signal`."""
        batch = [*Candles.of(view), *self._indicators.update(view)]
        length = len(view)
        out = _silence(self._outputs, length)
        done = 0
        while done < length:
            if self._filled == self._history + self._block:
                self._begin_block()
            first = self._filled
            count = min(self._history + self._block - first, length - done)
            for column, values in zip(self._columns, batch, strict=True):
                column[first : first + count] = values[done : done + count]
            self._filled += count
            self._say(first)
            start = first - self._history
            for column, said in zip(out, self._said, strict=True):
                column[done : done + count] = said[start : start + count]
            done += count
        return tuple(out)

    def _say(self, first: int) -> None:
        """Compute the block as far as it is known; rows from ``first`` on are new."""
        # The first row with enough candles before it: in later blocks that is the block's first.
        defined = self._lookback if self._anchor == 0 else self._history
        if self._filled <= defined:
            return
        values = self._compute(self._filled, defined)
        place = self._anchor - self._history + defined
        start, old = defined - self._history, first - defined
        if old > 0:
            self._method.compare([said[start : start + old] for said in self._said], values, place, "looks_ahead")
        elif (new := self._filled - defined) > 1:
            # Any row but the last would do; a multiplicative hash of the anchor spreads the choice evenly.
            cut = defined + 1 + (self._anchor // self._block * 2654435761 + 97) % (new - 1)
            self._method.compare(self._compute(cut, defined), values, place, "looks_ahead")
        for said, column in zip(self._said, values, strict=True):
            said[start : start + len(column)] = column

    def _compute(self, size: int, defined: int) -> list[Floats | Codes]:
        """The outputs of rows ``defined`` to ``size``, from a window of the first ``size`` rows."""
        columns = [locked(column[:size]) for column in self._columns]
        candles: Candles | pd.DataFrame = Candles(*columns[:6])
        indicators: dict[str, Any] = dict(zip(self._indicators.names, columns[6:], strict=True))
        if self._frame == "pandas":
            candles, indicators = _as_pandas(columns, indicators)
        return self._method.call(candles, indicators, size, defined)

    def _begin_block(self) -> None:
        kept = min(self._lookback, self._filled)
        columns = self._new_columns(kept)
        for new, old in zip(columns, self._columns, strict=True):
            new[:kept] = old[self._filled - kept : self._filled]
        self._columns = columns
        self._anchor += self._block
        self._history = self._filled = kept
        self._said = _silence(self._outputs, self._block)

    def _new_columns(self, history: int) -> list[np.ndarray[Any, Any]]:
        # New ones for each block: the user may have kept views of the old ones.
        size = history + self._block
        return [np.empty(size, np.int64), *(np.empty(size) for _ in range(5 + len(self._indicators.names)))]


def _silence(outputs: Sequence[SignalOutput], length: int) -> list[Floats | Codes]:
    return [np.zeros(length, np.int8) if each.choices else np.full(length, np.nan) for each in outputs]


def _as_pandas(columns: list[Any], indicators: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    import pandas as pd

    index = pd.DatetimeIndex(columns[0].view("datetime64[ns]"), tz="UTC", name="time")
    frame = pd.DataFrame(dict(zip(Candles._fields[1:], columns[1:6], strict=True)), index=index)
    return frame, {name: pd.Series(values, index=index, name=name) for name, values in indicators.items()}
