"""The columns that an expression names: candle fields, and calls of indicators with their parameters."""

from __future__ import annotations

import ast
from collections.abc import Callable

from sptrader_stream.candles import FIELDS
from sptrader_stream.indicators import INDICATORS, ParameterError
from sptrader_stream.rules.conditions import Constant, Value
from sptrader_stream.rules.document import Scalar
from sptrader_stream.rules.findings import listed, nearest
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand
from sptrader_stream.rules.syntax import mistake, written

_FUNCTIONS = ("crosses_above", "crosses_below", "shift")
_WHAT_THERE_IS = "see `sptrader indicators` for what there is"


class OperandReader:
    """Reads operands from a syntax tree.

    Args:
        value: compiles the value of a parameter.
        parameter: what a ``parameters.NAME`` stands for.
    """

    def __init__(self, value: Callable[[ast.expr], Value], parameter: Callable[[ast.Attribute], Scalar]) -> None:
        self._value = value
        self._parameter = parameter

    def read(self, node: ast.expr) -> FieldOperand | IndicatorOperand:
        """A candle field or an indicator: what indicators can be computed over.

        Raises:
            MistakeError: ``node`` is neither.
        """
        match node:
            case ast.Name(id=name) if name in FIELDS:
                return FieldOperand(name)
            case ast.Name(id=name) if name in INDICATORS:
                raise mistake(node, f"{name} is an indicator: write {INDICATORS[name].signature}")
            case ast.Name(id="parameters"):
                raise mistake(node, "write parameters.<name>")
            case ast.Name(id=name):
                near = nearest(name, (*FIELDS, *INDICATORS, *_FUNCTIONS))
                raise mistake(node, f"unknown name {name!r}{near}; {_WHAT_THERE_IS}")
            case ast.Call(func=ast.Name(id=name)) if name in INDICATORS:
                return self._indicator(node, name)
            case ast.Call(func=ast.Name(id=name)) if name in FIELDS:
                raise mistake(node, f"{name} is a candle field: write it without parentheses")
            case ast.Call(func=ast.Name(id=name)) if name not in _FUNCTIONS:
                near = nearest(name, (*INDICATORS, *_FUNCTIONS))
                raise mistake(node, f"there is no indicator {name!r}{near}; {_WHAT_THERE_IS}")
            case ast.Call(func=called) if not isinstance(called, ast.Name):
                found = written(node)
                if isinstance(called, ast.Attribute):
                    found += "; a dot is only for `parameters.<name>`"
                callable_names = listed(("indicators", *_FUNCTIONS))
                raise mistake(node, f"only {callable_names} can be called, found {found}; {_WHAT_THERE_IS}")
            case ast.Attribute():
                text = self._parameter(node).text
                if text not in FIELDS:
                    raise mistake(
                        node, f"parameters.{node.attr} is {text!r}, expected a candle field{nearest(text, FIELDS)}"
                    )
                return FieldOperand(text)
            case ast.BinOp() | ast.UnaryOp() | ast.Call():
                raise mistake(node, "an indicator is computed over a candle field or another indicator")
        raise mistake(node, f"{written(node)} has no meaning here; {_WHAT_THERE_IS}")

    def _indicator(self, node: ast.Call, name: str) -> IndicatorOperand:
        info = INDICATORS[name]
        takes_source = info.inputs == ("source",)
        arguments = list(node.args)
        source: FieldOperand | IndicatorOperand = FieldOperand("close")
        if arguments and self._is_series(arguments[0]):
            if not takes_source:
                raise mistake(arguments[0], f"{name} is computed over {', '.join(info.inputs)}: write {info.signature}")
            source = self.read(arguments.pop(0))
        if len(arguments) > len(info.parameters):
            raise mistake(node, f"{name} takes at most {len(info.parameters)} parameters: {info.signature}")
        given: dict[str, ast.expr] = {
            each.name: argument for each, argument in zip(info.parameters, arguments, strict=False)
        }
        output = info.outputs[0]
        for keyword in node.keywords:
            if keyword.arg == "output":
                output = self._output(keyword.value, name, info.outputs)
            elif keyword.arg == "source" and takes_source:
                if len(arguments) < len(node.args):
                    raise mistake(keyword.value, f"{name} has its source twice")
                source = self.read(keyword.value)
            elif keyword.arg is None:
                raise mistake(node, f"write {info.signature}")
            elif keyword.arg in given:
                raise mistake(keyword.value, f"{name} has its parameter {keyword.arg} twice")
            else:
                given[keyword.arg] = keyword.value
        try:
            complete = info.complete({key: self._constant(each, name) for key, each in given.items()})
        except ParameterError as error:
            raise mistake(node, str(error)) from None
        return IndicatorOperand(name, tuple(complete.items()), output, source)

    def _is_series(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Attribute):
            return self._parameter(node).number is None
        return isinstance(node, ast.Name | ast.Call) or any(
            isinstance(each, ast.Name) and each.id != "parameters" for each in ast.walk(node)
        )

    def _constant(self, node: ast.expr, name: str) -> int | float:
        value = self._value(node)
        if not isinstance(value, Constant):
            raise mistake(node, f"a parameter of {name} is a number, found {written(node)}")
        return value.value

    def _output(self, node: ast.expr, name: str, outputs: tuple[str, ...]) -> str:
        found = node.value if isinstance(node, ast.Constant) else None
        if not isinstance(found, str):
            raise mistake(node, f'an output is a text in quotes, such as output="{outputs[-1]}"')
        if found not in outputs:
            raise mistake(
                node, f"{name} has no output {found!r}{nearest(found, outputs)} (it has {', '.join(outputs)})"
            )
        return found
