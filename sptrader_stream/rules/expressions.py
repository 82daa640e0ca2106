"""The language of ``expr``: conditions over candles and indicators, written as text.

    rsi(14) < 30 and close > sma(50)
    crosses_above(ema(12), ema(26))
    close > shift(highest(20, source=high), 1) or not (adx(14) < parameters.trend)

What there is: decimal numbers; ``parameters.NAME``; the candle fields open, high, low, close, volume, hl2, hlc3 and
ohlc4; indicators, called with their parameters in order or by name; ``+ - * /`` and the unary minus; the comparisons
``< <= > >= == !=``, chained as in ``30 < rsi(14) < 70``; ``and``, ``or``, ``not``; parentheses;
``crosses_above(a, b)`` and ``crosses_below(a, b)``; ``shift(a, n)``, the value n candles ago.

An indicator over one series takes that series first, ``sma(high, 50)`` or ``ema(rsi(14), 5)``, or as ``source=high``;
without it, it is the close. One with several outputs gives the first, or the one named: ``macd(12, 26, 9,
output="histogram")``.

The text is parsed with ``ast`` and only the nodes named here are taken over, one by one, into ``conditions``; nothing
is ever evaluated as Python.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

from sptrader_stream.rules.conditions import (
    Column,
    Comparison,
    ComparisonSign,
    Condition,
    Constant,
    Crosses,
    Truth,
    Value,
    all_of,
    any_of,
    negated,
)
from sptrader_stream.rules.findings import listed
from sptrader_stream.rules.operand_table import OperandTable
from sptrader_stream.rules.parameters import Parameters
from sptrader_stream.rules.series import CROSSES, SeriesCompiler, two_arguments
from sptrader_stream.rules.syntax import ExpressionError, MistakeError, mistake, parse, written

_SIGNS: dict[type[ast.cmpop], ComparisonSign] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_COMPARE: dict[ComparisonSign, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

# Stand in for a part with a mistake, so that the other parts are examined as well; never evaluated.
_SOME_CONDITION: Final[Condition] = Truth(True)
_SOME_VALUE: Final[Value] = Column(0)


def compile_expression(text: str, table: OperandTable, parameters: Parameters) -> Condition:
    """Compile a condition's text.

    Args:
        text: the expression.
        table: takes the columns that it reads.
        parameters: what ``parameters.NAME`` stands for.

    Raises:
        ExpressionError: with every mistake found, each with its column.
    """
    mistakes: list[MistakeError] = []
    try:
        condition = _Compiler(SeriesCompiler(table, parameters), mistakes).condition(parse(text))
    except MistakeError as last:
        mistakes.append(last)
    if mistakes:
        raise ExpressionError(mistakes)
    return condition


class _Compiler:
    """Takes the conditions of a syntax tree over, node by node, noting mistakes."""

    def __init__(self, series: SeriesCompiler, mistakes: list[MistakeError]) -> None:
        self._series = series
        self._mistakes = mistakes

    def _part(self, node: ast.expr) -> Condition:
        try:
            return self.condition(node)
        except MistakeError as found:
            self._mistakes.append(found)
            return _SOME_CONDITION

    def _value(self, node: ast.expr) -> Value:
        try:
            return self._series.value(node)
        except MistakeError as found:
            self._mistakes.append(found)
            return _SOME_VALUE

    def condition(self, node: ast.expr) -> Condition:
        match node:
            case ast.BoolOp(op=joint, values=nodes):
                parts = [self._part(each) for each in nodes]
                return all_of(parts) if isinstance(joint, ast.And) else any_of(parts)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return negated(self.condition(inner))
            case ast.Compare():
                return self._comparison(node)
            case ast.Call(func=ast.Name(id=name)) if name in CROSSES:
                left, right = (self._value(each) for each in two_arguments(node, name))
                if isinstance(left, Constant) and isinstance(right, Constant):
                    raise mistake(node, f"{name} compares two numbers that never change")
                # Falling below is being risen above.
                return Crosses(left, right) if name == "crosses_above" else Crosses(right, left)
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr() as sign):
                word, symbol = ("and", "&") if isinstance(sign, ast.BitAnd) else ("or", "|")
                raise mistake(node, f"write {word!r} for {symbol!r}")
            case ast.UnaryOp(op=ast.Invert()):
                raise mistake(node, "write 'not' for '~'")
        self._series.value(node)
        raise mistake(
            node,
            f"{written(node)} is a number, not a condition: compare it with something, as in `{written(node)} > 0`",
        )

    def _comparison(self, node: ast.Compare) -> Condition:
        values = [self._value(each) for each in (node.left, *node.comparators)]
        parts: list[Condition] = []
        for sign, left, right in zip(node.ops, values, values[1:], strict=False):
            if type(sign) not in _SIGNS:
                raise mistake(node, f"the comparisons are {listed(_SIGNS.values())}")
            symbol = _SIGNS[type(sign)]
            if isinstance(left, Constant) and isinstance(right, Constant):
                parts.append(Truth(_COMPARE[symbol](left.value, right.value)))
            else:
                parts.append(Comparison(symbol, left, right))
        return all_of(parts)
