"""Streaming indicators: values that equal TA-Lib's, computed batch by batch with carried state."""

from __future__ import annotations

from collections.abc import Mapping

from sptrader_stream.indicators.averages import AVERAGES
from sptrader_stream.indicators.extremes import EXTREMES
from sptrader_stream.indicators.oscillators import OSCILLATORS
from sptrader_stream.indicators.ranges import RANGES
from sptrader_stream.indicators.registry import (
    Indicator,
    IndicatorInfo,
    Parameter,
    ParameterError,
    find,
)
from sptrader_stream.indicators.trend import TREND
from sptrader_stream.indicators.volume import VOLUME

__all__ = ["INDICATORS", "Indicator", "IndicatorInfo", "Parameter", "ParameterError", "build"]

INDICATORS: dict[str, IndicatorInfo] = {
    info.name: info for table in (AVERAGES, OSCILLATORS, TREND, RANGES, EXTREMES, VOLUME) for info in table
}


def build(name: str, parameters: Mapping[str, int | float], scale: float) -> Indicator:
    """Make an indicator, ready for its first batch.

    Args:
        name: one of ``INDICATORS``.
        parameters: by name; those left out take their defaults.
        scale: ticks per price unit where the inputs are prices in ticks, 1.0 where they are in plain units.

    Raises:
        ParameterError: no such indicator, or parameters that it does not take.
    """
    info = find(INDICATORS, name)
    return info.make(info.complete(parameters), scale)
