from __future__ import annotations

import pytest

from sptrader_stream.metrics.trades import excursions
from tests.metrics.reference import trade


@pytest.mark.parametrize(
    ("side", "best", "worst", "mae", "mfe"),
    [
        (1, 110_000, 95_000, 5_000_000, 10_000_000),
        (-1, 90_000, 105_000, 5_000_000, 10_000_000),
        (1, 100_000, 100_000, 0, 0),
    ],
)
def test_distances_from_the_entry_price_as_parts_of_it(side: int, best: int, worst: int, mae: int, mfe: int) -> None:
    assert excursions(trade(side=side, entry=100_000, best=best, worst=worst)) == (mae, mfe)


def test_parts_are_rounded_half_to_even() -> None:
    # 1 / 8 * 10^-8 steps: 12.5 rounds to 12, 37.5 to 38.
    entry = 8 * 10**8
    assert excursions(trade(entry=entry, worst=entry - 100, best=entry + 300)) == (12, 38)


def test_an_entry_that_slipped_to_zero_still_has_excursions() -> None:
    assert excursions(trade(side=-1, entry=0, best=0, worst=3)) == (3 * 10**8, 0)
