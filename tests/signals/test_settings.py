"""What a strategy may write under signal_config, and what it is told about the rest."""

from __future__ import annotations

import pytest

from sptrader_stream.errors import SignalError
from sptrader_stream.indicators import INDICATORS
from sptrader_stream.signals.loader import check_config, load_signal
from sptrader_stream.signals.registry import SIGNALS
from sptrader_stream.signals.settings import Problem


def test_defaults_are_filled_in_and_numbers_become_their_kind() -> None:
    assert load_signal("ma_crossover", {"min_separation": 1, "ma": "ema"}, None).parameters == {
        "fast": 10,
        "slow": 30,
        "ma": "ema",
        "source": "close",
        "min_separation": 1.0,
        "confirmation_bars": 0,
    }
    separation = load_signal("ma_crossover", {"min_separation": 1}, None).parameters["min_separation"]
    assert isinstance(separation, float)


@pytest.mark.parametrize(
    ("name", "config", "key", "message"),
    [
        (
            "ma_crossover",
            {"fsat": 10},
            "fsat",
            "ma_crossover has no parameter 'fsat', did you mean fast? "
            "(it has fast, slow, ma, source, min_separation, confirmation_bars)",
        ),
        ("ma_crossover", {"fast": 0}, "fast", "fast must be a whole number from 1 to 100000, found 0"),
        ("ma_crossover", {"fast": 2.5}, "fast", "fast must be a whole number from 1 to 100000, found 2.5"),
        ("ma_crossover", {"fast": True}, "fast", "fast must be a whole number from 1 to 100000, found True"),
        ("ma_crossover", {"fast": "ten"}, "fast", "fast must be a whole number from 1 to 100000, found 'ten'"),
        ("ma_crossover", {"fast": None}, "fast", "fast must be a whole number from 1 to 100000, found None"),
        ("ma_crossover", {"ma": "sam"}, "ma", "ma must be one of sma, ema, wma, rma, found 'sam', did you mean sma?"),
        ("ma_crossover", {"ma": ["sma"]}, "ma", "ma must be one of sma, ema, wma, rma, found ['sma']"),
        (
            "ma_crossover",
            {"min_separation": -1},
            "min_separation",
            "min_separation must be a number, at least 0.0, found -1",
        ),
        (
            "ma_crossover",
            {"min_separation": float("nan")},
            "min_separation",
            "min_separation must be a number, at least 0.0, found nan",
        ),
        ("ma_crossover", {"fast": 40}, "fast", "fast must be less than slow, found fast 40 and slow 30"),
        ("ma_crossover", {"slow": 5}, "slow", "fast must be less than slow, found fast 10 and slow 5"),
        (
            "rsi_threshold",
            {"oversold": 70},
            "oversold",
            "oversold must be less than overbought, found oversold 70 and overbought 70.0",
        ),
    ],
)
def test_each_problem_is_told_with_its_key(name: str, config: dict[str, object], key: str, message: str) -> None:
    assert check_config(name, config, None) == [Problem(key, message)]
    with pytest.raises(SignalError) as caught:
        load_signal(name, config, None)
    assert str(caught.value) == f"signal {name}: {message}"


def test_all_problems_are_told_at_once() -> None:
    assert [each.key for each in check_config("macd_cross", {"fast": 0, "slwo": 3, "source": "x"}, None)] == [
        "fast",
        "slwo",
        "source",
    ]


def test_a_signal_that_does_not_exist_is_a_problem_without_key() -> None:
    assert check_config("rsi_treshold", {}, None) == [
        Problem("", "there is no signal 'rsi_treshold', did you mean rsi_threshold?")
    ]


def test_right_configurations_have_no_problems() -> None:
    for name in SIGNALS:
        assert check_config(name, {}, None) == []
    assert check_config("ma_crossover", {"fast": 1, "slow": 100_000, "source": "volume"}, None) == []


def test_everything_that_a_signal_allows_its_indicator_allows() -> None:
    for signal, indicator in (("rsi_threshold", "rsi"), ("macd_cross", "macd"), ("bollinger_breakout", "bollinger")):
        for theirs in INDICATORS[indicator].parameters:
            ours = SIGNALS[signal].parameter(theirs.name)
            assert ours is not None
            assert ours.minimum is not None
            assert ours.minimum >= theirs.minimum
            assert ours.maximum is not None
            assert theirs.maximum is None or ours.maximum <= theirs.maximum
