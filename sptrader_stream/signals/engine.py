"""All columns that a strategy's rules read, computed batch by batch, for each instrument and each timeframe.

A strategy sees candles of its own timeframe and of higher ones, which are built from the data's. An indicator or a
signal gets a candle in the batch in which it closes, so that nothing it says can depend on one that is still open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sptrader_stream.candles import CandleColumns, block_of
from sptrader_stream.columns import Codes, Floats, Ints
from sptrader_stream.errors import SignalError
from sptrader_stream.events import Candles, InstrumentSignals, Signals
from sptrader_stream.instruments import Instrument
from sptrader_stream.resampling import builder_of, closes_of_rows
from sptrader_stream.rules.operands import Operand, SignalOperand
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.rules.settings import plan_timeframes
from sptrader_stream.signals.loader import ConfiguredSignal, load_signal
from sptrader_stream.signals.operand_engine import OperandEngine
from sptrader_stream.timeframes import format_timeframe

ConfiguredSignals = Mapping[str, ConfiguredSignal]

_NO_MOMENTS: Ints = np.empty(0, np.int64)


class SignalEngine:
    """Computes the operands of a strategy over the candles of its instruments.

    Args:
        plan: the strategy.
        instruments: those of the run, in order.
        timeframe: of the data, nanoseconds.

    Raises:
        UserError: the strategy's timeframe and the data's do not go together.
        SignalError: a signal is unknown, misconfigured, or its file has a mistake.
        ParameterError: an indicator is unknown or misconfigured.
    """

    def __init__(self, plan: StrategyPlan, instruments: Sequence[Instrument], timeframe: int) -> None:
        timeframes = plan_timeframes(plan, timeframe)
        folder = None if plan.signals_folder is None else Path(plan.signals_folder)
        names = {each.signal for each in plan.operands if isinstance(each, SignalOperand)}
        signals = {name: load_signal(name, plan.signals.get(name, {}), folder) for name in sorted(names)}
        self._markets = [_Market(plan, signals, instrument, timeframes, timeframe) for instrument in instruments]
        # With a single series of candles there is nothing that an error would have to tell apart.
        self._is_single = len(instruments) == 1 and timeframes == [timeframe]

    def process(self, candles: Candles) -> Signals:
        """The columns for the next batch of candles.

        Raises:
            SignalError: a user's own signal failed.
        """
        generated = 0
        told: list[InstrumentSignals] = []
        for index, market in enumerate(self._markets):
            try:
                signals, count = market.process(block_of(candles, index))
            except SignalError as error:
                if not self._is_single:
                    error.symbol, error.timeframe = market.symbol, market.working_timeframe
                raise
            told.append(signals)
            generated += count
        return Signals(candles.first, generated, told)


class _Series:
    """The operands of one instrument and one timeframe; ``places`` says which of the plan's they are."""

    def __init__(
        self,
        plan: StrategyPlan,
        signals: ConfiguredSignals,
        instrument: Instrument,
        index: int,
        timeframe: int,
        data_timeframe: int,
    ) -> None:
        self.timeframe = timeframe
        self.places = [place for place, each in enumerate(plan.operand_timeframes) if each == index]
        operands = [plan.operands[place] for place in self.places]
        self.engine = OperandEngine(operands, signals, instrument.price_precision)
        self.builder = builder_of(data_timeframe, timeframe, instrument.session)


class _Market:
    """All series of one instrument."""

    def __init__(
        self,
        plan: StrategyPlan,
        signals: ConfiguredSignals,
        instrument: Instrument,
        timeframes: Sequence[int],
        data_timeframe: int,
    ) -> None:
        self.symbol = instrument.symbol
        self._series = [
            _Series(plan, signals, instrument, index, timeframe, data_timeframe)
            for index, timeframe in enumerate(timeframes)
        ]
        self._working = self._series[0]
        self._is_single = list(timeframes) == [data_timeframe]
        self._silence = [_no_values(operand, signals) for operand in plan.operands]
        self._nothing_closed = [] if self._is_single else [_NO_MOMENTS] * len(timeframes)

    @property
    def working_timeframe(self) -> str:
        """Which candles were worked on last, for errors."""
        return format_timeframe(self._working.timeframe)

    def process(self, candles: CandleColumns) -> tuple[InstrumentSignals, int]:
        """What the signals say of the instrument's next candles, and how many were generated."""
        rows = len(candles.time)
        if rows == 0:
            return InstrumentSignals(self._silence, self._nothing_closed), 0
        if self._is_single:
            columns, generated = self._working.engine.process(candles)
            return InstrumentSignals(columns, []), generated
        columns, closes, generated = self._silence.copy(), self._nothing_closed.copy(), 0
        for index, series in enumerate(self._series):
            seen = candles
            if series.builder is None:
                closes[index] = closes_of_rows(rows)
            else:
                seen = closed = series.builder.process(candles)
                if len(closed) == 0:
                    continue
                closes[index] = closed.moments
            self._working = series
            found, count = series.engine.process(seen)
            generated += count
            for place, column in zip(series.places, found, strict=True):
                columns[place] = column
        return InstrumentSignals(columns, closes), generated


def _no_values(operand: Operand, signals: ConfiguredSignals) -> Floats | Codes:
    """Give the column of an operand for no candles."""
    if isinstance(operand, SignalOperand):
        output = signals[operand.signal].info.output(operand.output)
        if output is not None and output.choices:
            return np.empty(0, np.int8)
    return np.empty(0)
