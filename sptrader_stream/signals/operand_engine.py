"""The columns that a strategy's rules read of the candles of one instrument and one timeframe, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from sptrader_stream.candles import CandleColumns, CandleView
from sptrader_stream.columns import Codes, Floats
from sptrader_stream.errors import SignalError
from sptrader_stream.indicators import INDICATORS, Indicator, build
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand, Operand, SignalOperand
from sptrader_stream.signals.loader import ConfiguredSignal
from sptrader_stream.signals.series import IndicatorSeries

Values = list[Any]


class _Source(Protocol):
    def update(self, view: CandleView) -> tuple[Any, ...]: ...


class _Field:
    """A candle field in the user's units."""

    def __init__(self, field: str, slot: int) -> None:
        self._field = field
        self._slot = slot

    def run(self, view: CandleView, values: Values) -> None:
        values[self._slot] = view.prices(self._field)


class _FromCandles:
    """An indicator or a signal over candles; its outputs take adjacent slots."""

    def __init__(self, source: _Source, slots: slice) -> None:
        self._update = source.update
        self._slots = slots

    def run(self, view: CandleView, values: Values) -> None:
        values[self._slots] = self._update(view)


class _FromSlot:
    """An indicator over another one's output."""

    def __init__(self, indicator: Indicator, source: int, slots: slice) -> None:
        self._update = indicator.update
        self._source = source
        self._slots = slots

    def run(self, view: CandleView, values: Values) -> None:
        values[self._slots] = self._update(values[self._source])


class OperandEngine:
    """Computes operands over the candles of one instrument and one timeframe.

    What several operands share (an indicator with several outputs, a source, a signal) is computed once. All work is
    laid out at construction as a flat list of steps over slots, so that a batch of one costs little more than its
    kernels.

    Args:
        operands: the columns wanted, in order.
        signals: each signal that the operands name; the engine makes its own.
        price_precision: decimal places of a price.

    Raises:
        SignalError: a signal has no such output, or cannot be made.
        ParameterError: an indicator is unknown or misconfigured.
    """

    def __init__(
        self, operands: Sequence[Operand], signals: Mapping[str, ConfiguredSignal], price_precision: int
    ) -> None:
        self._scale = float(10**price_precision)
        self._signals = signals
        self._steps: list[_Field | _FromCandles | _FromSlot] = []
        self._places: dict[object, int] = {}
        self._slots = 0
        self._counted: list[int] = []
        self._columns = [self._slot(each) for each in operands]

    def process(self, candles: CandleColumns) -> tuple[list[Floats | Codes], int]:
        """Take the next batch of candles, at least one.

        Returns:
            The operands' columns (see ``events.InstrumentSignals``), and how many signals were generated.

        Raises:
            SignalError: a user's own signal failed.
        """
        view = CandleView(candles, self._scale)
        values: Values = [None] * self._slots
        for step in self._steps:
            step.run(view, values)
        generated = 0
        for slot in self._counted:
            generated += int(np.count_nonzero(values[slot]))
        return [values[slot] for slot in self._columns], generated

    def _slot(self, operand: Operand) -> int:
        """Where an operand's column will be, after adding the steps that it needs."""
        if isinstance(operand, FieldOperand):
            if operand not in self._places:
                slots = self._take(operand, 1)
                self._steps.append(_Field(operand.field, slots.start))
            return self._places[operand]
        if isinstance(operand, SignalOperand):
            return self._signal_slot(operand)
        return self._indicator_slot(operand)

    def _indicator_slot(self, operand: IndicatorOperand) -> int:
        info = INDICATORS[operand.name]
        over_source = info.inputs == ("source",)
        key = (operand.name, operand.parameters, operand.source if over_source else None)
        if key not in self._places:
            parameters = dict(operand.parameters)
            if over_source and isinstance(operand.source, IndicatorOperand):
                source = self._indicator_slot(operand.source)
                # An indicator's output is in the user's units already.
                nested = build(operand.name, parameters, 1.0)
                self._steps.append(_FromSlot(nested, source, self._take(key, len(info.outputs))))
            else:
                field = operand.source.field if isinstance(operand.source, FieldOperand) else "close"
                series = IndicatorSeries(operand.name, parameters, field, self._scale)
                self._steps.append(_FromCandles(series, self._take(key, len(info.outputs))))
        return self._places[key] + info.outputs.index(operand.output)

    def _signal_slot(self, operand: SignalOperand) -> int:
        configured = self._signals[operand.signal]
        outputs = configured.info.outputs
        names = [each.name for each in outputs]
        if operand.output not in names:
            raise SignalError(f"signal {operand.signal} has no output {operand.output!r}; it has {', '.join(names)}")
        if operand.signal not in self._places:
            slots = self._take(operand.signal, len(outputs))
            self._steps.append(_FromCandles(configured.make(self._scale), slots))
            self._counted += [slots.start + k for k, each in enumerate(outputs) if each.choices][:1]
        return self._places[operand.signal] + names.index(operand.output)

    def _take(self, key: object, count: int) -> slice:
        first = self._places[key] = self._slots
        self._slots += count
        return slice(first, first + count)
