"""Prices to ticks, against the decimal text of the price."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sptrader_stream.instruments import Instrument
from tests.sources.samples import candles, take_in


def flat(price: float) -> dict[str, float]:
    return {"open": price, "high": price, "low": price, "close": price}


def decimal_ticks(price: float, digits: int) -> tuple[int, bool]:
    """The tick nearest to a price's shortest text, half to even, and whether it is further than 10^-3 from it."""
    exact = Decimal(repr(price)).scaleb(digits)
    nearest = exact.to_integral_value(ROUND_HALF_EVEN)
    return int(nearest), abs(exact - nearest) > Decimal("0.001")


near_ticks = st.builds(
    lambda ticks, part, digits: (float(Decimal(f"{ticks}.{part}").scaleb(-digits)), digits),
    st.integers(1, 10**10),
    st.sampled_from(["5", "50001", "49999", "001", "0010001", "999", "9989999", "0000001", "25"]),
    st.integers(0, 8),
)
any_price = st.tuples(st.floats(1e-3, 1e4, allow_nan=False), st.integers(0, 8))


@settings(max_examples=600, deadline=None)
@given(case=st.one_of(near_ticks, any_price))
@example(case=(1.000005, 5))
@example(case=(1.000015, 5))
@example(case=(2.675, 2))
@example(case=(0.5, 0))
@example(case=(1.5, 0))
def test_a_price_is_the_nearest_tick_to_its_text(case: tuple[float, int]) -> None:
    price, digits = case
    instrument = Instrument(symbol="ANY", price_precision=digits, quantity_precision=0)

    kept, intake = take_in(candles([flat(price)], spread=False), instrument=instrument)

    ticks, off = decimal_ticks(price, digits)
    assert kept["close"].tolist() == ([ticks] if ticks > 0 else [])
    if ticks > 0:
        assert [issue.kind for issue in intake.issues()] == (["precision"] if off else [])


@settings(max_examples=150, deadline=None)
@given(spread=st.one_of(near_ticks.map(lambda case: case[0] % 0.1), st.floats(0.0, 0.1)))
@example(spread=3.5e-05)
@example(spread=7.5e-05)
@example(spread=0.001025)
def test_a_spread_is_rounded_like_a_price_and_not_reported(spread: float) -> None:
    kept, intake = take_in(candles([{"spread": spread}], spread=True))

    assert kept["spread"].tolist() == [decimal_ticks(spread, 5)[0]]
    assert intake.issues() == ()


@pytest.mark.parametrize("digits", range(9))
def test_all_decimals_of_the_precision_are_exact(digits: int) -> None:
    ticks = np.unique(np.random.default_rng(1).integers(1, 10**9, 20_000))
    prices = [float(f"{count}e-{digits}") for count in ticks.tolist()]
    instrument = Instrument(symbol="ANY", price_precision=digits, quantity_precision=0)

    kept, intake = take_in(candles([flat(price) for price in prices]), instrument=instrument)

    assert np.array_equal(kept["open"], ticks)
    assert np.array_equal(kept["low"], ticks)
    assert intake.issues() == ()
