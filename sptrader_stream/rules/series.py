"""The values of an expression: constants, candle fields, indicators, arithmetic over them and earlier values."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

from sptrader_stream.rules.conditions import Arithmetic, ArithmeticSign, Constant, Shifted, Value
from sptrader_stream.rules.document import Scalar
from sptrader_stream.rules.findings import nearest
from sptrader_stream.rules.operand_reader import OperandReader
from sptrader_stream.rules.operand_table import OperandTable
from sptrader_stream.rules.parameters import Parameters
from sptrader_stream.rules.syntax import finite_number, mistake, written

FARTHEST_SHIFT: Final = 10_000
CROSSES: Final = ("crosses_above", "crosses_below")

_ARITHMETIC: dict[type[ast.operator], ArithmeticSign] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_CALCULATE: dict[ArithmeticSign, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


def two_arguments(node: ast.Call, name: str) -> tuple[ast.expr, ast.expr]:
    """The arguments of a function that takes two.

    Raises:
        MistakeError: it is called otherwise.
    """
    form = "shift(series, candles)" if name == "shift" else f"{name}(a, b)"
    if len(node.args) != 2 or node.keywords or any(isinstance(each, ast.Starred) for each in node.args):
        raise mistake(node, f"write it as {form}")
    return node.args[0], node.args[1]


class SeriesCompiler:
    """Takes the values of a syntax tree over, node by node.

    Args:
        table: takes the columns that are read.
        parameters: what ``parameters.NAME`` stands for.
    """

    def __init__(self, table: OperandTable, parameters: Parameters) -> None:
        self._table = table
        self._parameters = parameters
        self._operands = OperandReader(self.value, self._parameter_scalar)

    def value(self, node: ast.expr) -> Value:
        """A number per candle, or a constant.

        Raises:
            MistakeError: ``node`` is neither.
        """
        match node:
            case ast.Constant(value=value):
                return Constant(finite_number(node, value))
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                positive = self.value(inner)
                if isinstance(positive, Constant):
                    return Constant(-positive.value)
                return Arithmetic("-", Constant(0), positive)
            case ast.UnaryOp(op=ast.UAdd(), operand=inner):
                return self.value(inner)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Call(func=ast.Name(id="shift")):
                return self._shift(node)
            case ast.Attribute():
                return self._parameter_value(node)
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                raise mistake(node, f"{written(node)} is a condition where a number is expected")
            case ast.Call(func=ast.Name(id=name)) if name in CROSSES:
                raise mistake(node, f"{written(node)} is a condition where a number is expected")
        return self._table.column(self._operands.read(node))

    def _arithmetic(self, node: ast.BinOp) -> Value:
        if type(node.op) not in _ARITHMETIC:
            hint = "; write 'and' for '&'" if isinstance(node.op, ast.BitAnd) else ""
            hint = "; write 'or' for '|'" if isinstance(node.op, ast.BitOr) else hint
            raise mistake(node, f"the arithmetic is + - * /{hint}")
        sign = _ARITHMETIC[type(node.op)]
        left = self.value(node.left)
        right = self.value(node.right)
        if sign == "/" and isinstance(right, Constant) and right.value == 0:
            raise mistake(node, "divides by zero")
        if not isinstance(left, Constant) or not isinstance(right, Constant):
            return Arithmetic(sign, left, right)
        try:
            return Constant(finite_number(node, _CALCULATE[sign](left.value, right.value)))
        except OverflowError:
            raise mistake(node, "is too large a number") from None

    def _shift(self, node: ast.Call) -> Value:
        series, count = two_arguments(node, "shift")
        value, candles = self.value(series), self.value(count)
        if isinstance(value, Constant):
            raise mistake(series, "shift takes a series such as close or rsi(14), not a number")
        if not isinstance(candles, Constant) or not isinstance(candles.value, int):
            raise mistake(count, f"shift goes back a whole number of candles, found {written(count)}")
        if candles.value < 1:
            hint = ": a negative shift would look ahead" if candles.value < 0 else ""
            raise mistake(count, f"shift goes back at least 1 candle, found {candles.value}{hint}")
        if candles.value > FARTHEST_SHIFT:
            raise mistake(count, f"shift goes back at most {FARTHEST_SHIFT} candles, found {candles.value}")
        return Shifted(value, candles.value)

    def _parameter_value(self, node: ast.Attribute) -> Constant:
        scalar = self._parameter_scalar(node)
        if scalar.number is None:
            raise mistake(node, f"parameters.{node.attr} is {scalar.text!r}, expected a number")
        text = scalar.number
        return Constant(finite_number(node, int(text) if text.lstrip("+-").isdigit() else float(text)))

    def _parameter_scalar(self, node: ast.Attribute) -> Scalar:
        if not isinstance(node.value, ast.Name) or node.value.id != "parameters":
            raise mistake(node, f"a dot is only for `parameters.<name>`, found {written(node)}")
        scalar = self._parameters.get(node.attr)
        if scalar is None:
            known = f" (there are: {', '.join(self._parameters.names) or 'none'})"
            near = nearest(node.attr, self._parameters.names)
            raise mistake(node, f"there is no parameter {node.attr!r}{near}{known}")
        return scalar
