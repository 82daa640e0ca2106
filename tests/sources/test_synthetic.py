"""Synthetic candles: the same request, the same candles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.errors import DataError, UserError
from sptrader_stream.instruments import Instrument
from sptrader_stream.opening import open_source
from sptrader_stream.sources.intake import Intake
from sptrader_stream.sources.source import RawCandles
from sptrader_stream.timeframes import DAY, HOUR, MINUTE, parse_end, parse_time
from tests.sources.samples import APPLE, BITCOIN, EURUSD, Columns, read

START = parse_time("2025-01-01")
ANY = Instrument(symbol="ZZZ", price_precision=2, quantity_precision=2)


def made(
    instrument: Instrument = EURUSD, timeframe: str = "1m", start: int = START, end: int = START + 30 * DAY
) -> Columns:
    return read(open_source("synthetic", instrument, timeframe=timeframe, start=start, end=end))


def same(one: Columns, other: Columns, rows: int) -> bool:
    return all(np.array_equal(one[name][:rows], other[name][:rows]) for name in one)


def test_the_same_request_gives_the_same_candles() -> None:
    assert same(made(), made(), 10**9)


def test_a_longer_range_extends_the_candles() -> None:
    short, long = made(end=START + 10 * DAY), made(end=START + 40 * DAY)

    assert len(long["time"]) > 3 * len(short["time"])
    assert same(short, long, len(short["time"]))


def test_another_symbol_timeframe_or_start_gives_other_candles() -> None:
    pound = Instrument(symbol="GBPUSD", price_precision=5, quantity_precision=2, trading_hours="forex")
    usual = np.diff(made()["close"])[:1000]

    for other in (made(pound), made(timeframe="5m"), made(start=START + DAY)):
        assert not np.array_equal(np.diff(other["close"])[:1000], usual)


@settings(max_examples=40, deadline=None)
@given(
    instrument=st.sampled_from([EURUSD, BITCOIN, APPLE, ANY]),
    timeframe=st.sampled_from(["1m", "5m", "7m", "15m", "1h", "4h", "1d", "2d", "1w"]),
    start=st.integers(START, START + 400 * DAY),
)
def test_they_keep_the_contract_and_the_number_told(instrument: Instrument, timeframe: str, start: int) -> None:
    source = open_source("synthetic", instrument, timeframe=timeframe, start=start, end=start + 60 * DAY)
    columns = read(source)
    scale = 10.0**instrument.price_precision
    raw = RawCandles(
        row=0,
        time=columns["time"].astype(np.int64),
        open=columns["open"] / scale,
        high=columns["high"] / scale,
        low=columns["low"] / scale,
        close=columns["close"] / scale,
        volume=columns["volume"].astype(np.float64),
        spread=columns["spread"] / scale,
    )

    intake = Intake(source, instrument)
    kept = intake.accept(raw)

    assert source.info.rows == len(columns["time"]) == len(kept)
    assert columns["time"][0] >= start
    assert columns["time"][-1] <= start + 60 * DAY
    assert np.array_equal(kept.close, columns["close"])
    # Candles of two days or seven minutes do not fit between weekends or nights without holes.
    odd = timeframe in ("2d", "7m")
    assert [issue.kind for issue in intake.issues() if not (odd and issue.kind in ("gap", "misaligned"))] == []


def test_forex_rests_at_weekends_and_crypto_does_not() -> None:
    def weekdays(instrument: Instrument) -> set[int]:
        hours = made(instrument, "1h")["time"] // HOUR
        return {int(day) for day in (hours // 24 + 3) % 7}

    assert weekdays(EURUSD) == {0, 1, 2, 3, 4, 6}
    assert weekdays(BITCOIN) == set(range(7))
    assert weekdays(APPLE) == set(range(5))


def test_prices_are_plausible_and_trends_are_there() -> None:
    columns = made(end=START + 365 * DAY)
    returns = np.diff(np.log(columns["close"].astype(np.float64)))
    moves = np.abs(np.add.reduceat(returns, np.arange(0, len(returns), 500)))

    assert 70_000 < columns["close"].min() < columns["close"].max() < 170_000
    assert 0.04 < returns.std() * np.sqrt(len(returns)) < 0.16
    # Over 500 candles a walk without trends moves 0.8 * std * sqrt(500) on average.
    assert moves.mean() > 1.1 * 0.8 * returns.std() * np.sqrt(500)
    assert columns["spread"].min() >= 1
    assert columns["volume"].min() > 0


def test_a_range_without_a_start_or_end_has_a_default() -> None:
    info = open_source("synthetic", EURUSD, timeframe="1m").info
    daily = open_source("synthetic", BITCOIN, timeframe="1d").info

    assert (info.kind, info.name, info.synthetic) == ("synthetic", "synthetic", True)
    assert info.start == parse_time("2024-01-01")
    assert info.end == parse_end("2024-12-30")
    assert daily.rows == 2_000


def test_what_cannot_be_made_is_refused() -> None:
    saturday = parse_time("2025-01-04")
    with pytest.raises(DataError, match="no 1m candle of EURUSD opens"):
        open_source("synthetic", EURUSD, timeframe="1m", start=saturday, end=saturday + HOUR)
    with pytest.raises(DataError, match="end in 2260"):
        open_source("synthetic", EURUSD, timeframe="1d", start=START, end=2**63 - 1)
    with pytest.raises(UserError, match="need a timeframe"):
        open_source("synthetic", EURUSD)


def test_chunks_are_small() -> None:
    sizes = [len(chunk.time) for chunk in open_source("synthetic", BITCOIN, timeframe="1m", start=START).chunks()]

    assert max(sizes) <= 8_192
    assert sum(sizes) == 365 * DAY // MINUTE
