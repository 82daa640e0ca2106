"""The chart of one instrument of a run: its candles in a few timeframes, with what the strategy's rules read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.columns import Floats, Ints
from sptrader_stream.instruments import Instrument
from sptrader_stream.report.operands import DrawnOperand, drawn_operands, is_code, lies_at_prices, values_by_row
from sptrader_stream.report.zoom import ZoomBuilder, ZoomLevel
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.sources.merging import batch_of

# In view at once; a chart offers finer candles where a shorter stretch of time is looked at.
FEW: Final = 1_200
# In the whole page, all instruments together.
MOST: Final = 60_000


class MarketChart(msgspec.Struct, frozen=True):
    """What the chart of an instrument shows of its candles.

    Attributes:
        levels: the finest first; their values are those of ``operands``.
        operands: what the rules read, each with a panel.
    """

    levels: list[ZoomLevel]
    operands: list[DrawnOperand]


def chart_market(
    plan: StrategyPlan,
    instrument: Instrument,
    timeframe: int,
    chunks: Iterable[ReadyCandles],
    most: int,
) -> MarketChart:
    """Stream an instrument's candles past the strategy's signals and keep what can be shown.

    Args:
        plan: the strategy.
        instrument: what the candles are of.
        timeframe: of the candles, nanoseconds.
        chunks: the candles, in order.
        most: candles kept at most.

    Raises:
        UserError: the source or a signal of the user's failed.
    """
    engine = SignalEngine(plan, (instrument,), timeframe)
    operands = drawn_operands(plan)
    builder = ZoomBuilder(timeframe, instrument.session, len(operands), most)
    before = [float("nan")] * len(operands)
    first = 0
    codes: set[int] = set()
    for chunk in chunks:
        rows = len(chunk)
        (signals,) = engine.process(batch_of(chunk, first)).instruments
        values: Floats = np.empty((len(operands), rows))
        for index, operand in enumerate(operands):
            if is_code(signals.columns[operand.column]):
                codes.add(index)
            values[index] = values_by_row(plan, operand, signals, rows, before[index])
            before[index] = float(values[index, -1])
        builder.add(np.stack((chunk.time, chunk.open, chunk.high, chunk.low, chunk.close)), values)
        first += rows
    if not first:
        return MarketChart([], [])
    levels = builder.levels(FEW)
    kept = [index for index in range(len(operands)) if index not in codes]
    placed = [_placed(operands[index], levels[0].values[index], levels[0].candles, instrument) for index in kept]
    return MarketChart([ZoomLevel(each.timeframe, each.candles, each.values[kept]) for each in levels], placed)


def _placed(operand: DrawnOperand, values: Floats, candles: Ints, instrument: Instrument) -> DrawnOperand:
    if operand.panel is not None:
        return operand
    scale = 10.0**instrument.price_precision
    over = lies_at_prices(values, candles[3].min() / scale, candles[2].max() / scale)
    return msgspec.structs.replace(operand, panel="" if over else operand.name)
