"""What both kinds of user signals need while they work: indicators, checked results, and comparisons of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from sptrader_stream.candles import CandleView
from sptrader_stream.columns import Codes, Floats
from sptrader_stream.errors import Contradiction, ContradictionError, SignalError, UserError
from sptrader_stream.indicators import INDICATORS
from sptrader_stream.signals.api import IndicatorRequest, StatefulSignal, WindowSignal
from sptrader_stream.signals.outputs import OutputError, read_outputs
from sptrader_stream.signals.series import IndicatorSeries
from sptrader_stream.signals.userfile import UserFile, naming_lines

# When the second value was said, and what to do about it.
_ADVICE: Final[dict[Contradiction, str]] = {
    "looks_ahead": "when later candles were known; a value may depend on its own candle and earlier ones only",
    "depends_on_batches": "when the candles came one at a time; update must not depend on where a batch begins or "
    "ends, and must keep what it remembers in attributes that start sets",
}


class UserIndicators:
    """The indicators that a user's signal asks for.

    Raises:
        SignalError: the signal asks for indicators that cannot be.
    """

    def __init__(self, file: UserFile, signal: WindowSignal | StatefulSignal, scale: float) -> None:
        with naming_lines(file.path, file.line):
            asked = signal.indicators
        if not isinstance(asked, Mapping) or not all(isinstance(each, IndicatorRequest) for each in asked.values()):
            raise file.error('.indicators must be a dict such as {"trend": indicator("sma", period=50)}')
        self.names = list(asked)
        self._series: list[tuple[IndicatorSeries, int]] = []
        for name, request in asked.items():
            try:
                series = IndicatorSeries(request.name, request.parameters, request.source, scale)
            except UserError as error:
                raise file.error(f".indicators[{name!r}]: {error}") from None
            outputs = INDICATORS[request.name].outputs
            if request.output is not None and request.output not in outputs:
                known = f"it has {', '.join(outputs)}"
                raise file.error(f".indicators[{name!r}]: {request.name} has no output {request.output!r}; {known}")
            self._series.append((series, 0 if request.output is None else outputs.index(request.output)))

    def update(self, view: CandleView) -> list[Floats]:
        """One column for each name."""
        return [series.update(view)[output] for series, output in self._series]


class UserMethod:
    """The method of a user's signal that gives results.

    Args:
        file: the signal's file.
        method: ``compute`` or ``update`` of the signal.
    """

    def __init__(self, file: UserFile, method: Any) -> None:
        code = getattr(method, "__code__", None)
        self._file = file
        self._method = method
        self._line = file.line if code is None or code.co_filename != str(file.path) else code.co_firstlineno

    def call(self, candles: Any, indicators: Mapping[str, Any], length: int, start: int) -> list[Floats | Codes]:
        """Call it and read the result.

        Args:
            candles: as the signal wants them.
            indicators: as the signal wants them.
            length: how many candles these are.
            start: how many of the first ones to leave out of the result.

        Raises:
            SignalError: it failed, or its result is not as declared.
        """
        with naming_lines(self._file.path, self._file.line):
            result = self._method(candles, indicators)
        try:
            return read_outputs(self._file.info.outputs, result, length, start)
        except OutputError as error:
            raise self.error(str(error)) from None

    def compare(
        self, some: Sequence[Floats | Codes], others: Sequence[Floats | Codes], first: int, kind: Contradiction
    ) -> None:
        """Insist that two results for the same candles are equal, to the bit.

        Args:
            some: columns, the first result.
            others: columns, at least as long; only as much as ``some`` has is compared.
            first: index in the run of the first candle.
            kind: what it shows when they differ.

        Raises:
            ContradictionError: they differ.
        """
        for output, before, longer in zip(self._file.info.outputs, some, others, strict=True):
            after = longer[: len(before)]
            # Both have one form of zero and of NaN, so equal bits are equal values.
            if before.tobytes() == after.tobytes():
                continue
            row = int(np.argmax((before != after) & ~((before != before) & (after != after))))
            names = ("none", *output.choices)
            said, then = (names[int(x[row])] if output.choices else repr(float(x[row])) for x in (before, after))
            message = f"output {output.name} at candle {first + row} was {said} and became {then} {_ADVICE[kind]}"
            raise ContradictionError(
                self._words(message), str(self._file.path),
                kind=kind, output=output.name, candle=first + row, said=said, then=then,
            )  # fmt: skip

    def error(self, message: str) -> SignalError:
        """An error that points to the method."""
        return SignalError(self._words(message), str(self._file.path))

    def _words(self, message: str) -> str:
        return f"{self._file.path}:{self._line}: {self._file.kind.__name__}: {message}"


def locked(column: Any) -> Any:
    """A view that the user cannot write to."""
    view = column.view()
    view.flags.writeable = False
    return view
