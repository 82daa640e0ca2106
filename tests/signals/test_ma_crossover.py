"""ma_crossover and ema_crossover against a reference in exact fractions, written from the definition."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sptrader_stream.candles import FIELDS
from sptrader_stream.errors import SignalError
from sptrader_stream.events import Candles
from sptrader_stream.rules.plan import ConfigValue
from tests.signals.support import candles_of, run_signal, splits_of, walk

Series = Sequence[Fraction | None]

# Few different prices: equal averages and repeated crosses are the rule, not the exception.
TICKS = st.lists(st.integers(100, 106), min_size=1, max_size=70)


def averages(kind: str, period: int, values: Sequence[Fraction]) -> Series:
    result: list[Fraction | None] = []
    for i in range(len(values)):
        window = values[max(0, i - period + 1) : i + 1]
        before = result[-1] if result else None
        if len(window) < period:
            result.append(None)
        elif kind == "sma" or (kind in ("ema", "rma") and before is None):
            result.append(sum(window, Fraction(0)) / period)
        elif kind == "wma":
            weights = range(1, period + 1)
            result.append(sum((w * x for w, x in zip(weights, window, strict=True)), Fraction(0)) / sum(weights))
        else:
            share = Fraction(2, period + 1) if kind == "ema" else Fraction(1, period)
            assert before is not None
            result.append(before + (values[i] - before) * share)
    return result


def crosses(
    fast: Series, slow: Series, min_separation: Fraction, confirmation_bars: int
) -> tuple[list[str | None], list[Fraction | None]]:
    said: list[str | None] = [None] * len(fast)
    strength: list[Fraction | None] = [None] * len(fast)
    for i in range(1, len(fast)):
        f, s, f_before, s_before = fast[i], slow[i], fast[i - 1], slow[i - 1]
        if f is None or s is None or f_before is None or s_before is None:
            continue
        above = f > s
        if above == (f_before > s_before) or abs(f - s) / s < min_separation:
            continue
        end = i + confirmation_bars
        later = list(zip(fast[i : end + 1], slow[i : end + 1], strict=True))
        if len(later) == confirmation_bars + 1 and all((x > y) == above for x, y in later):  # type: ignore[operator]
            f_end, s_end = later[-1]
            assert f_end is not None
            assert s_end is not None
            said[end] = "golden_cross" if above else "death_cross"
            strength[end] = abs(f_end - s_end) / s_end
    return said, strength


def field_values(candles: Candles, field: str) -> list[Fraction]:
    o, h, low, c = (getattr(candles, name).tolist() for name in ("open", "high", "low", "close"))
    rows = list(zip(o, h, low, c, strict=True))
    made = {
        "open": [Fraction(r[0]) for r in rows],
        "high": [Fraction(r[1]) for r in rows],
        "low": [Fraction(r[2]) for r in rows],
        "close": [Fraction(r[3]) for r in rows],
        "hl2": [Fraction(r[1] + r[2], 2) for r in rows],
        "hlc3": [Fraction(r[1] + r[2] + r[3], 3) for r in rows],
        "ohlc4": [Fraction(sum(r), 4) for r in rows],
        "volume": [Fraction(v) for v in candles.volume.tolist()],
    }
    return made[field]


def check(name: str, config: dict[str, ConfigValue], kind: str, candles: Candles, splits: Sequence[int]) -> None:
    source = field_values(candles, str(config.get("source", "close")))
    fast = averages(kind, int(str(config["fast"])), source)
    slow = averages(kind, int(str(config["slow"])), source)
    separation = Fraction(str(config.get("min_separation", 0)))
    for f, s in zip(fast, slow, strict=True):
        if f is not None and s is not None:
            # What is closer than rounding can tell: only exact sums (sma, wma) decide about equal averages.
            close = abs(f - s) / s
            assume(close > Fraction(1, 10**9) or (close == 0 and kind in ("sma", "wma")))
            assume(separation == 0 or abs(close - separation) > Fraction(1, 10**9))
    said, strength = crosses(fast, slow, separation, int(str(config.get("confirmation_bars", 0))))
    told = run_signal(name, config, candles, splits)
    assert told["crossover_type"] == said
    assert [value is None for value in told["strength"]] == [value is None for value in strength]
    for value, exact in zip(told["strength"], strength, strict=True):
        assert value is None or value == pytest.approx(float(exact or 0), rel=1e-9, abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), closes=TICKS)
def test_simple_averages_cross_exactly_where_the_definition_says(data: st.DataObject, closes: list[int]) -> None:
    fast = data.draw(st.integers(1, 5), "fast")
    config: dict[str, ConfigValue] = {
        "fast": fast,
        "slow": data.draw(st.integers(fast + 1, 9), "slow"),
        "source": data.draw(st.sampled_from(FIELDS), "source"),
        "min_separation": data.draw(st.sampled_from([0.0, 0.0, 0.00123, 0.01013]), "min_separation"),
        "confirmation_bars": data.draw(st.integers(0, 4), "confirmation_bars"),
    }
    check("ma_crossover", config, "sma", candles_of(closes, [0, 1, 3]), data.draw(splits_of(len(closes)), "splits"))


@pytest.mark.parametrize(("fast", "slow", "confirmation_bars"), [(10, 30, 0), (3, 7, 2), (2, 1024, 0), (40, 1500, 1)])
def test_long_batches_and_long_windows_change_nothing(fast: int, slow: int, confirmation_bars: int) -> None:
    candles = walk(6000, seed=5, step=3)

    def means(period: int) -> Series:
        sums = np.convolve(candles.close, np.ones(period, np.int64), "valid").tolist()
        return [None] * (period - 1) + [Fraction(each, period) for each in sums]

    said, exact = crosses(means(fast), means(slow), Fraction(0), confirmation_bars)
    strength = [None if each is None else pytest.approx(float(each), rel=1e-12) for each in exact]
    config: dict[str, ConfigValue] = {"fast": fast, "slow": slow, "confirmation_bars": confirmation_bars}
    for splits in ((), (1,), (1023, 1024, 2049), range(0, 6000, 700), range(6000)):
        told = run_signal("ma_crossover", config, candles, splits)
        assert told["crossover_type"] == said
        assert told["strength"] == strength


def test_prices_too_large_for_exact_sums_are_refused() -> None:
    config: dict[str, ConfigValue] = {"fast": 10, "slow": 30}
    assert run_signal("ma_crossover", config, candles_of([2**57] * 40))["crossover_type"] == [None] * 40
    with pytest.raises(SignalError, match=r"288230376151711744 ticks is too large .* 30 candles.* price_precision"):
        run_signal("ma_crossover", config, candles_of([2**57, 2**58]))


@pytest.mark.parametrize("kind", ["wma", "ema", "rma"])
@settings(max_examples=40, deadline=None)
@given(data=st.data(), closes=TICKS)
def test_other_averages_cross_where_the_definition_says(kind: str, data: st.DataObject, closes: list[int]) -> None:
    config: dict[str, ConfigValue] = {"fast": 2, "slow": data.draw(st.integers(3, 7)), "ma": kind}
    config["confirmation_bars"] = data.draw(st.integers(0, 2))
    check("ma_crossover", config, kind, candles_of(closes), data.draw(splits_of(len(closes))))


@settings(max_examples=40, deadline=None)
@given(closes=TICKS)
def test_ema_crossover_is_the_same_over_exponential_averages(closes: list[int]) -> None:
    check("ema_crossover", {"fast": 3, "slow": 6}, "ema", candles_of(closes), ())


def crossed(closes: list[int], **config: ConfigValue) -> list[str | None]:
    return run_signal("ma_crossover", {"fast": 1, "slow": 2, **config}, candles_of(closes))["crossover_type"]


def test_equal_averages_are_a_death_cross_after_fast_above_slow() -> None:
    # Averages of 1 and 2: undefined, equal, above, equal, below, above.
    assert crossed([100, 100, 102, 102, 101, 102]) == [None, None, "golden_cross", "death_cross", None, "golden_cross"]


@pytest.mark.parametrize("slow", range(4, 12))
def test_averages_of_a_flat_market_never_cross_even_if_a_third_of_a_tick_has_no_float(slow: int) -> None:
    flat = candles_of([100] * 60)
    candles = msgspec.structs.replace(flat, high=flat.high + 1)
    told = run_signal("ma_crossover", {"fast": 3, "slow": slow, "source": "hlc3"}, candles)
    assert told["crossover_type"] == [None] * 60


def test_the_first_defined_relation_is_no_cross() -> None:
    assert crossed([100, 102, 104, 106]) == [None] * 4


def test_a_cross_that_is_too_narrow_is_dropped_even_if_the_averages_part_later() -> None:
    # At the cross fast is 1010 and slow 1005, 0.5 % apart, and then they part to 2 %.
    closes = [1000, 1000, 1010, 1060, 1000]
    assert crossed(closes, min_separation=0.004)[2] == "golden_cross"
    assert crossed(closes, min_separation=0.006) == [None, None, None, None, "death_cross"]


def test_min_separation_is_met_by_exactly_that_distance() -> None:
    # (6 - 4) / 4 is exactly one half.
    assert crossed([2, 2, 6], min_separation=0.5) == [None, None, "golden_cross"]


def test_confirmation_waits_and_a_cross_back_cancels_it() -> None:
    assert crossed([100, 100, 101, 102, 103, 104], confirmation_bars=2) == [None] * 4 + ["golden_cross", None]
    assert crossed([100, 100, 101, 102, 100, 99, 98], confirmation_bars=2) == [None] * 6 + ["death_cross"]


def test_strength_is_that_of_the_candle_that_says_it() -> None:
    told = run_signal(
        "ma_crossover", {"fast": 1, "slow": 2, "confirmation_bars": 1}, candles_of([1000, 1000, 1010, 1030])
    )
    assert told["strength"] == [None, None, None, pytest.approx(10 / 1020)]


@pytest.mark.parametrize("name", ["ma_crossover", "ema_crossover", "macd_cross"])
def test_fast_must_be_less_than_slow(name: str) -> None:
    with pytest.raises(SignalError, match="fast must be less than slow, found fast 30 and slow 30"):
        run_signal(name, {"fast": 30, "slow": 30}, candles_of([100]))
