"""Candles and ticks as the catalog's files have them: columns by name, split by month and merged with what is there.

Prices are whole numbers from end to end, so that what is compared and kept is exact.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec
import numpy as np

from sptrader_stream.candles import CandleColumns
from sptrader_stream.columns import Flags, Floats, Ints
from sptrader_stream.errors import DataError
from sptrader_stream.timeframes import format_time

TIME: Final = "time"
BID: Final = "bid"
ASK: Final = "ask"
SPREAD: Final = "spread"
VOLUME: Final = "volume"
PRICES: Final = ("open", "high", "low", "close")


# Prices are whole numbers.
Column: TypeAlias = Ints | Floats


class Rows(msgspec.Struct, frozen=True, gc=False):
    """Candles, or ticks.

    Attributes:
        time: nanoseconds since 1970 UTC; of candles rising, of ticks never falling.
        values: the other columns by name, each as long; prices int64, ticks of the series, volume float64.
    """

    time: Ints
    values: dict[str, Column]

    def __len__(self) -> int:
        return len(self.time)

    def part(self, chosen: slice | Ints | Flags) -> Rows:
        """Give some of the rows."""
        return Rows(self.time[chosen], {name: column[chosen] for name, column in self.values.items()})


class Merged(msgspec.Struct, frozen=True):
    """Two tables in one.

    Attributes:
        rows: all of them; where both have some of the same time, the new ones.
        new: how many are of times that the old one does not have.
        there: the rows of the old one of which the new one has others at the same time.
        instead: those others.
    """

    rows: Rows
    new: int
    there: Rows
    instead: Rows


def rows_of(candles: CandleColumns, precision: int, wanted: int) -> Rows:
    """Write checked candles in the ticks of a series.

    Args:
        candles: in ticks of the instrument.
        precision: decimal places of the instrument's price.
        wanted: those of the series.

    Raises:
        DataError: a price is finer than the series has them; names the candle.
    """
    columns = {name: getattr(candles, name) for name in (*PRICES, SPREAD)}
    factor, divisor = 10 ** max(0, wanted - precision), 10 ** max(0, precision - wanted)
    values: dict[str, Column] = {}
    for name, column in columns.items():
        if column is None:
            continue
        if precision == wanted:
            values[name] = column
            continue
        broken = column % divisor != 0
        if broken.any():
            when = format_time(int(candles.time[int(broken.argmax())]))
            raise DataError(
                f"the {name} of the candle of {when} has more than the {wanted} decimal places that the prices of the "
                f"series have: remove the series' folder and import all of it again"
            )
        values[name] = column * factor // divisor
    return Rows(candles.time, values | {VOLUME: candles.volume})


def by_month(chunks: Iterator[Rows]) -> Iterator[tuple[str, Rows]]:
    """Put chunks together to months; memory holds one month at most.

    Args:
        chunks: in order of time.

    Yields:
        The month, such as ``2025-03``, and its rows.
    """
    current = ""
    parts: list[Rows] = []
    for chunk in chunks:
        months = chunk.time.astype("datetime64[ns]").astype("datetime64[M]")
        borders = [0, *(np.flatnonzero(months[1:] != months[:-1]) + 1).tolist(), len(chunk)]
        for first, last in itertools.pairwise(borders):
            month = str(months[first])
            if month != current and parts:
                yield current, joined(parts)
                parts = []
            current = month
            parts.append(chunk.part(slice(first, last)))
    if parts:
        yield current, joined(parts)


def joined(parts: list[Rows]) -> Rows:
    """Put tables behind each other; there is one at least, and all have the same columns."""
    if len(parts) == 1:
        return parts[0]
    names = parts[0].values
    return Rows(
        np.concatenate([each.time for each in parts]),
        {name: np.concatenate([each.values[name] for each in parts]) for name in names},
    )


def merge(old: Rows, new: Rows) -> Merged:
    """Put new rows among old ones; both have the same columns.

    Rows of one time belong together: they are the same in both, or contradict each other as a whole.
    """
    if not len(old) or new.time[0] > old.time[-1]:
        nothing = new.part(slice(0, 0))
        return Merged(joined([old, new]) if len(old) else new, len(new), nothing, nothing)
    in_both, known = _is_among(old.time, new.time), _is_among(new.time, old.time)
    there, instead = old.part(in_both), new.part(known)
    times = contradictions(there, instead)
    both = joined([old.part(~in_both), new])
    return Merged(
        both.part(np.argsort(both.time, kind="stable")),
        int(len(new) - known.sum()),
        there.part(_is_among(there.time, times)),
        instead.part(_is_among(instead.time, times)),
    )


def contradictions(old: Rows, new: Rows) -> Ints:
    """Give the times, rising, at which two tables have different rows; both have the same times."""
    uneven: Ints = np.empty(0, np.int64)
    if not np.array_equal(old.time, new.time):
        times, counts = np.unique(old.time, return_counts=True)
        uneven = times[counts != np.unique(new.time, return_counts=True)[1]]
        old, new = (each.part(~_is_among(each.time, uneven)) for each in (old, new))
    differs: Flags = np.zeros(len(old), np.bool_)
    for name, column in old.values.items():
        differs |= column != new.values[name]
    return np.union1d(uneven, old.time[differs])


def _is_among(times: Ints, others: Ints) -> Flags:
    """Tell of each time whether it is among others, which are in order."""
    if not len(others):
        return np.zeros(len(times), np.bool_)
    found: Flags = others[np.minimum(np.searchsorted(others, times), len(others) - 1)] == times
    return found
