"""At which moments the rules of a strategy are met, for every instrument of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.columns import Codes, Flags, Floats, Ints, Masks
from sptrader_stream.errors import AmountError
from sptrader_stream.events import Decisions, InstrumentSignals, Signals
from sptrader_stream.execution.settings import ATR_DIGITS
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import LARGEST_AMOUNT
from sptrader_stream.rules.conditions import Condition, Truth, calculates
from sptrader_stream.rules.evaluation import Met, evaluator
from sptrader_stream.rules.plan import StrategyPlan

_NO_INTS: Final[Ints] = np.empty(0, np.int64)
_NO_MASKS: Final[Masks] = np.empty(0, np.uint32)


class RuleMatcher:
    """Evaluates a strategy's rules over the columns of every instrument, batch by batch.

    Args:
        plan: the strategy.
        instruments: what is traded, in the order of the run.
    """

    def __init__(self, plan: StrategyPlan, instruments: Sequence[Instrument]) -> None:
        self._instruments = [_InstrumentRules(plan, each) for each in instruments]
        conditions = [*(rule.condition for rule in plan.entries), *(rule.condition for rule in plan.exits)]
        self._calculates = any(map(calculates, conditions))
        self._nothing = _Matches(_NO_INTS, _NO_MASKS, _NO_MASKS, None if plan.atr is None else _NO_INTS)

    def process(self, signals: Signals) -> Decisions:
        """Give the decisions of the next batch.

        Raises:
            AmountError: the average true range at a decision is too large for exact arithmetic.
        """
        if not self._calculates:
            return self._decided(signals)
        # Overflow to infinity compares as one expects; infinity less infinity is undefined.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._decided(signals)

    def _decided(self, signals: Signals) -> Decisions:
        found: list[_Matches] = []
        closes: list[Ints] = []
        ends, closes_ends = [], []
        end = closes_end = 0
        for rules, batch in zip(self._instruments, signals.instruments, strict=True):
            matches = rules.match(batch)
            if matches is not None:
                found.append(matches)
                end += len(matches.moments)
            ends.append(end)
            if batch.closes:
                closes.append(batch.closes[0])
                closes_end += len(batch.closes[0])
                closes_ends.append(closes_end)
        matched = _joined(found) if found else self._nothing
        return Decisions(
            signals.first,
            signals.generated,
            ends,
            matched.moments,
            matched.entries,
            matched.exits,
            matched.atr,
            _concatenated(closes) if closes else None,
            closes_ends,
        )


class _Matches(msgspec.Struct, frozen=True):
    """The moments of one instrument at which a rule is met; columns as in ``Decisions``."""

    moments: Ints
    entries: Masks
    exits: Masks
    atr: Ints | None


def _joined(found: list[_Matches]) -> _Matches:
    if len(found) == 1:
        return found[0]
    ranges = [each.atr for each in found if each.atr is not None]
    return _Matches(
        np.concatenate([each.moments for each in found]),
        np.concatenate([each.entries for each in found]),
        np.concatenate([each.exits for each in found]),
        np.concatenate(ranges) if ranges else None,
    )


def _concatenated(columns: list[Ints]) -> Ints:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


class _InstrumentRules:
    """The rules of one instrument, with what they carry over batch borders."""

    def __init__(self, plan: StrategyPlan, instrument: Instrument) -> None:
        own_column = plan.operand_timeframes.index(0)
        self._entries = _tests([rule.condition for rule in plan.entries], own_column)
        self._exits = _tests([rule.condition for rule in plan.exits], own_column)
        self._atr = plan.atr
        self._scale = 10.0 ** (instrument.price_precision + ATR_DIGITS)
        self._symbol = instrument.symbol

    def match(self, batch: InstrumentSignals) -> _Matches | None:
        """The moments of the batch at which a rule is met; None for none."""
        if batch.closes and not any(map(len, batch.closes)):
            return None
        entries, exits = _met(self._entries, batch), _met(self._exits, batch)
        if not entries and not exits:
            return None
        first, *others = (met for _, met in (*entries, *exits))
        for met in others:
            first = first | met
        rows = first.nonzero()[0]
        moments = batch.closes[0][rows] if batch.closes else 2 * rows + 1
        atr = None if self._atr is None else self._average_range(batch.columns[self._atr][rows])
        return _Matches(moments, _masks(entries, rows), _masks(exits, rows), atr)

    def _average_range(self, prices: Floats | Codes) -> Ints:
        """Count 10^-4 ticks; -1 where it is undefined."""
        counts = np.rint(prices * self._scale)
        undefined = np.isnan(counts)
        counts[undefined] = -1.0
        if counts.max() >= LARGEST_AMOUNT:
            raise AmountError(
                f"{self._symbol}: the average true range {prices[counts.argmax()]:g} is too large for exact arithmetic"
            )
        return counts.astype(np.int64)


def _tests(conditions: Sequence[Condition], own_column: int) -> list[tuple[int, Met]]:
    """Each rule's position and test; rules that can never be met are left out."""
    return [(k, evaluator(each, own_column)) for k, each in enumerate(conditions) if each != Truth(False)]


def _met(tests: list[tuple[int, Met]], batch: InstrumentSignals) -> list[tuple[int, Flags]]:
    """The rules that are met anywhere in the batch, and where."""
    found = []
    for index, test in tests:
        met = test(batch)
        if met is not None and np.count_nonzero(met):
            found.append((index, met))
    return found


def _masks(found: list[tuple[int, Flags]], rows: Ints) -> Masks:
    masks: Masks | None = None
    for index, met in found:
        bits: Masks = met.take(rows).astype(np.uint32)
        if index:
            bits <<= index
        masks = bits if masks is None else masks | bits
    return np.zeros(len(rows), np.uint32) if masks is None else masks
