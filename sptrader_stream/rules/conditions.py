"""The compiled form of a rule: a small tree of values over the plan's columns and conditions over these values.

Logic is three-valued (Kleene): a condition over an undefined value is neither met nor refuted, and the negation of
such a condition is undefined as well. The tree holds no negation: compiling turns ``not`` around into the opposite
conditions (see ``negated``), so that a rule asks only one question of each node, where it is known to be met.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

ComparisonSign = Literal["<", "<=", ">", ">=", "==", "!="]
ArithmeticSign = Literal["+", "-", "*", "/"]

_OPPOSITE: dict[ComparisonSign, ComparisonSign] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


class Constant(msgspec.Struct, frozen=True, tag="constant"):
    """A number of the strategy's text."""

    value: float


class Column(msgspec.Struct, frozen=True, tag="column"):
    """The operand at ``index`` of the plan's operands."""

    index: int


class Arithmetic(msgspec.Struct, frozen=True, tag="arithmetic"):
    """Two values combined; a division by zero is undefined."""

    sign: ArithmeticSign
    left: Value
    right: Value


class Shifted(msgspec.Struct, frozen=True, tag="shifted"):
    """The value ``candles`` candles ago; undefined for the first ``candles`` of a run."""

    value: Value
    candles: int


Value: TypeAlias = Constant | Column | Arithmetic | Shifted


class Truth(msgspec.Struct, frozen=True, tag="truth"):
    """A condition that the strategy's parameters alone decide."""

    met: bool


class Comparison(msgspec.Struct, frozen=True, tag="comparison"):
    """Met where both values are defined and compare so."""

    sign: ComparisonSign
    left: Value
    right: Value


class CodeIs(msgspec.Struct, frozen=True, tag="code"):
    """A signal's output, one of several choices, is (or, if not ``equal``, is not) the one with this code."""

    index: int
    code: int
    equal: bool = True


class Crosses(msgspec.Struct, frozen=True, tag="crosses"):
    """``left`` is above ``right`` and was not at the candle before; undefined unless all four values are defined.

    With ``negated``: all four are defined and it did not cross.
    """

    left: Value
    right: Value
    negated: bool = False


class AllOf(msgspec.Struct, frozen=True, tag="all"):
    """Every part is met."""

    parts: tuple[Condition, ...]


class AnyOf(msgspec.Struct, frozen=True, tag="any"):
    """At least one part is met."""

    parts: tuple[Condition, ...]


class OnTimeframe(msgspec.Struct, frozen=True, tag="on_timeframe"):
    """``condition`` over the candles of a higher timeframe, whose columns it reads: as at the last one that closed.

    It is neither met nor refuted before the first of them has closed. ``timeframe`` is an index in the plan's
    ``higher_timeframes``. Never nested.
    """

    timeframe: int
    condition: Condition


Condition: TypeAlias = Truth | Comparison | CodeIs | Crosses | AllOf | AnyOf | OnTimeframe


def negated(condition: Condition) -> Condition:
    """Give the condition that is met exactly where ``condition`` is known not to be met."""
    match condition:
        case Truth(met):
            return Truth(not met)
        case Comparison(sign, left, right):
            return Comparison(_OPPOSITE[sign], left, right)
        case CodeIs(index, code, equal):
            return CodeIs(index, code, not equal)
        case Crosses(left, right, was_negated):
            return Crosses(left, right, not was_negated)
        case AllOf(parts):
            return any_of([negated(part) for part in parts])
        case AnyOf(parts):
            return all_of([negated(part) for part in parts])
        case OnTimeframe(timeframe, inner):
            return OnTimeframe(timeframe, negated(inner))


def carries_state(node: Condition | Value) -> bool:
    """Whether evaluating ``node`` needs values of earlier candles, so that it has to see all of them."""
    return isinstance(node, Crosses | Shifted | OnTimeframe) or any(carries_state(part) for part in _parts(node))


def calculates(node: Condition | Value) -> bool:
    """Whether there is arithmetic in ``node``."""
    return isinstance(node, Arithmetic) or any(calculates(part) for part in _parts(node))


def _parts(node: Condition | Value) -> tuple[Condition | Value, ...]:
    match node:
        case Comparison(_, left, right) | Arithmetic(_, left, right) | Crosses(left, right):
            return (left, right)
        case AllOf(parts) | AnyOf(parts):
            return parts
        case Shifted(value):
            return (value,)
        case OnTimeframe(_, condition):
            return (condition,)
        case _:
            return ()


def all_of(parts: list[Condition]) -> Condition:
    """Join conditions by "and", dropping what is decided already."""
    if Truth(False) in parts:
        return Truth(False)
    open_parts = tuple(part for part in parts if not isinstance(part, Truth))
    return AllOf(open_parts) if len(open_parts) > 1 else open_parts[0] if open_parts else Truth(True)


def any_of(parts: list[Condition]) -> Condition:
    """Join conditions by "or", dropping what is decided already."""
    if Truth(True) in parts:
        return Truth(True)
    open_parts = tuple(part for part in parts if not isinstance(part, Truth))
    return AnyOf(open_parts) if len(open_parts) > 1 else open_parts[0] if open_parts else Truth(False)
