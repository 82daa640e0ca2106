"""What every indicator declares about itself, and the object that computes it.

Each subject module (averages, oscillators, trend, ranges, volume) ends in a table of :class:`IndicatorInfo`; the
package joins the tables. An indicator is a kernel together with the arrays that carry its state from one batch to
the next, so that any split of the candles gives bit-identical values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal, Protocol, TypeAlias

import msgspec
import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.errors import UserError, did_you_mean

Number: TypeAlias = int | float
Parameters: TypeAlias = Mapping[str, Number]

MAXIMUM_PERIOD = 100_000


class ParameterError(UserError):
    """An indicator that does not exist, or a parameter that it does not take; the message names both."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A number that an indicator takes.

    Attributes:
        name: as written in strategies.
        kind: ``int`` for counts of candles and the like, ``float`` for factors.
        default: used where the strategy gives none; None where it must give one.
        minimum: smallest value allowed.
        maximum: largest value allowed, None where there is no limit.
        description: one line for people.
    """

    name: str
    kind: Literal["int", "float"]
    default: int | float | None
    minimum: int | float
    maximum: int | float | None = None
    description: str

    def check(self, value: object) -> Number:
        """Give ``value`` as a number of this parameter's kind.

        Raises:
            ParameterError: it is of another type, not finite, or out of range; the message starts with what is wanted.
        """
        whole = isinstance(value, int) and not isinstance(value, bool)
        if self.kind == "int":
            if not whole:
                raise ParameterError(f"{self.name} must be a whole number, not {value!r}")
            number: Number = int(value)  # type: ignore[call-overload]
        else:
            if not (whole or isinstance(value, float)) or not math.isfinite(value):  # type: ignore[arg-type]
                raise ParameterError(f"{self.name} must be a finite number, not {value!r}")
            number = float(value)  # type: ignore[arg-type]
        if number < self.minimum or (self.maximum is not None and number > self.maximum):
            limits = f"at least {self.minimum}" if self.maximum is None else f"{self.minimum} to {self.maximum}"
            raise ParameterError(f"{self.name} must be {limits}, not {value!r}")
        return number


class Indicator(Protocol):
    """An indicator at work on one series of candles."""

    def update(self, *inputs: Floats) -> tuple[Floats, ...]:
        """Take the next batch and give one array per output, each as long as the batch.

        Args:
            inputs: one float64 array per declared input, contiguous and equally long, prices in ticks; an input
                called ``time`` is int64 nanoseconds.

        Returns:
            float64 arrays, NaN where undefined: while warming up, and wherever an input is NaN (such a candle is
            skipped and leaves the state as it was).
        """
        ...


class KernelIndicator:
    """A kernel with its carried state: called as ``kernel(*inputs, *outputs, *carried)``."""

    __slots__ = ("_carried", "_kernel", "_outputs")

    def __init__(self, kernel: Callable[..., int], outputs: int, *carried: Floats | Ints | Number) -> None:
        self._kernel = kernel
        self._outputs = range(outputs)
        self._carried = carried

    def update(self, *inputs: Floats) -> tuple[Floats, ...]:
        """See :meth:`Indicator.update`."""
        length = len(inputs[0])
        for each in inputs:
            if len(each) != length:
                raise ValueError(f"inputs of {length} and {len(each)} candles; they must be equally long")
        outputs = tuple([np.empty(length) for _ in self._outputs])
        self._kernel(*inputs, *outputs, *self._carried)
        return outputs


class IndicatorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about an indicator without running it.

    Attributes:
        name: as written in strategies.
        summary: one line for people.
        formula: how it is computed, with the seed of what is recursive.
        reference: where the definition comes from.
        inputs: ``("source",)`` for an indicator over any one series, else the candle fields it needs, ``time`` among
            them where it needs that.
        parameters: in the order in which they may be given without names.
        outputs: names of the results, the default first.
        lookbacks: for given parameters, how many candles precede the first defined value, one number per output.
        make: builds the indicator from complete, checked parameters and the scale.
        increasing: names of parameters of which each must be smaller than the next.
    """

    name: str
    summary: str
    formula: str
    reference: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...] = ("value",)
    lookbacks: Callable[[Parameters], tuple[int, ...]]
    make: Callable[[Parameters, float], Indicator]
    increasing: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """How it is written, with its defaults: ``macd(fast=12, slow=26, signal=9)``."""
        written = [each.name if each.default is None else f"{each.name}={each.default}" for each in self.parameters]
        return f"{self.name}({', '.join(written)})"

    def complete(self, given: Mapping[str, object]) -> dict[str, Number]:
        """Check parameters and fill in defaults, in the declared order.

        Raises:
            ParameterError: a parameter is unknown, missing, of a wrong type or out of range.
        """
        names = [each.name for each in self.parameters]
        for name in given:
            if name not in names:
                raise ParameterError(
                    f"{self.name} has no parameter {name!r}{did_you_mean(name, names)}; it is {self.signature}"
                )
        complete: dict[str, Number] = {}
        for each in self.parameters:
            value = given.get(each.name, each.default)
            if value is None:
                raise ParameterError(f"{self.name} needs its parameter {each.name} ({each.description})")
            try:
                complete[each.name] = each.check(value)
            except ParameterError as error:
                raise ParameterError(f"{self.name}: {error}") from None
        for smaller, larger in zip(self.increasing, self.increasing[1:], strict=False):
            if complete[smaller] >= complete[larger]:
                found = f"{complete[smaller]} and {complete[larger]}"
                raise ParameterError(f"{self.name}: {smaller} must be smaller than {larger}, not {found}")
        return complete

    def warm_up(self, parameters: Mapping[str, object], output: str | None = None) -> int:
        """How many candles (with defined inputs) it takes until ``output`` has its first defined value.

        Args:
            parameters: as for :meth:`complete`.
            output: one of ``outputs``, by default the first.
        """
        index = 0 if output is None else self.outputs.index(output)
        return self.lookbacks(self.complete(parameters))[index] + 1


def find(indicators: Mapping[str, IndicatorInfo], name: str) -> IndicatorInfo:
    """Look an indicator up.

    Raises:
        ParameterError: there is none of that name; the message gives the nearest.
    """
    found = indicators.get(name)
    if found is None:
        raise ParameterError(f"there is no indicator {name!r}{did_you_mean(name, indicators)}")
    return found


def period(default: int | None, minimum: int = 1, name: str = "period", description: str = "candles") -> Parameter:
    """Declare a count of candles; at most 100,000 as in TA-Lib, for the window is kept in memory."""
    return Parameter(
        name=name, kind="int", default=default, minimum=minimum, maximum=MAXIMUM_PERIOD, description=description
    )


def full_window(parameters: Parameters) -> tuple[int, ...]:
    """Lookback of an indicator that is defined once its window of ``period`` candles is full."""
    return (int(parameters["period"]) - 1,)
