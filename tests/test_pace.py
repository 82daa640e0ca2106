"""What is a pace, and what is none."""

from __future__ import annotations

import pytest

from sptrader_stream.errors import UserError
from sptrader_stream.pace import MAX, Pace, parse_pace


@pytest.mark.parametrize(
    ("said", "pace", "text"),
    [
        ("max", MAX, "max"),
        (" MAX ", MAX, "max"),
        (100, Pace("rate", 100.0), "100"),
        (0.5, Pace("rate", 0.5), "0.5"),
        ("2.25", Pace("rate", 2.25), "2.25"),
        ("realtime", Pace("realtime", 1.0), "realtime x1"),
        ("realtime x60", Pace("realtime", 60.0), "realtime x60"),
        ("Realtime x 1.5", Pace("realtime", 1.5), "realtime x1.5"),
    ],
)
def test_a_pace_is_read_and_written_again(said: str | float, pace: Pace, text: str) -> None:
    assert parse_pace(said) == pace
    assert str(pace) == text
    assert parse_pace(text) == pace


@pytest.mark.parametrize(
    "said", ["", "fast", "-1", -1.0, "0", 0, "realtime x0", "realtime 5", "1e3", float("nan"), 10**12]
)
def test_anything_else_is_refused(said: str | float) -> None:
    with pytest.raises(UserError, match="is not a pace"):
        parse_pace(said)
