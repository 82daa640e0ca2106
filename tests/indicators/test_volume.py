from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from sptrader_stream.columns import Floats

Compute = Callable[..., tuple[Floats, ...]]

MINUTE = 60 * 1_000_000_000
DAY = 24 * 60 * MINUTE


@pytest.mark.parametrize("session_start", [0, 22 * 60])
def test_vwap_is_the_volume_weighted_typical_price_since_the_session_began(
    session_start: int, walk: dict[str, Floats], compute: Compute
) -> None:
    (found,) = compute("vwap", walk, 100_000.0, session_start=session_start)
    fields = [walk[name].astype(np.int64).tolist() for name in ("time", "high", "low", "close", "volume")]
    session, weighted, total, sessions = None, 0, 0, 0
    for value, time, high, low, close, volume in zip(found, *fields, strict=True):
        current = (time - session_start * MINUTE) // DAY
        if current != session:
            session, weighted, total, sessions = current, 0, 0, sessions + 1
        weighted += volume * (high + low + close)
        total += volume
        if total:
            assert value == float(Fraction(weighted, 3 * total * 100_000))
        else:
            assert np.isnan(value)
    assert sessions == 3


def test_vwap_is_undefined_until_something_was_traded(compute: Compute) -> None:
    price = np.array([10.0, 11.0, 12.0, 13.0])
    candles = dict.fromkeys(("high", "low", "close"), price)
    candles["volume"] = np.array([0.0, 0.0, 5.0, 0.0])
    candles["time"] = np.array([0, 1, 2, 3]) * MINUTE
    (found,) = compute("vwap", candles)
    np.testing.assert_array_equal(found, [np.nan, np.nan, 12.0, 12.0])


def test_vwap_forgets_the_day_before_at_midnight_utc(compute: Compute) -> None:
    price = np.array([10.0, 20.0])
    candles = dict.fromkeys(("high", "low", "close"), price)
    candles["volume"] = np.array([5.0, 1.0])
    candles["time"] = np.array([DAY - MINUTE, DAY])
    (found,) = compute("vwap", candles)
    np.testing.assert_array_equal(found, [10.0, 20.0])
