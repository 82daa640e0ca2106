"""Ticks with bid and ask: candles of bid prices with a spread, as pandas makes them, however they are read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.errors import DataError, UserError
from sptrader_stream.opening import open_source
from sptrader_stream.sources import csv_file
from sptrader_stream.timeframes import format_time, parse_time
from tests.plain_candles import EURUSD, Plain, through_the_contract
from tests.sources.samples import read

START = parse_time("2024-01-02") // 10**6
DUKASCOPY = """\
Gmt time,Ask,Bid,AskVolume,BidVolume
02.01.2024 00:00:00.056,1.10362,1.10360,1.5,2.5
02.01.2024 00:00:59.999,1.10343,1.10340,1,1
02.01.2024 00:01:00.000,1.10352,1.10350,1,0
"""
METATRADER_5 = """\
<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>
2024.01.02\t00:00:00.056\t1.10360\t1.10362\t\t\t6
2024.01.02\t00:00:30.000\t\t1.10361\t\t\t4
2024.01.02\t00:00:59.999\t1.10340\t1.10343\t\t\t6
2024.01.02\t00:01:00.000\t1.10350\t1.10352\t\t\t6
"""
HISTDATA = """\
20240101 190000056,1.103600,1.103620,0
20240101 190059999,1.103400,1.103430,0
20240101 190100000,1.103500,1.103520,0
"""
TRUEFX = """\
EUR/USD,20240102 00:00:00.056,1.10360,1.10362
EUR/USD,20240102 00:00:59.999,1.10340,1.10343
EUR/USD,20240102 00:01:00.000,1.10350,1.10352
"""


@pytest.mark.parametrize(
    ("text", "volumes"),
    [(DUKASCOPY, [6.0, 1.0]), (METATRADER_5, [3.0, 1.0]), (HISTDATA, [2.0, 1.0]), (TRUEFX, [2.0, 1.0])],
    ids=["Dukascopy", "MetaTrader 5", "HistData", "TrueFX"],
)
def test_ticks_as_others_write_them(tmp_path: Path, text: str, volumes: list[float]) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text(text)

    source = open_source(str(path), EURUSD, timeframe="1m")

    found = read(source)
    assert (source.info.timeframe, source.info.has_spread) == ("1m", True)
    assert [format_time(each) for each in found["time"].tolist()] == ["2024-01-02T00:00:00Z", "2024-01-02T00:01:00Z"]
    assert [found[name].tolist() for name in ("open", "high", "low", "close")] == [
        [1.1036, 1.1035], [1.1036, 1.1035], [1.1034, 1.1035], [1.1034, 1.1035],
    ]  # fmt: skip
    assert found["volume"].tolist() == volumes
    assert [row[6] for row in through_the_contract(source)] == [3, 2]


tick = st.tuples(st.integers(0, 90_000), st.integers(100_000, 120_000), st.integers(0, 30), st.integers(0, 9))


@given(steps=st.lists(tick, min_size=1, max_size=60), timeframe=st.sampled_from(["1s", "1m", "5m", "1h"]))
def test_candles_are_those_that_pandas_makes(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int, int]], timeframe: str
) -> None:
    path = tmp_path_factory.mktemp("ticks") / "ticks.csv"
    moments = (START + np.cumsum([step for step, *_ in steps])).tolist()
    table = pd.DataFrame(
        {
            "bid": [bid for _, bid, _, _ in steps],
            "spread": [spread for *_, spread, _ in steps],
            "volume": [v for *_, v in steps],
        },
        index=pd.to_datetime(moments, unit="ms"),
    )
    if not table["volume"].any():
        table["volume"] = 1
    lines = [
        f"{time},{Decimal(bid).scaleb(-5)},{Decimal(bid + spread).scaleb(-5)},{volume}"
        for time, (_, bid, spread, volume) in zip(moments, steps, strict=True)
    ]
    path.write_text("\n".join(["time,bid,ask,volume", *lines]) + "\n")

    spans = table.resample({"1s": "1s", "1m": "1min", "5m": "5min", "1h": "1h"}[timeframe])
    bars = spans["bid"].ohlc().join(spans["volume"].sum()).join(spans["spread"].last()).dropna()
    columns = [bars[name].tolist() for name in ("open", "high", "low", "close", "volume", "spread")]
    times = bars.index.to_numpy("datetime64[ns]").astype("int64").tolist()
    wanted: list[Plain] = [tuple(row) for row in zip(times, *columns, strict=True)]
    assert through_the_contract(open_source(str(path), EURUSD, timeframe=timeframe)) == wanted


@pytest.mark.parametrize("block", [64, 100, 1_000])
def test_nothing_depends_on_how_the_file_is_cut(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{START + 700 * k},{1.1 + k % 7 / 1000:.5f},{1.1003 + k % 7 / 1000:.5f}" for k in range(500)]
    path = tmp_path / "ticks.csv"
    path.write_text("\n".join(["time,bid,ask", *lines]) + "\n")
    whole = through_the_contract(open_source(str(path), EURUSD, timeframe="1m"))

    monkeypatch.setattr(csv_file, "_BLOCK_BYTES", block)
    assert through_the_contract(open_source(str(path), EURUSD, timeframe="1m")) == whole
    assert len(whole) == 6


def test_parquet_and_a_range(tmp_path: Path) -> None:
    path = tmp_path / "ticks.parquet"
    times = [START + 20_000 * k for k in range(12)]
    pd.DataFrame({"time": times, "bid": [1.1] * 12, "ask": [1.1001] * 12}).to_parquet(path)
    source = open_source(
        str(path), EURUSD, timeframe="1m", start=parse_time("2024-01-02T00:01Z"), end=parse_time("2024-01-02T00:02Z")
    )
    assert [format_time(row[0])[11:16] for row in through_the_contract(source)] == ["00:01", "00:02"]


def test_ticks_need_a_timeframe(tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text(DUKASCOPY)
    with pytest.raises(UserError, match=r"ticks\.csv holds ticks: of which candles\? Give --timeframe, such as 1m"):
        open_source(str(path), EURUSD)
    named = tmp_path / "EURUSD-5m.csv"
    named.write_text(DUKASCOPY)
    assert open_source(str(named), EURUSD).info.timeframe == "5m"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "1704153600500,1.1,1.0",
            r"line 3: the tick of 2024-01-02T00:00:00.5Z has bid 1.1 and ask 1.0: both have to be",
        ),
        ("1704153600500,-1.1,1.0", "line 3: the tick of .* has bid -1.1"),
        ("1704153500000,1.1,1.2", "line 3: a tick of 2024-01-01T23:58:20Z behind one of 2024-01-02T00:00:00Z: sort"),
        (",1.1,1.2", "line 3: a tick without a time"),
        ("1704153600500,x,1.2", "line 3: column bid: 'x' is no number"),
    ],
)
def test_a_tick_that_is_none_is_told_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text(f"time,bid,ask\n1704153600000,1.1,1.2\n{line}\n")
    with pytest.raises(DataError, match=message):
        read(open_source(str(path), EURUSD, timeframe="1m"))


@pytest.mark.parametrize("volume", ["-1", "inf"])
def test_a_volume_that_is_none_is_told_with_its_line(tmp_path: Path, volume: str) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text(f"time,bid,ask,volume\n1704153600000,1.1,1.2,1\n1704153600500,1.1,1.2,{volume}\n")
    with pytest.raises(DataError, match=r"line 3: the tick of 2024-01-02T00:00:00.5Z has volume .*expected a number"):
        read(open_source(str(path), EURUSD, timeframe="1m"))
