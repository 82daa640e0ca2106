"""Levels as they are shown, computed by hand: the position core's own are held against the reference elsewhere."""

from __future__ import annotations

import pytest

from sptrader_stream.execution.levels import distance_level
from sptrader_stream.execution.settings import Distance


@pytest.mark.parametrize(
    ("price", "side", "distance", "atr", "level"),
    [
        # 2 % of 110,050 ticks are 2,201.
        (110_050, -1, Distance(kind="percentage", value=2_000_000), None, 107_849),
        (110_050, 1, Distance(kind="percentage", value=2_000_000), None, 112_251),
        # 0.5 % of 100 ticks is half a tick: to the even one, down from 99.5 and down from 100.5.
        (100, -1, Distance(kind="percentage", value=500_000), None, 100),
        (100, 1, Distance(kind="percentage", value=500_000), None, 100),
        (110_050, -1, Distance(kind="offset", value=50), None, 110_000),
        (30, -1, Distance(kind="offset", value=50), None, 0),
        # One and a half times 33.3333 ticks are 49.99995.
        (110_050, 1, Distance(kind="atr", value=150_000_000), 333_333, 110_100),
        (110_050, 1, Distance(kind="atr", value=150_000_000), None, None),
    ],
)
def test_a_level_lies_where_the_page_says(
    price: int, side: int, distance: Distance, atr: int | None, level: int | None
) -> None:
    assert distance_level(price, side, distance, atr) == level
