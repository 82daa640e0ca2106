"""What a strategy's rules read, as far as it can be drawn: names for people, place on the chart, values by candle."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from sptrader_stream.candles import PRICE_FIELDS
from sptrader_stream.columns import Codes, Floats, Ints
from sptrader_stream.events import InstrumentSignals
from sptrader_stream.indicators import INDICATORS
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand, Operand, SignalOperand
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.rules.wording import operand_text
from sptrader_stream.signals.registry import SIGNALS

# Those that are prices where their source is one; whatever is computed over other fields has a panel of its own.
_PRICES: Final = frozenset(("sma", "ema", "wma", "rma", "bollinger", "highest", "lowest", "donchian", "vwap"))


class DrawnOperand(msgspec.Struct, frozen=True):
    """One operand as the chart of candles shows it.

    Attributes:
        column: its index among the plan's operands.
        name: as an expression would have it, with its timeframe where that is not the strategy's.
        panel: what shares a panel with it; empty where it lies over the candles, None where only its values tell
            whether they are prices.
    """

    column: int
    name: str
    panel: str | None


def drawn_operands(plan: StrategyPlan) -> list[DrawnOperand]:
    """The operands of a plan that are numbers, but not a candle's own prices."""
    found = []
    for column, operand in enumerate(plan.operands):
        place = plan.operand_timeframes[column]
        tail = f" on {plan.higher_timeframes[place - 1]}" if place else ""
        if _is_drawn(operand):
            panel = _panel(operand)
            found.append(DrawnOperand(column, operand_text(operand) + tail, panel + tail if panel else panel))
    return found


def values_by_row(
    plan: StrategyPlan, drawn: DrawnOperand, signals: InstrumentSignals, rows: int, before: float
) -> Floats:
    """An operand's values at the closes of a batch's rows: what the rules knew then.

    Args:
        plan: the strategy's.
        drawn: which operand.
        signals: of one instrument's block.
        rows: how long the block is.
        before: the value at the end of the batch before, NaN before the first.

    Returns:
        float64, shape (rows,); NaN where it was not defined.
    """
    column = signals.columns[drawn.column].astype(np.float64)
    if not signals.closes:
        return column
    moments = signals.closes[plan.operand_timeframes[drawn.column]]
    newest: Ints = np.full(rows, -1)
    # Of two moments at one row the later one counts.
    newest[moments >> 1] = np.arange(len(moments))
    np.maximum.accumulate(newest, out=newest)
    return np.append(column, before)[newest]


def lies_at_prices(values: Floats, low: float, high: float) -> bool:
    """Whether values of unknown kind can be drawn over candles: most of them are about where the candles are.

    Args:
        values: float64, NaN where undefined.
        low, high: the range of the candles.
    """
    known = values[~np.isnan(values)]
    margin = (high - low) / 2
    return bool(len(known)) and bool(np.mean((known >= low - margin) & (known <= high + margin)) > 0.9)


def is_code(column: Floats | Codes) -> bool:
    """Whether a column holds codes of choices, not numbers."""
    return column.dtype == np.int8


def _is_drawn(operand: Operand) -> bool:
    if isinstance(operand, FieldOperand):
        return operand.field not in PRICE_FIELDS
    if isinstance(operand, SignalOperand) and operand.signal in SIGNALS:
        output = SIGNALS[operand.signal].output(operand.output)
        return output is None or not output.choices
    return True


def _panel(operand: Operand) -> str | None:
    if isinstance(operand, SignalOperand):
        return None
    if _is_price(operand):
        return ""
    if isinstance(operand, FieldOperand):
        return operand.field
    # The outputs of one indicator share a panel: it is called as the first of them.
    return operand_text(msgspec.structs.replace(operand, output=INDICATORS[operand.name].outputs[0]))


def _is_price(operand: Operand) -> bool:
    match operand:
        case FieldOperand(field):
            return field in PRICE_FIELDS
        case IndicatorOperand(name, _, _, source):
            return name in _PRICES and (INDICATORS[name].inputs != ("source",) or _is_price(source))
        case SignalOperand():
            return False
