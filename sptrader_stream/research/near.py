"""The candles at which an entry rule came closest to being met.

First come those with the fewest unmet conditions: each part of an ``all`` counts, of an ``any`` the part that came
closest. Among these the smallest distance decides: how far the two sides of an unmet comparison are apart, as a share
of the range that their difference had over the last ``RANGE`` candles of the comparison's timeframe, its own candle
included; the largest distance, where several conditions are unmet. A signal's choice has no distance, and neither has
what is not yet defined: such candles come last. Earlier candles come before later ones that are as close.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.research.windows import Window
from sptrader_stream.rules.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Crosses,
    OnTimeframe,
    Value,
)
from sptrader_stream.rules.explain import Explained, Explainer
from sptrader_stream.rules.plan import EntryRule
from sptrader_stream.rules.truths import FALSE, TRUE, UNDEFINED, Frame, sides, truths
from sptrader_stream.timeframes import format_time

RANGE: Final = 100


class Nearest(msgspec.Struct, frozen=True, kw_only=True):
    """A candle at which an entry rule was not met.

    Attributes:
        open, close: of the strategy's candle, RFC 3339.
        rule: the rule's name.
        unmet: how many of its conditions were not met.
        distance: see the module; None where there is none.
        failing: these conditions.
    """

    open: str
    close: str
    rule: str
    unmet: int
    distance: float | None
    failing: tuple[Explained, ...]


class _Closeness(NamedTuple):
    unmet: Ints
    distance: Floats


class _Place(NamedTuple):
    """What candidates are ordered by."""

    unmet: int
    distance: float
    close: int
    rule: int


class NearestCandles:
    """Collects the nearest candles of a run, window by window.

    Args:
        rules: the entry rules.
        explainer: of their plan.
        most: how many are kept.
    """

    def __init__(self, rules: Sequence[EntryRule], explainer: Explainer, most: int) -> None:
        self._rules = rules
        self._explainer = explainer
        self._most = most
        self._found: list[tuple[_Place, Nearest]] = []

    def add(self, window: Window) -> None:
        """Look at the window's fresh candles."""
        frame = window.frame
        for number, rule in enumerate(self._rules):
            closeness = _closeness(rule.condition, frame, 0)
            rows = np.flatnonzero(truths(rule.condition, frame)[window.fresh :] == FALSE) + window.fresh
            order = np.lexsort((rows, closeness.distance[rows], closeness.unmet[rows]))[: self._most]
            for row in rows[order].tolist():
                place = _Place(
                    int(closeness.unmet[row]), float(closeness.distance[row]), window.candle(row).close, number
                )
                if len(self._found) == self._most and place > self._found[-1][0]:
                    break
                self._keep(place, self._nearest(rule, window, row, place))

    def result(self) -> list[Nearest]:
        """The nearest candles so far, the nearest first."""
        return [nearest for _, nearest in self._found]

    def _keep(self, place: _Place, nearest: Nearest) -> None:
        self._found.append((place, nearest))
        self._found.sort(key=lambda each: each[0])
        del self._found[self._most :]

    def _nearest(self, rule: EntryRule, window: Window, row: int, place: _Place) -> Nearest:
        candle = window.candle(row)
        failing = _failing(rule.condition, window.frame, row, 0)
        return Nearest(
            open=format_time(candle.open),
            close=format_time(candle.close),
            rule=rule.name,
            unmet=place.unmet,
            distance=place.distance if np.isfinite(place.distance) else None,
            failing=tuple(self._explainer.explain(each, window.frame, row) for each in failing),
        )


def _failing(condition: Condition, frame: Frame, row: int, timeframe: int) -> list[Condition]:
    """The unmet conditions at a row that count, each a condition over the strategy's own candles."""
    if int(truths(condition, frame, timeframe)[row]) == TRUE:
        return []
    match condition:
        case AllOf(parts):
            return [each for part in parts for each in _failing(part, frame, row, timeframe)]
        case AnyOf(parts):
            found = [_closeness(part, frame, timeframe) for part in parts]
            best = min(range(len(parts)), key=lambda index: (found[index].unmet[row], found[index].distance[row]))
            return _failing(parts[best], frame, row, timeframe)
        case OnTimeframe(index, inner) if (latest := int(frame.latest[index][row])) >= 0:
            return [OnTimeframe(index, each) for each in _failing(inner, frame, latest, 1 + index)]
        case _:
            return [condition]


def _closeness(condition: Condition, frame: Frame, timeframe: int) -> _Closeness:
    """How many conditions are unmet at every candle, and how far away they are from being met."""
    match condition:
        case AllOf(parts):
            found = [_closeness(part, frame, timeframe) for part in parts]
            unmet: Ints = np.sum([each.unmet for each in found], axis=0)
            return _Closeness(unmet, np.max([each.distance for each in found], axis=0))
        case AnyOf(parts):
            best, *others = (_closeness(part, frame, timeframe) for part in parts)
            for other in others:
                closer = (other.unmet < best.unmet) | ((other.unmet == best.unmet) & (other.distance < best.distance))
                best = _Closeness(*(np.where(closer, one, two) for one, two in zip(other, best, strict=True)))
            return best
        case OnTimeframe(index, inner):
            found_there = _closeness(inner, frame, 1 + index)
            latest = frame.latest[index]
            # Row -1, before the first candle, takes what stands behind the last one.
            return _Closeness(np.append(found_there.unmet, 1)[latest], np.append(found_there.distance, np.inf)[latest])
    truth = truths(condition, frame, timeframe)
    distance = np.full(len(truth), np.inf)
    if isinstance(condition, Comparison):
        distance = _gap(condition.left, condition.right, frame, timeframe)
    elif isinstance(condition, Crosses):
        distance = _cross_gap(condition, frame, timeframe)
    distance[truth == UNDEFINED] = np.inf
    distance[truth == TRUE] = 0.0
    return _Closeness((truth != TRUE).astype(np.int64), distance)


def _cross_gap(condition: Crosses, frame: Frame, timeframe: int) -> Floats:
    """How far a cross is from being met: the farther of its two comparisons, or the nearer one to undo it."""
    gap = _gap(condition.left, condition.right, frame, timeframe)
    before = np.concatenate(([np.inf], gap))[:-1]
    if condition.negated:
        return np.minimum(gap, before)
    above = truths(Comparison(">", condition.left, condition.right), frame, timeframe)
    was_above = np.concatenate(([UNDEFINED], above))[:-1]
    farther: Floats = np.maximum(np.where(above == TRUE, 0.0, gap), np.where(was_above == TRUE, before, 0.0))
    return farther


def _gap(left: Value, right: Value, frame: Frame, timeframe: int) -> Floats:
    """The difference of two values as a share of its range over the last ``RANGE`` candles; inf where undefined."""
    one, other = sides(left, right, frame, timeframe)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        difference = one - other
        padded = np.concatenate((np.full(RANGE, np.nan), difference))
        recent = np.lib.stride_tricks.sliding_window_view(padded, RANGE)[1:]
        spread = np.fmax.reduce(recent, axis=1) - np.fmin.reduce(recent, axis=1)
        gap: Floats = np.abs(difference) / spread
    gap[np.isnan(gap)] = np.inf
    gap[difference == 0.0] = 0.0
    return gap
