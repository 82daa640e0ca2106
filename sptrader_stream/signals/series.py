"""Indicators applied to candles: which columns an indicator reads, in which units, and its outputs by name."""

from __future__ import annotations

from collections.abc import Mapping

from sptrader_stream.candles import CandleView
from sptrader_stream.columns import Floats
from sptrader_stream.indicators import INDICATORS, build


class IndicatorSeries:
    """An indicator over a field of the candles, with its state.

    Args:
        name: one of ``INDICATORS``.
        parameters: by name; those left out take their defaults.
        source: the field that an indicator over one source reads; others ignore it.
        scale: ticks per price unit.

    Raises:
        ParameterError: no such indicator, or a parameter that it does not take.
    """

    def __init__(self, name: str, parameters: Mapping[str, int | float], source: str, scale: float) -> None:
        # Volume is in plain units; indicators that read it beside prices take care of that themselves.
        one_source = name in INDICATORS and INDICATORS[name].inputs == ("source",)
        self._indicator = build(name, parameters, 1.0 if one_source and source == "volume" else scale)
        self._inputs = (source,) if one_source else INDICATORS[name].inputs

    def update(self, view: CandleView) -> tuple[Floats, ...]:
        """The outputs for the next batch, in the indicator's order."""
        return self._indicator.update(*[_input(view, each) for each in self._inputs])


def _input(view: CandleView, name: str) -> Floats:
    # The one input that is not float64; indicators declare it under this name.
    return view.time if name == "time" else view.ticks(name)  # type: ignore[return-value]
