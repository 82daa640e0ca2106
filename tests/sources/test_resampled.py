"""Candles of a coarser timeframe than a source has: built from those that passed the contract, however they come."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.instruments import Instrument
from sptrader_stream.opening import open_source
from sptrader_stream.sources.contract import RESEARCH
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.resampled import ResampledSource, in_timeframe
from sptrader_stream.sources.source import raw_part
from sptrader_stream.timeframes import HOUR, MINUTE, WEEK, parse_time
from tests.plain_candles import Plain, rows_of, through_the_contract
from tests.sources.samples import EURUSD, NOON, REAL, Given, candles

PRICES = ("open", "high", "low", "close")


def by_pandas(offset: str, origin: str = "epoch") -> list[Plain]:
    """The same of the real candles, by pandas."""
    table = pd.read_parquet(REAL)
    table.index = pd.to_datetime(table["time"], unit="s" if table["time"].iloc[0] < 10**11 else "ns")
    spans = table.resample(offset, origin=origin)
    found = pd.DataFrame(
        {
            "open": spans["open"].first(),
            "high": spans["high"].max(),
            "low": spans["low"].min(),
            "close": spans["close"].last(),
            "volume": spans["volume"].sum(),
            "spread": spans["spread"].last(),
        }
    ).dropna()
    # A spread of half a tick goes to the even one, by its decimals.
    ticks = found[[*PRICES, "spread"]].map(lambda price: int((Decimal(str(price)) * 10**5).to_integral_value()))
    times = found.index.to_numpy("datetime64[ns]").astype("int64").tolist()
    prices = (ticks[name].tolist() for name in PRICES)
    return list(zip(times, *prices, found["volume"].tolist(), ticks["spread"].tolist(), strict=True))


def test_candles_of_hours_are_those_that_pandas_makes() -> None:
    found = through_the_contract(open_source(str(REAL), EURUSD, timeframe="4h"))

    # The last span is over only where a candle closes it.
    assert found in (by_pandas("4h"), by_pandas("4h")[:-1])


def test_weeks_open_on_mondays_and_days_where_the_session_begins() -> None:
    weeks = through_the_contract(open_source(str(REAL), EURUSD, timeframe="1w"))
    assert {time % WEEK for time, *_ in weeks} == {parse_time("2025-01-06") % WEEK}

    new_york = Instrument(symbol="EURUSD", price_precision=5, quantity_precision=2, session=-2 * HOUR)
    days = through_the_contract(open_source(str(REAL), new_york, timeframe="1d"), new_york)
    wanted = by_pandas("24h", origin="1969-12-31 22:00")
    assert days in (wanted, wanted[:-1])


def test_a_span_that_is_not_over_gives_no_candle() -> None:
    source = in_timeframe(Given([candles([{}] * 9)]), "5m")

    assert [time for time, *_ in through_the_contract(source)] == [NOON]
    assert source.info.timeframe == "5m"
    assert source.info.built_from == "1m"


@given(cuts=st.lists(st.integers(1, 39), unique=True), timeframe=st.sampled_from(["2m", "5m", "7m", "1h"]))
def test_nothing_depends_on_how_the_candles_are_cut(cuts: list[int], timeframe: str) -> None:
    table = [{"time": float(k + k // 7), "close": 1.1 + k % 9 / 1000} for k in range(40)]
    whole = Given([candles(table)])
    borders = [0, *sorted(cuts), 40]
    parts = [raw_part(candles(table), first, last) for first, last in itertools.pairwise(borders)]

    assert through_the_contract(ResampledSource(Given(parts), timeframe)) == through_the_contract(
        ResampledSource(whole, timeframe)
    )


def test_findings_are_those_of_the_finer_candles() -> None:
    source = in_timeframe(Given([candles([{}, {"high": 0.5}, {}, {}, {}, {}])]), "2m")
    intake = Intake(source, EURUSD, {**RESEARCH, "range": "warn"})

    found = rows_of(ready_chunks(source, intake))

    assert [time for time, *_ in found] == [NOON, NOON + 2 * MINUTE, NOON + 4 * MINUTE]
    assert [(each.kind, each.count, each.places) for each in intake.issues()] == [
        ("range", 1, ("2025-01-06T12:01:00Z",)),
        ("gap", 1, ("2025-01-06T12:02:00Z",)),
    ]


def test_a_source_in_its_own_timeframe_stays_what_it_is() -> None:
    source = Given([candles([{}])])
    assert in_timeframe(source, None) is source
    assert in_timeframe(source, "60s") is source
