"""What a user's own signal is written against.

A signal is a Python file in ``strategies/signals/``, named like the signal, with one class in it. The class extends
:class:`WindowSignal` (one vectorised computation over recent history) or :class:`StatefulSignal` (candle by candle,
with a memory of its own)::

    from sptrader_stream.signals.api import Output, WindowSignal, parameter

    class Momentum(WindowSignal):
        '''The close against the close some candles ago.'''

        period: int = parameter(10, minimum=1, description="Candles to look back.")
        outputs = (Output("direction", choices=("rising", "falling")), Output("change"))

        @property
        def lookback(self) -> int:
            return self.period

        def compute(self, candles, indicators):
            before = np.roll(candles.close, self.period)
            change = candles.close / before - 1
            return {"direction": np.where(change > 0, "rising", "falling"), "change": change}

Annotated attributes with a plain default are parameters, too. A strategy sets them under ``signal_config``.
Prices are floats in price units here; nothing that a signal computes is ever used as money.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np

from sptrader_stream.candles import FIELDS, CandleView
from sptrader_stream.columns import Floats, Ints
from sptrader_stream.signals.registry import Parameter, ParameterValue
from sptrader_stream.signals.registry import SignalOutput as Output

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Candle",
    "Candles",
    "IndicatorRequest",
    "Output",
    "StatefulSignal",
    "WindowSignal",
    "indicator",
    "parameter",
]

Result: TypeAlias = "np.ndarray[Any, Any] | pd.Series[Any] | list[Any]"


class Candle(NamedTuple):
    """One candle: open time in nanoseconds since 1970 UTC, prices in price units."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Candles(NamedTuple):
    """Some candles as numpy columns; iterate over ``rows()`` to have them one by one.

    ``time`` is int64, nanoseconds since 1970 UTC; the others are float64, prices in price units.
    """

    time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def rows(self) -> Iterator[Candle]:
        """The candles one by one, as plain Python numbers."""
        return map(Candle, *(column.tolist() for column in self))

    @classmethod
    def of(cls, view: CandleView) -> Candles:
        """The candles of a batch in price units."""
        return cls(view.time, *(view.prices(field) for field in cls._fields[1:]))


class IndicatorRequest(NamedTuple):
    """An indicator that a signal wants computed for it; made by :func:`indicator`."""

    name: str
    parameters: Mapping[str, int | float]
    source: str
    output: str | None


def indicator(name: str, *, source: str = "close", output: str | None = None, **parameters: float) -> IndicatorRequest:
    """Ask for an indicator: ``indicators = {"trend": indicator("sma", period=50)}``.

    It is computed over the whole run, as in rules, and handed to the signal with the candles.

    Args:
        name: one of those that ``sptrader indicators`` lists.
        source: the candle field it is computed over; indicators with fixed inputs ignore it.
        output: which of its outputs; the first if not given.
        parameters: its parameters; those left out keep their defaults.

    Raises:
        ValueError: there is no such candle field.
    """
    if source not in FIELDS:
        raise ValueError(f"source must be one of {', '.join(FIELDS)}, found {source!r}")
    return IndicatorRequest(name, parameters, source, output)


class ParameterDeclaration(NamedTuple):
    """What :func:`parameter` was told."""

    default: ParameterValue | None
    minimum: int | float | None
    maximum: int | float | None
    choices: tuple[str, ...]
    description: str


def parameter(
    default: ParameterValue | None = None,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    description: str = "",
) -> Any:
    """Declare a parameter with its bounds: ``period: int = parameter(20, minimum=2, description="...")``.

    Args:
        default: what holds where the strategy says nothing; without one the strategy must say it.
        minimum: the least number allowed.
        maximum: the largest number allowed.
        choices: the texts allowed, for a ``str``.
        description: what it does.
    """
    return ParameterDeclaration(default, minimum, maximum, choices, description)


class _UserSignal:
    """What both kinds have in common. The parameters are attributes of the instance, with the strategy's values."""

    outputs: ClassVar[tuple[Output, ...]] = ()
    parameters: ClassVar[tuple[Parameter, ...]] = ()

    @property
    def indicators(self) -> Mapping[str, IndicatorRequest]:
        """Indicators to be computed for this signal, by the name under which it wants to see them."""
        return {}

    def __init__(self, **values: ParameterValue) -> None:
        for name, value in values.items():
            setattr(self, name, value)
        self.start()

    def start(self) -> None:
        """Called once before the first candle: set up memory here; raise ValueError for parameters that cannot be."""


class WindowSignal(_UserSignal):
    """A signal that is computed over recent history, all candles at once.

    ``compute`` gets a window: the new candles and at least ``lookback`` older ones before them. It gives one value for
    each candle of the window; the engine keeps those of the new ones. The value at a candle may depend on that
    candle and the ``lookback`` before it, never on later ones: a signal whose values change when later candles are
    added is stopped with an error. At the start of a run outputs are undefined until ``lookback`` candles have gone by.

    How much older history there is, and how many new candles, differs from call to call. The window starts at the
    same candle whatever the size of the batches, so the values are the same to the last bit.

    Attributes:
        lookback: how many earlier candles the value at a candle depends on; a number (``lookback = 20``), or a property
            if it depends on parameters.
        frame: ``numpy`` for :class:`Candles` and arrays, ``pandas`` for a DataFrame with the columns open, high, low,
            close, volume and a UTC DatetimeIndex, and Series with that index.
    """

    @property
    def lookback(self) -> int:
        """See the class."""
        return 0

    frame: ClassVar[Literal["numpy", "pandas"]] = "numpy"

    def compute(self, candles: Any, indicators: Mapping[str, Any]) -> Mapping[str, Result] | Result:
        """Compute the outputs for a window.

        Args:
            candles: the window, see ``frame``.
            indicators: those asked for, equally long, float64, NaN while warming up.

        Returns:
            A mapping from each output's name to its values, one per candle of the window, or just the values if there
            is one output. Values of an output with choices are their names (``"none"`` or None where there is
            nothing to say) or their numbers from 1 (0 for none); others are numbers, NaN where undefined.
        """
        raise NotImplementedError


class StatefulSignal(_UserSignal):
    """A signal that sees every candle once, in order, and remembers what it needs in its own attributes.

    Candles come in batches of any size, one at a time in live trading. The result for a candle must not depend on
    where a batch begins or ends, and so not on later candles either; the first candles of a run are also given to a
    second object one at a time, and a different answer is an error.
    """

    def update(self, candles: Candles, indicators: Mapping[str, Floats]) -> Mapping[str, Result] | Result:
        """Take the next candles and give the outputs for them.

        Args:
            candles: the new candles; ``for candle in candles.rows()`` goes through them one by one.
            indicators: those asked for, one float64 value per candle, NaN while warming up.

        Returns:
            As :meth:`WindowSignal.compute`, one value per candle.
        """
        raise NotImplementedError
