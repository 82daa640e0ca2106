"""The keys + and - go through paces that can be told apart, from one candle a second to full speed."""

from __future__ import annotations

import pytest

from sptrader_stream.pace import parse_pace
from sptrader_stream.watching.paces import faster, slower


@pytest.mark.parametrize(
    ("pace", "expected"),
    [
        ("0.5", "1"), ("1", "2"), ("2", "5"), ("3", "5"), ("5", "10"), ("100", "200"), ("200000", "500000"),
        ("500000", "max"), ("max", "max"), ("realtime x1", "realtime x2"), ("realtime x60", "realtime x120"),
    ],
)  # fmt: skip
def test_faster(pace: str, expected: str) -> None:
    assert faster(parse_pace(pace)) == parse_pace(expected)


@pytest.mark.parametrize(
    ("pace", "candles_per_second", "expected"),
    [
        ("max", 1_234_567.0, "500000"), ("max", 700.0, "500"), ("max", 0.0, "1"), ("500000", 0.0, "200000"),
        ("100", 3.0, "50"), ("7", 0.0, "5"), ("1", 0.0, "0.5"), ("realtime x60", 0.0, "realtime x30"),
    ],
)  # fmt: skip
def test_slower(pace: str, candles_per_second: float, expected: str) -> None:
    assert slower(parse_pace(pace), candles_per_second) == parse_pace(expected)
