"""The words for a compiled strategy's values and operands, as its author would write them in an expression."""

from __future__ import annotations

from pathlib import Path

from sptrader_stream.indicators import INDICATORS
from sptrader_stream.rules.conditions import Arithmetic, Column, Constant, Shifted, Value
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand, Operand, SignalOperand
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.signals.loader import find_signal

_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}


class Wording:
    """Writes the values of one plan.

    Args:
        plan: the strategy; the files of the user's own signals are read for what their codes mean.
    """

    def __init__(self, plan: StrategyPlan) -> None:
        folder = None if plan.signals_folder is None else Path(plan.signals_folder)
        self._operands = [operand_text(each) for each in plan.operands]
        self._choices = [_choices(each, folder) for each in plan.operands]

    def operand(self, index: int) -> str:
        """The operand at ``index`` of the plan's operands."""
        return self._operands[index]

    def choice(self, index: int, code: int) -> str:
        """What a code in the column of a signal's output stands for."""
        return self._choices[index][code]

    def value(self, value: Value, binds: int = 0) -> str:
        """A value; in parentheses where it binds less than ``binds``."""
        match value:
            case Constant(number):
                return number_text(number)
            case Column(index):
                return self._operands[index]
            case Shifted(inner, candles):
                return f"shift({self.value(inner)}, {candles})"
            case Arithmetic(sign, left, right):
                own = _BINDS[sign]
                text = f"{self.value(left, own)} {sign} {self.value(right, own + 1)}"
                return f"({text})" if own < binds else text


def operand_text(operand: Operand) -> str:
    """An operand: ``close``, ``sma(high, 50)``, ``macd(12, 26, 9, output="signal")``, ``ma_crossover.strength``."""
    match operand:
        case FieldOperand(field):
            return field
        case SignalOperand(signal, output):
            return f"{signal}.{output}"
        case IndicatorOperand(name, parameters, output, source):
            info = INDICATORS[name]
            words = [number_text(number) for _, number in parameters]
            if info.inputs == ("source",) and source != FieldOperand("close"):
                words.insert(0, operand_text(source))
            if output != info.outputs[0]:
                words.append(f'output="{output}"')
            return f"{name}({', '.join(words)})"


def number_text(number: float) -> str:
    """A number in eight significant digits, which tell prices apart and hide the noise of binary fractions."""
    return format(number, ".8g")


def _choices(operand: Operand, folder: Path | None) -> tuple[str, ...]:
    if not isinstance(operand, SignalOperand):
        return ()
    output = find_signal(operand.signal, folder).output(operand.output)
    return () if output is None else ("none", *output.choices)
