"""What stands under ``when``: lists and ``all``, ``any``, ``not`` around conditions on signals and expressions.

Any of them that is a mapping may say with ``tf`` that it is over the candles of a higher timeframe.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sptrader_stream.errors import UserError
from sptrader_stream.rules.conditions import (
    CodeIs,
    Comparison,
    ComparisonSign,
    Condition,
    Constant,
    OnTimeframe,
    Truth,
    all_of,
    any_of,
    negated,
)
from sptrader_stream.rules.document import Mapping, Node, Scalar, Sequence, below, shown
from sptrader_stream.rules.expressions import compile_expression
from sptrader_stream.rules.findings import Findings, listed, nearest
from sptrader_stream.rules.operand_table import OperandTable
from sptrader_stream.rules.operands import SignalOperand
from sptrader_stream.rules.parameters import Parameters
from sptrader_stream.rules.signal_book import SignalBook
from sptrader_stream.rules.syntax import ExpressionError
from sptrader_stream.signals.registry import SignalInfo, SignalOutput
from sptrader_stream.timeframes import format_timeframe, is_made_of, parse_timeframe

_FORMS = ("all", "any", "not", "signal", "expr")
_SIGNS: tuple[ComparisonSign, ...] = ("<", "<=", ">", ">=", "==", "!=")


class ConditionCompiler:
    """Compiles ``when`` nodes.

    Args:
        findings: where mistakes are noted.
        parameters: for references in expressions.
        signals: the signals there are.
        table: takes the columns that conditions read.
        timeframe: the strategy's own, nanoseconds; None where the file leaves it to the data.
    """

    def __init__(
        self,
        findings: Findings,
        parameters: Parameters,
        signals: SignalBook,
        table: OperandTable,
        timeframe: int | None,
    ) -> None:
        self._findings = findings
        self._parameters = parameters
        self._signals = signals
        self._table = table
        self._timeframe = timeframe
        self._within_tf = False

    def compile(self, node: Node) -> Condition | None:
        """The condition that ``node`` stands for; None if something in it is wrong, which is noted then."""
        match node:
            case Sequence():
                return self._joined(node, "all")
            case Mapping() if "tf" in node.items:
                return self._on_timeframe(node)
            case Mapping() if len(forms := [key for key in node.items if key in _FORMS]) == 1:
                return self._form(node, forms[0])
            case Mapping():
                found = f"found the keys {', '.join(node.items)}" if node.items else "found an empty mapping"
                near = "".join(nearest(key, _FORMS) for key in node.items if key not in (*_FORMS, "outputs"))
                self._findings.add(node, f"a condition has exactly one of {listed(_FORMS)}, {found}{near}")
            case Scalar() if not node.is_null:
                self._findings.add(
                    node, f"a condition is a mapping, found {shown(node)}; write `expr: {node.text[:40]}`"
                )
            case _:
                self._findings.add(node, f"expected a condition, found {shown(node)}")
        return None

    def _on_timeframe(self, node: Mapping) -> Condition | None:
        items = dict(node.items)
        place = items.pop("tf")
        without = Mapping(node.line, node.path, items, node.key_lines)
        if self._within_tf:
            message = "`tf` cannot stand inside of another `tf`: give it to each part, or to all of them at once"
            self._findings.at(node.key_lines["tf"], place.path, message)
            self.compile(without)
            return None
        timeframe = self._higher(place)
        self._within_tf = True
        try:
            if timeframe is None or timeframe == self._timeframe:
                found = self.compile(without)
                return None if timeframe is None else found
            name = format_timeframe(timeframe)
            with self._table.on(name):
                found = self.compile(without)
        finally:
            self._within_tf = False
        if found is None or isinstance(found, Truth):
            return found
        return OnTimeframe(self._table.higher_timeframes.index(name), found)

    def _higher(self, node: Node) -> int | None:
        """The timeframe that ``tf`` names, nanoseconds; None if it cannot be used, which is noted then."""
        if not isinstance(node, Scalar) or node.is_null:
            self._findings.add(node, f"expected a timeframe such as 4h or 1d, found {shown(node)}")
            return None
        if node.broken:
            return None
        try:
            timeframe = parse_timeframe(node.text)
        except UserError as error:
            self._findings.add(node, str(error))
            return None
        if self._timeframe is not None and not is_made_of(timeframe, self._timeframe):
            own = format_timeframe(self._timeframe)
            examples = f"{format_timeframe(2 * self._timeframe)} or {format_timeframe(4 * self._timeframe)}"
            message = f"a candle of {node.text} is not made of whole candles of the strategy's timeframe {own}"
            self._findings.add(node, f"{message}: use a whole multiple of it, such as {examples}")
            return None
        return timeframe

    def _form(self, node: Mapping, form: str) -> Condition | None:
        allowed = ("signal", "outputs") if form == "signal" else (form,)
        strangers = [key for key in node.items if key not in allowed]
        for key in strangers:
            message = f"{key!r} cannot stand beside {form!r}{nearest(key, allowed)}"
            self._findings.at(node.key_lines[key], below(node.path, key), message)
        inner = node.items[form]
        if form == "signal":
            found = self._signal(node)
        elif form == "expr":
            found = self._expression(inner)
        elif form == "not":
            found = self.compile(inner)
            found = None if found is None else negated(found)
        else:
            found = self._joined(inner, form)
        return None if strangers else found

    def _joined(self, node: Node, form: str) -> Condition | None:
        if not isinstance(node, Sequence) or not node.items:
            found = "an empty list" if isinstance(node, Sequence) else shown(node)
            self._findings.add(node, f"expected a list of conditions, found {found}")
            return None
        parts = [self.compile(each) for each in node.items]
        return _joined(parts, any_of if form == "any" else all_of)

    def _expression(self, node: Node) -> Condition | None:
        if not isinstance(node, Scalar) or node.is_null:
            self._findings.add(node, f"expected a text such as rsi(14) < 30, found {shown(node)}")
            return None
        try:
            return compile_expression(node.text, self._table, self._parameters)
        except ExpressionError as error:
            for mistake in error.mistakes:
                self._findings.add(node, str(mistake))
            return None

    def _signal(self, node: Mapping) -> Condition | None:
        name = node.items["signal"]
        outputs = node.items.get("outputs")
        if not isinstance(name, Scalar) or name.is_null:
            self._findings.add(name, f"expected the name of a signal, found {shown(name)}")
            return None
        info = self._signals.find(name.text, partial(self._findings.add, name))
        if info is None:
            return None
        if not isinstance(outputs, Mapping) or not outputs.items:
            found = "nothing" if outputs is None else shown(outputs)
            example = f"{info.outputs[0].name}: {(info.outputs[0].choices or ('0.5',))[0]}"
            place = node if outputs is None else outputs
            message = f"expected what {info.name} must say, such as {example}, found {found}"
            self._findings.at(place.line, below(node.path, "outputs"), message)
            return None
        parts: list[Condition | None] = []
        for key, wanted in outputs.items.items():
            output = info.output(key)
            if output is None:
                names = [each.name for each in info.outputs]
                message = f"{info.name} has no output {key!r}{nearest(key, names)} (it has {', '.join(names)})"
                self._findings.at(outputs.key_lines[key], wanted.path, message)
                parts.append(None)
            elif isinstance(wanted, Mapping):
                parts.extend(self._compared(info, output, wanted))
            else:
                parts.append(self._test(info, output, "==", wanted))
        return _joined(parts, all_of)

    def _compared(self, info: SignalInfo, output: SignalOutput, wanted: Mapping) -> list[Condition | None]:
        signs: tuple[ComparisonSign, ...] = ("==", "!=") if output.choices else _SIGNS
        parts: list[Condition | None] = []
        for key, node in wanted.items.items():
            sign = next((each for each in signs if each == key), None)
            if sign is None:
                message = f"{key!r} is no comparison for {info.name}.{output.name}: use {listed(signs)}, in quotes"
                self._findings.at(wanted.key_lines[key], node.path, message)
                parts.append(None)
            else:
                parts.append(self._test(info, output, sign, node))
        if not parts:
            self._findings.add(wanted, f'expected comparisons such as {{"{signs[0]}": ...}}, found an empty mapping')
            parts.append(None)
        return parts

    def _test(self, info: SignalInfo, output: SignalOutput, sign: ComparisonSign, node: Node) -> Condition | None:
        if isinstance(node, Scalar) and node.broken:
            return None
        column = self._table.column(SignalOperand(info.name, output.name))
        if not output.choices:
            if isinstance(node, Scalar) and node.number is not None:
                return Comparison(sign, column, Constant(float(node.number)))
            self._findings.add(node, f"{info.name}.{output.name} is a number, found {shown(node)}")
            return None
        choices = ("none", *output.choices)
        if isinstance(node, Scalar) and node.text in choices:
            return CodeIs(column.index, choices.index(node.text), sign == "==")
        near = nearest(node.text, choices) if isinstance(node, Scalar) else ""
        self._findings.add(node, f"{info.name}.{output.name} is one of {', '.join(choices)}, found {shown(node)}{near}")
        return None


def _joined(parts: list[Condition | None], join: Callable[[list[Condition]], Condition]) -> Condition | None:
    good = [part for part in parts if part is not None]
    return join(good) if len(good) == len(parts) else None
