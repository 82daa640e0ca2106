"""Where two passes over the same past part: the first candle, and what each of them said there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from sptrader_stream.columns import Codes, Flags, Floats, Ints
from sptrader_stream.execution.records import CANDLE, Fill, Halt, Rejection, Trade, unpack
from sptrader_stream.money import format_money, format_scaled
from sptrader_stream.research.check_history import History
from sptrader_stream.research.check_passes import MOMENT, Opens, Pass, Setup
from sptrader_stream.rules.plan import EntryRule, ExitRule
from sptrader_stream.rules.wording import Wording

_NOTHING = "nothing"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first place at which two passes say different things about the same.

    Attributes:
        part: what differs; an ``operand`` comes before the ``rules`` that read it, these before the ``execution``.
        operand: index in the plan; None for other parts.
        instrument: index in the run; None where it concerns all of them.
        timeframe: of the candle, nanoseconds.
        candle: its index among those of its instrument and timeframe, from 0.
        time: when it opened, nanoseconds since 1970 UTC.
        whole: what the whole run says, in words.
        other: what the other pass says.
    """

    part: Literal["operand", "rules", "execution"]
    operand: int | None = None
    instrument: int | None = None
    timeframe: int
    candle: int
    time: int
    whole: str
    other: str


class Comparison:
    """Compares passes with one over all candles, whole.

    Args:
        setup: the strategy.
        history: the candles.
        opens: when their candles of each timeframe open.
        whole: the pass over all of them.
    """

    def __init__(self, setup: Setup, history: History, opens: Opens, whole: Pass) -> None:
        self._setup = setup
        self._history = history
        self._whole = whole
        self._wording = Wording(setup.plan)
        self._opens = opens

    def differences(self, other: Pass, until: int) -> list[Difference]:
        """Where a pass says something else about the first ``until`` timestamps.

        Only the first part that differs counts: what reads a changed operand changes with it.
        """
        limits = [2 * int(rows[until]) for rows in self._history.rows]
        operands = [
            found
            for instrument, limit in enumerate(limits)
            for index in range(len(self._setup.plan.operands))
            if (found := self._operand(other, instrument, index, limit)) is not None
        ]
        if operands:
            return operands
        rules = [
            found
            for instrument, limit in enumerate(limits)
            if (found := self._rules(other, instrument, limit)) is not None
        ]
        if rules:
            return [min(rules, key=lambda each: each.time)]
        found = self._events(other, until) or self._equity(other, until)
        return [] if found is None else [found]

    def _operand(self, other: Pass, instrument: int, index: int, limit: int) -> Difference | None:
        timeframe = self._setup.plan.operand_timeframes[index]
        counts = [np.searchsorted(each.closes[instrument][timeframe], limit) for each in (self._whole, other)]
        whole = self._whole.columns[instrument][index][: counts[0]]
        column = other.columns[instrument][index][: counts[1]]
        candle = first_difference(whole, column)
        if candle is None:
            return None
        return Difference(
            part="operand",
            operand=index,
            instrument=instrument,
            timeframe=self._setup.timeframes[timeframe],
            candle=candle,
            time=int(self._opens[instrument][timeframe][candle]),
            whole=self._value(index, whole, candle),
            other=self._value(index, column, candle),
        )

    def _value(self, index: int, column: Floats | Codes, candle: int) -> str:
        if candle >= len(column):
            return _NOTHING
        value = column[candle]
        if column.dtype == np.int8:
            return self._wording.choice(index, int(value))
        return "undefined" if np.isnan(value) else repr(float(value))

    def _rules(self, other: Pass, instrument: int, limit: int) -> Difference | None:
        tables = [each.decisions[instrument] for each in (self._whole, other)]
        whole, decisions = (table[table[:, MOMENT] < limit] for table in tables)
        place = _first_row(whole, decisions)
        if place is None:
            return None
        moment = min(int(table[place, MOMENT]) for table in (whole, decisions) if place < len(table))
        time = self._history.candles[instrument].time
        row = min(moment // 2, len(time) - 1)
        return Difference(
            part="rules",
            instrument=instrument,
            timeframe=self._setup.timeframe,
            candle=row,
            time=int(time[row]),
            whole=self._decision(whole, place, moment),
            other=self._decision(decisions, place, moment),
        )

    def _decision(self, table: Ints, place: int, moment: int) -> str:
        if place >= len(table) or table[place, MOMENT] != moment:
            return _NOTHING
        _, entries, exits, average_range = table[place].tolist()
        plan = self._setup.plan
        names = [*_names(plan.entries, entries), *_names(plan.exits, exits)]
        return ", ".join(names) + (f" (ATR {average_range / 10_000} ticks)" if plan.atr is not None else "")

    def _events(self, other: Pass, until: int) -> Difference | None:
        whole, events = (each.records[each.records[:, CANDLE] < until] for each in (self._whole, other))
        place = _first_row(whole, events)
        if place is None:
            return None
        candle = min(int(table[place, CANDLE]) for table in (whole, events) if place < len(table))
        return self._execution(candle, *(self._event(table, place) for table in (whole, events)))

    def _event(self, table: Ints, place: int) -> str:
        if place >= len(table):
            return _NOTHING
        (event,) = unpack(table[place])
        if isinstance(event, Halt):
            return f"halt ({event.reason}) at an equity of {format_money(event.equity)}"
        instrument = self._setup.instruments[event.instrument]
        price = format_scaled(event.price, instrument.price_precision)
        quantity = format_scaled(event.quantity, instrument.quantity_precision)
        kind = {Fill: "fill", Trade: "trade", Rejection: "rejection"}[type(event)]
        pnl = f", P&L {format_money(event.pnl)}" if isinstance(event, Trade) else ""
        return f"{kind} ({event.reason}) of {quantity} {instrument.symbol} at {price}{pnl}"

    def _equity(self, other: Pass, until: int) -> Difference | None:
        for name in ("equity", "open_positions"):
            whole, column = getattr(self._whole, name)[:until], getattr(other, name)[:until]
            candle = first_difference(whole, column)
            if candle is not None:
                values = [
                    _NOTHING if candle >= len(each)
                    else f"an equity of {format_money(int(each[candle]))}" if name == "equity"
                    else f"{each[candle]} open positions"
                    for each in (whole, column)
                ]  # fmt: skip
                return self._execution(candle, *values)
        return None

    def _execution(self, candle: int, whole: str, other: str) -> Difference:
        return Difference(
            part="execution",
            timeframe=self._setup.timeframe,
            candle=candle,
            time=int(self._history.times[candle]),
            whole=whole,
            other=other,
        )


def unequal(one: Any, other: Any) -> Flags:
    """Where two columns of one type have other bits; all that is not a number is the same."""
    if one.dtype == np.float64:
        bits = one.view(np.int64) != other.view(np.int64)
        return np.asarray(bits & ~(np.isnan(one) & np.isnan(other)))
    return np.asarray(one != other)


def first_difference(one: Any, other: Any) -> int | None:
    """The first place at which two columns differ, the end of the shorter one included; None for nowhere."""
    common = min(len(one), len(other))
    places = np.flatnonzero(unequal(one[:common], other[:common]))
    if len(places):
        return int(places[0])
    return None if len(one) == len(other) else common


def _first_row(one: Ints, other: Ints) -> int | None:
    common = min(len(one), len(other))
    places = np.flatnonzero((one[:common] != other[:common]).any(axis=1))
    if len(places):
        return int(places[0])
    return None if len(one) == len(other) else common


def _names(rules: Sequence[EntryRule | ExitRule], mask: int) -> Iterator[str]:
    return (rule.name for index, rule in enumerate(rules) if mask >> index & 1)
