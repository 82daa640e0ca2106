"""How long a strategy remembers where its data began: runs that start later, held against the one over everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from sptrader_stream.columns import Flags, Ints
from sptrader_stream.execution.records import Trade, unpack
from sptrader_stream.research.check_compare import unequal
from sptrader_stream.research.check_history import History
from sptrader_stream.research.check_passes import (
    ENTRIES,
    EXITS,
    MOMENT,
    Opens,
    Pass,
    Setup,
    candle_opens,
    evenly,
    run_pass,
)
from sptrader_stream.rules.wording import operand_text
from sptrader_stream.timeframes import format_time, format_timeframe

LATER_STARTS: Final = (0.25, 0.5)
TOLERANCE: Final = 1e-9


class OperandWarmUp(msgspec.Struct, frozen=True, kw_only=True):
    """How many candles an operand needs until it says what it says in a run that began earlier.

    Attributes:
        operand: in words.
        timeframe: of its candles.
        exact: candles until all values agree to the last bit; None where they never do.
        close: candles until they agree to ``TOLERANCE``, relative; None where they never do.
    """

    operand: str
    timeframe: str
    exact: int | None
    close: int | None


class LaterStart(msgspec.Struct, frozen=True, kw_only=True):
    """What a run that starts later decides otherwise than the whole one, from its start on.

    Attributes:
        start_time: its first candle, RFC 3339.
        decisions: how many the whole run makes from there on.
        decisions_differ: how many only one of the two makes.
        same_after: data candles after which all decisions are the same; None where they never are.
        trades: how many the whole run opens and closes from there on.
        trades_differ: how many only one of the two makes, whatever their sizes.
    """

    start_time: str
    decisions: int
    decisions_differ: int
    same_after: int | None
    trades: int
    trades_differ: int


class WarmUp(msgspec.Struct, frozen=True):
    """See ``OperandWarmUp`` and ``LaterStart``; operands that the candles themselves are, are left out."""

    operands: tuple[OperandWarmUp, ...]
    starts: tuple[LaterStart, ...]


class WarmUpCheck:
    """Runs that start later.

    Args:
        setup: the strategy.
        history: all candles.
        whole: the pass over them.
        opens: when their candles of each timeframe open.
    """

    def __init__(self, setup: Setup, history: History, opens: Opens, whole: Pass) -> None:
        self._setup = setup
        self._history = history
        self._whole = whole
        self._opens = opens
        self._exact: list[int | None] = [0] * len(setup.plan.operands)
        self._close: list[int | None] = [0] * len(setup.plan.operands)
        self._starts: list[LaterStart] = []

    def start_at(self, start: int) -> None:
        """Run from a timestamp on, its index.

        Raises:
            SignalError: a user's own signal failed.
            AmountError: an amount leaves the exact range.
        """
        history = self._history.part(start, len(self._history))
        later = run_pass(self._setup, history, evenly(len(history)))
        for instrument, opens in enumerate(candle_opens(self._setup, history)):
            for index, timeframe in enumerate(self._setup.plan.operand_timeframes):
                column = later.columns[instrument][index]
                if len(column):
                    first = int(np.searchsorted(self._opens[instrument][timeframe], opens[timeframe][0]))
                    self._compare(index, self._whole.columns[instrument][index][first:], column)
        self._starts.append(self._later_start(history, later, start))

    def result(self) -> WarmUp:
        """What all starts together say."""
        plan = self._setup.plan
        return WarmUp(
            tuple(
                OperandWarmUp(
                    operand=operand_text(operand),
                    timeframe=format_timeframe(self._setup.timeframes[plan.operand_timeframes[index]]),
                    exact=self._exact[index],
                    close=self._close[index],
                )
                for index, operand in enumerate(plan.operands)
                if self._exact[index] != 0
            ),
            tuple(self._starts),
        )

    def _compare(self, index: int, whole: Any, column: Any) -> None:
        differ = unequal(whole, column)
        self._exact[index] = _longer(self._exact[index], _settled(differ))
        self._close[index] = _longer(self._close[index], _settled(differ & _far(whole, column)))

    def _later_start(self, history: History, later: Pass, start: int) -> LaterStart:
        time = int(history.times[0])
        whole = {each for each in _decisions(self._whole, self._history) if each[1] >= time}
        decisions = set(_decisions(later, history))
        differ = whole ^ decisions
        last = max((moment for _, moment, *_ in differ), default=None)
        after = 0 if last is None else int(np.searchsorted(history.times, last, side="right"))
        trades = {each for each in _trades(self._whole.records) if each[3] >= time}
        return LaterStart(
            start_time=format_time(time),
            decisions=len(whole),
            decisions_differ=len(differ),
            same_after=after if after < len(history) else None,
            trades=len(trades),
            trades_differ=len(trades ^ set(_trades(later.records))),
        )


def _settled(differ: Flags) -> int | None:
    """After how many candles a column no longer differs; None where the last one still does."""
    places = np.flatnonzero(differ)
    if not len(places):
        return 0
    count = int(places[-1]) + 1
    return None if count == len(differ) else count


def _far(whole: Any, column: Any) -> Flags:
    if whole.dtype != np.float64:
        return np.ones(len(whole), np.bool_)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(whole - column) <= TOLERANCE * np.maximum(np.abs(whole), np.abs(column))
    return np.asarray(~near)


def _longer(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


def _decisions(found: Pass, history: History) -> Iterator[tuple[int, int, int, int]]:
    """Instrument, open time of the data candle, entries and exits."""
    for instrument, table in enumerate(found.decisions):
        time = history.candles[instrument].time
        for row in table.tolist():
            yield instrument, int(time[row[MOMENT] // 2]), row[ENTRIES], row[EXITS]


def _trades(records: Ints) -> Iterator[tuple[int, int, int, int, int, str]]:
    for event in unpack(records):
        if isinstance(event, Trade):
            yield event.instrument, event.rule, event.side, event.entry_time, event.time, event.reason
