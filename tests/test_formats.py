"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import date

import pytest

from sptrader_stream.formats import format_cents, format_duration, format_metric, format_minute
from sptrader_stream.timeframes import HOUR, parse_time


@pytest.mark.parametrize(
    ("money", "text"),
    [(0, "0.00"), (500_000, "0.00"), (1_500_000, "0.02"), (-123_456_789_012, "-1,234.57"), (10**14, "1,000,000.00")],
)
def test_money_is_shown_to_the_cent_rounded_half_to_even(money: int, text: str) -> None:
    assert format_cents(money) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (3_600, "1h"), (93_784, "1d 2h"), (100_000_000, "1,157d 9h")]
)
def test_durations_are_shown_with_their_two_largest_units(seconds: int, text: str) -> None:
    assert format_duration(seconds * 10**9) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("win_rate", 0.5, "50.00%"),
        ("sharpe_ratio", 1.239, "1.24"),
        ("sharpe_ratio", None, "-"),
        ("total_pnl", 10**8, "1.00"),
        ("total_trades", 12345, "12,345"),
        ("longest_drawdown", 2 * HOUR, "2h"),
    ],
)
def test_metrics_are_shown_in_their_unit(name: str, value: object, text: str) -> None:
    assert format_metric(name, value) == text


def test_a_metric_of_many_values_has_no_short_form() -> None:
    with pytest.raises(TypeError, match="daily_returns"):
        format_metric("daily_returns", ((date(2025, 1, 6), 0.1),))


def test_times_are_shown_to_the_minute() -> None:
    assert format_minute(parse_time("2025-03-31T14:30:59.9Z")) == "2025-03-31 14:30"
