"""The built-in signals but the crossovers, against plain Python over the indicators or the candles."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand
from tests.signals.support import candles_of, run, run_signal, splits_of

TICKS = st.lists(st.integers(1000, 1030), min_size=1, max_size=80)
CLOSE = FieldOperand("close")


def indicator(candles: Any, name: str, output: str, **parameters: float) -> list[float]:
    operand = IndicatorOperand(name, tuple(parameters.items()), output, CLOSE)
    return run([operand], candles)[0][0].tolist()  # type: ignore[no-any-return]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), closes=TICKS)
def test_rsi_threshold_tells_each_border_crossed(data: st.DataObject, closes: list[int]) -> None:
    candles = candles_of(closes)
    index = indicator(candles, "rsi", "value", period=3)
    expected: list[str | None] = []
    for i, now in enumerate(index):
        before = index[i - 1] if i else float("nan")
        said = None
        if before == before:
            if before <= 65 < now:
                said = "enters_overbought"
            elif now < 35 <= before:
                said = "enters_oversold"
            elif before > 65 >= now:
                said = "leaves_overbought"
            elif before < 35 <= now:
                said = "leaves_oversold"
        expected.append(said)
    config = {"period": 3, "oversold": 35, "overbought": 65}
    told = run_signal("rsi_threshold", config, candles, data.draw(splits_of(len(closes))))
    assert told["zone_change"] == expected
    assert told["value"] == [None if each != each else each for each in index]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), closes=TICKS)
def test_macd_cross_tells_where_the_line_crosses_its_signal(data: st.DataObject, closes: list[int]) -> None:
    candles = candles_of(closes)
    periods = {"fast": 2, "slow": 4, "signal": 3}
    line, signal, histogram = (indicator(candles, "macd", each, **periods) for each in ("line", "signal", "histogram"))
    expected: list[str | None] = [None] * len(line)
    for i in range(1, len(line)):
        if signal[i - 1] == signal[i - 1] and (line[i] > signal[i]) != (line[i - 1] > signal[i - 1]):
            expected[i] = "bullish" if line[i] > signal[i] else "bearish"
    told = run_signal("macd_cross", periods, candles, data.draw(splits_of(len(closes))))
    assert told["cross"] == expected
    assert told["histogram"] == [None if each != each else each for each in histogram]


def beyond_bands(closes: list[int], i: int, period: int, deviations: Fraction) -> int | None:
    """1 above the upper band, -1 below the lower one, 0 inside, compared by exact squares; None while undefined."""
    window = closes[i - period + 1 : i + 1] if i >= period - 1 else []
    if not window:
        return None
    mean = Fraction(sum(window), period)
    variance = sum(((x - mean) ** 2 for x in window), Fraction(0)) / period
    distance = closes[i] - mean
    if distance**2 <= deviations**2 * variance:
        return 0
    return 1 if distance > 0 else -1


# A distance of 1.3 deviations is never met exactly by 5 whole numbers in this range, so rounding decides nothing but
# flat windows, which are exact.
@settings(max_examples=80, deadline=None)
@given(data=st.data(), closes=TICKS)
def test_bollinger_breakout_tells_where_the_price_leaves_and_returns(data: st.DataObject, closes: list[int]) -> None:
    places = [beyond_bands(closes, i, 5, Fraction(13, 10)) for i in range(len(closes))]
    expected: list[str | None] = [None] * len(closes)
    for i in range(1, len(closes)):
        before, now = places[i - 1], places[i]
        if before is not None and now != before:
            back = "back_from_above" if before == 1 else "back_from_below"
            expected[i] = {1: "above_upper", -1: "below_lower", 0: back}[now or 0]
    config = {"period": 5, "deviations": 1.3}
    told = run_signal("bollinger_breakout", config, candles_of(closes), data.draw(splits_of(len(closes))))
    assert told["breakout"] == expected
    for i, position in enumerate(told["position"]):
        window = closes[max(0, i - 4) : i + 1]
        if len(window) < 5 or len(set(window)) == 1:
            assert position is None
        else:
            mean = sum(window) / 5
            width = 1.3 * (sum((x - mean) ** 2 for x in window) / 5) ** 0.5
            assert position == pytest.approx((closes[i] - mean + width) / (2 * width), abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), closes=TICKS)
def test_donchian_breakout_compares_with_the_candles_before(data: st.DataObject, closes: list[int]) -> None:
    candles = candles_of(closes, [0, 1, 4])
    highs, lows = candles.high.tolist(), candles.low.tolist()
    said: list[str | None] = []
    positions: list[float | None] = []
    for i, close in enumerate(closes):
        high, low = max(highs[max(0, i - 4) : i], default=0), min(lows[max(0, i - 4) : i], default=0)
        known = i >= 4
        said.append("breakout_up" if known and close > high else "breakout_down" if known and close < low else None)
        positions.append((close - low) / (high - low) if known and high > low else None)
    told = run_signal("donchian_breakout", {"period": 4}, candles, data.draw(splits_of(len(closes))))
    assert told["breakout"] == said
    assert told["position"] == positions


def test_a_jump_from_zone_to_zone_tells_the_one_that_is_entered() -> None:
    told = run_signal("rsi_threshold", {"period": 2}, candles_of([100, 99, 98, 97, 130, 60]))
    assert told["value"][3] < 30 < 70 < told["value"][4]
    assert told["zone_change"] == [None, None, None, None, "enters_overbought", "enters_oversold"]


def test_a_market_that_starts_in_a_zone_has_not_entered_it() -> None:
    falling = list(range(200, 180, -1))
    told = run_signal("rsi_threshold", {"period": 5}, candles_of(falling))
    assert told["value"][5] == 0.0
    assert told["zone_change"] == [None] * 20
