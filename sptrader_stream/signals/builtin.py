"""How the built-in signals work: streaming kernels over streaming indicators, all state carried.

Indicators run on ticks with a scale of 1.0 here wherever only relations matter: comparing two averages in ticks or in
price units is the same question, and in ticks it has an exact answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from sptrader_stream.candles import PRICE_FIELDS, CandleView
from sptrader_stream.columns import Codes, Floats, Ints
from sptrader_stream.errors import SignalError
from sptrader_stream.indicators import build
from sptrader_stream.kernels import kernel
from sptrader_stream.signals.crosses import STRETCH, find_crosses, find_simple_crosses, working_space
from sptrader_stream.signals.registry import ParameterValue
from sptrader_stream.signals.signal import Signal

Columns = tuple[Floats | Codes, ...]


@kernel
def find_zone_changes(values: Floats, lower: Floats, upper: Floats, state: Ints, codes: Codes) -> int:
    """Say 1 where values go below ``lower``, 2 where they come back from there, 3 and 4 likewise above ``upper``.

    ``lower`` and ``upper`` have one value per candle, or a single one for all. ``state`` holds the zone of the last
    defined value: 1 below, 2 between, 3 above, 0 before there was one.
    """
    zone = state[0]
    last_lower, last_upper = len(lower) - 1, len(upper) - 1
    for i in range(len(values)):
        codes[i] = 0
        value, low, high = values[i], lower[min(i, last_lower)], upper[min(i, last_upper)]
        if math.isnan(value) or math.isnan(low) or math.isnan(high):
            continue
        now = 2
        if value < low:
            now = 1
        elif value > high:
            now = 3
        if zone != 0 and now != zone:
            codes[i] = now if now != 2 else zone + 1
        zone = now
    state[0] = zone
    return 0


@kernel
def locate(values: Floats, lower: Floats, upper: Floats, position: Floats) -> int:
    """Where values are between two borders: 0 at the lower one, 1 at the upper one, NaN if they are equal."""
    for i in range(len(values)):
        width = upper[i] - lower[i]
        position[i] = (values[i] - lower[i]) / width if width > 0.0 else math.nan
    return 0


@kernel
def find_breakouts(closes: Floats, upper: Floats, lower: Floats, state: Floats, codes: Codes, position: Floats) -> int:
    """Compare closes to the channel of the candle before: 1 above it, 2 below it; and where in it they are.

    ``state`` holds the last candle's upper and lower border.
    """
    high, low = state[0], state[1]
    for i in range(len(closes)):
        codes[i] = 0
        position[i] = math.nan
        if closes[i] > high:
            codes[i] = 1
        elif closes[i] < low:
            codes[i] = 2
        if high > low:
            position[i] = (closes[i] - low) / (high - low)
        high, low = upper[i], lower[i]
    state[0], state[1] = high, low
    return 0


def whole_ticks(view: CandleView, field: str) -> Floats:
    """A field of the candles as whole numbers: the mean prices times 2, 3 or 4, so that sums of them stay exact."""
    if field == "hl2":
        return view.ticks("high") + view.ticks("low")
    if field == "hlc3":
        return view.ticks("high") + view.ticks("low") + view.ticks("close")
    if field == "ohlc4":
        return view.ticks("open") + view.ticks("high") + view.ticks("low") + view.ticks("close")
    return view.ticks(field)


class MovingAverageCross:
    """``ma_crossover`` and ``ema_crossover``."""

    def __init__(self, average: str, parameters: Mapping[str, ParameterValue]) -> None:
        self._source = str(parameters["source"])
        self._fast = build(average, {"period": int(parameters["fast"])}, 1.0)
        self._slow = build(average, {"period": int(parameters["slow"])}, 1.0)
        self._carried = (float(parameters["min_separation"]), int(parameters["confirmation_bars"]), *working_space())

    def update(self, view: CandleView) -> Columns:
        """See :class:`Signal`."""
        source = whole_ticks(view, self._source)
        (fast,) = self._fast.update(source)
        (slow,) = self._slow.update(source)
        codes, strength = np.empty(len(source), np.int8), np.empty(len(source))
        find_crosses(fast, slow, *self._carried, codes, strength)
        return codes, strength


class SimpleAverageCross:
    """``ma_crossover`` of simple averages over one of the four prices, the most common case: several times faster."""

    def __init__(self, parameters: Mapping[str, ParameterValue]) -> None:
        self._source = str(parameters["source"])
        fast, self._slow = int(parameters["fast"]), int(parameters["slow"])
        room = max(self._slow, STRETCH)
        self._carried = (
            *(np.zeros(self._slow + room, np.int64), np.array([self._slow, 0])),
            *(fast, self._slow, np.empty(room), np.empty(room)),
            *(float(parameters["min_separation"]), int(parameters["confirmation_bars"]), *working_space(room)),
        )

    def update(self, view: CandleView) -> Columns:
        """See :class:`Signal`."""
        prices: Ints = getattr(view.columns, self._source)
        codes, strength = np.empty(len(prices), np.int8), np.empty(len(prices))
        if find_simple_crosses(prices, *self._carried, codes, strength):
            raise SignalError(
                f"ma_crossover: a {self._source} of {prices.max()} ticks is too large for exact sums over "
                f"{self._slow} candles; give the instrument a lower price_precision"
            )
        return codes, strength


class RsiThreshold:
    """``rsi_threshold``."""

    def __init__(self, parameters: Mapping[str, ParameterValue]) -> None:
        self._source = str(parameters["source"])
        self._rsi = build("rsi", {"period": int(parameters["period"])}, 1.0)
        self._lower = np.array([float(parameters["oversold"])])
        self._upper = np.array([float(parameters["overbought"])])
        self._state = np.zeros(1, np.int64)

    def update(self, view: CandleView) -> Columns:
        """See :class:`Signal`."""
        (value,) = self._rsi.update(whole_ticks(view, self._source))
        codes = np.empty(len(value), np.int8)
        find_zone_changes(value, self._lower, self._upper, self._state, codes)
        return codes, value


class MacdCross:
    """``macd_cross``."""

    def __init__(self, parameters: Mapping[str, ParameterValue], scale: float) -> None:
        self._source = str(parameters["source"])
        periods = {name: int(parameters[name]) for name in ("fast", "slow", "signal")}
        self._macd = build("macd", periods, scale if self._source in PRICE_FIELDS else 1.0)
        self._carried = (0.0, 0, *working_space())

    def update(self, view: CandleView) -> Columns:
        """See :class:`Signal`."""
        line, signal, histogram = self._macd.update(view.ticks(self._source))
        codes, strength = np.empty(len(line), np.int8), np.empty(len(line))
        find_crosses(line, signal, *self._carried, codes, strength)
        return codes, histogram


class BollingerBreakout:
    """``bollinger_breakout``."""

    def __init__(self, parameters: Mapping[str, ParameterValue]) -> None:
        self._source = str(parameters["source"])
        numbers = {"period": int(parameters["period"]), "deviations": float(parameters["deviations"])}
        self._bands = build("bollinger", numbers, 1.0)
        self._state = np.zeros(1, np.int64)

    def update(self, view: CandleView) -> Columns:
        """See :class:`Signal`."""
        values = whole_ticks(view, self._source)
        _, upper, lower = self._bands.update(values)
        codes = np.empty(len(values), np.int8)
        find_zone_changes(values, lower, upper, self._state, codes)
        position = np.empty(len(values))
        locate(values, lower, upper, position)
        return codes, position


class DonchianBreakout:
    """``donchian_breakout``."""

    def __init__(self, parameters: Mapping[str, ParameterValue]) -> None:
        self._channel = build("donchian", {"period": int(parameters["period"])}, 1.0)
        self._state = np.full(2, np.nan)

    def update(self, view: CandleView) -> Columns:
        """See :class:`Signal`."""
        closes = view.ticks("close")
        _, upper, lower = self._channel.update(view.ticks("high"), view.ticks("low"))
        codes, position = np.empty(len(closes), np.int8), np.empty(len(closes))
        find_breakouts(closes, upper, lower, self._state, codes, position)
        return codes, position


def _average_cross(parameters: Mapping[str, ParameterValue]) -> Signal:
    if parameters["ma"] == "sma" and parameters["source"] in ("open", "high", "low", "close"):
        return SimpleAverageCross(parameters)
    return MovingAverageCross(str(parameters["ma"]), parameters)


_MAKERS: dict[str, Callable[[Mapping[str, ParameterValue], float], Signal]] = {
    "ma_crossover": lambda parameters, scale: _average_cross(parameters),
    "ema_crossover": lambda parameters, scale: MovingAverageCross("ema", parameters),
    "rsi_threshold": lambda parameters, scale: RsiThreshold(parameters),
    "macd_cross": MacdCross,
    "bollinger_breakout": lambda parameters, scale: BollingerBreakout(parameters),
    "donchian_breakout": lambda parameters, scale: DonchianBreakout(parameters),
}


def make_builtin(name: str, parameters: Mapping[str, ParameterValue], scale: float) -> Signal:
    """Make a built-in signal.

    Args:
        name: one of ``SIGNALS``.
        parameters: complete and valid.
        scale: ticks per price unit.
    """
    return _MAKERS[name](parameters, scale)
