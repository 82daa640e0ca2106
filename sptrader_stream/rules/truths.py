"""Conditions in three values (Kleene): at each candle of a stretch true, false or not defined.

The rule matcher asks only where a rule is known to be met, batch by batch. Here nothing is carried: conditions are
evaluated over a :class:`Frame`, the columns of a stretch of candles. A row of a frame says what it said in the run
where at least ``lookback`` candles of the frame come before it, or where the frame begins with the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from sptrader_stream.columns import Codes, Flags, Floats, Ints
from sptrader_stream.rules.conditions import (
    AllOf,
    AnyOf,
    Arithmetic,
    CodeIs,
    Column,
    Comparison,
    Condition,
    Constant,
    Crosses,
    OnTimeframe,
    Shifted,
    Truth,
    Value,
)
from sptrader_stream.rules.evaluation import ARITHMETIC

# In this order "and" is the least of its parts and "or" the greatest.
FALSE: Final = 0
UNDEFINED: Final = 1
TRUE: Final = 2

_COMPARE: Final[dict[str, Callable[[Any, Any], Flags]]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip


class Frame(msgspec.Struct, frozen=True):
    """What the signals say of a stretch of one instrument's candles.

    Attributes:
        columns: by operand of the plan, each as long as there are candles of the operand's timeframe.
        opens: the candles' open times by timeframe, the strategy's own first, then the plan's higher ones.
        latest: by higher timeframe, for each of the strategy's candles the row of the candle of that timeframe that
            closed last, -1 before the first.
    """

    columns: Sequence[Floats | Codes]
    opens: Sequence[Ints]
    latest: Sequence[Ints]


def lookback(node: Condition | Value) -> int:
    """How many earlier candles ``node`` reads, of the timeframe that it is on."""
    match node:
        case Comparison(_, left, right) | Arithmetic(_, left, right):
            return max(lookback(left), lookback(right))
        case Crosses(left, right):
            return 1 + max(lookback(left), lookback(right))
        case Shifted(value, candles):
            return candles + lookback(value)
        case AllOf(parts) | AnyOf(parts):
            return max(map(lookback, parts))
        case OnTimeframe(_, condition):
            return lookback(condition)
        case _:
            return 0


def truths(condition: Condition, frame: Frame, timeframe: int = 0) -> Codes:
    """Evaluate a condition at every candle of a frame.

    Args:
        condition: of a rule of the plan.
        frame: the candles.
        timeframe: which candles: 0 for the strategy's own, else 1 + the index of a higher timeframe.

    Returns:
        FALSE, UNDEFINED or TRUE by candle of the timeframe, int8.
    """
    match condition:
        case Truth(met):
            return np.full(len(frame.opens[timeframe]), TRUE if met else FALSE, np.int8)
        case CodeIs(index, code, equal):
            return _known(np.equal(frame.columns[index], code) == equal)
        case Comparison(sign, left, right):
            one, other = sides(left, right, frame, timeframe)
            found = _known(_COMPARE[sign](one, other))
            found[np.isnan(one) | np.isnan(other)] = UNDEFINED
            return found
        case Crosses(left, right, negated):
            above = truths(Comparison(">", left, right), frame, timeframe)
            was_below = np.concatenate((_UNKNOWN, TRUE - above))[:-1]
            crossed: Codes = np.minimum(above, was_below)
            # A cross is refuted only where all four values are defined.
            crossed[(above == UNDEFINED) | (was_below == UNDEFINED)] = UNDEFINED
            return TRUE - crossed if negated else crossed
        case AllOf(parts):
            least: Codes = np.minimum.reduce([truths(part, frame, timeframe) for part in parts])
            return least
        case AnyOf(parts):
            greatest: Codes = np.maximum.reduce([truths(part, frame, timeframe) for part in parts])
            return greatest
        case OnTimeframe(index, inner):
            latest = frame.latest[index]
            # Row -1 takes what stands behind the last one.
            return np.concatenate((truths(inner, frame, 1 + index), _UNKNOWN))[latest]


_UNKNOWN: Final[Codes] = np.full(1, UNDEFINED, np.int8)


def _known(met: Flags) -> Codes:
    found: Codes = met.astype(np.int8)
    found *= TRUE
    return found


def sides(left: Value, right: Value, frame: Frame, timeframe: int) -> tuple[Floats, Floats]:
    """The two sides of a comparison at every candle of a frame; NaN where they are undefined."""
    size = len(frame.opens[timeframe])
    # Overflow to infinity compares as one expects; infinity less infinity is undefined.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        one, other = _values(left, frame), _values(right, frame)
    return np.broadcast_to(one, size), np.broadcast_to(other, size)


def _values(value: Value, frame: Frame) -> Any:
    match value:
        case Constant(number):
            return np.float64(number)
        case Column(index):
            return frame.columns[index]
        case Shifted(inner, candles):
            column = _values(inner, frame)
            return np.concatenate((np.full(candles, np.nan), column))[: len(column)]
        case Arithmetic(sign, left, right):
            return ARITHMETIC[sign](_values(left, frame), _values(right, frame))
