"""All columns that a strategy's rules read, computed batch by batch from candles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sptrader_stream.candles import CandleView
from sptrader_stream.errors import SignalError
from sptrader_stream.events import Candles, Signals
from sptrader_stream.indicators import INDICATORS, Indicator, build
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand, Operand, SignalOperand
from sptrader_stream.signals.loader import load_signal
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


class SignalEngine:
    """Computes the operands of one strategy over the candles of one instrument.

    What several operands share (an indicator with several outputs, a source, a signal) is computed once. All work is
    laid out at construction as a flat list of steps over slots, so that a batch of one costs little more than its
    kernels.

    Args:
        operands: the columns wanted, in order.
        signals: the configuration of each signal that the operands name, by signal.
        price_precision: decimal places of a price.
        folder: where the user's own signals are, None for none.

    Raises:
        SignalError: a signal is unknown, misconfigured, or its file has a mistake.
        ParameterError: an indicator is unknown or misconfigured.
    """

    def __init__(
        self,
        operands: Sequence[Operand],
        signals: Mapping[str, Mapping[str, object]],
        price_precision: int,
        folder: Path | None = None,
    ) -> None:
        self._scale = float(10**price_precision)
        self._signals = signals
        self._folder = folder
        self._steps: list[_Field | _FromCandles | _FromSlot] = []
        self._places: dict[object, int] = {}
        self._slots = 0
        self._counted: list[int] = []
        self._columns = [self._slot(each) for each in operands]

    def process(self, candles: Candles) -> Signals:
        """The columns for the next batch of candles.

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
        return Signals(candles.first, candles.instrument, generated, [values[slot] for slot in self._columns])

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
        configured = load_signal(operand.signal, self._signals.get(operand.signal, {}), self._folder)
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
