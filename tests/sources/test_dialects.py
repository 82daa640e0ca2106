"""Files as other programs write them: each is recognised, and its candles are those that it means."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from sptrader_stream.errors import DataError
from sptrader_stream.opening import open_source
from sptrader_stream.timeframes import format_time
from tests.sources.samples import EURUSD, read

METATRADER_4 = """\
2024.01.02,00:00,1.10340,1.10360,1.10300,1.10350,120
2024.01.02,00:01,1.10350,1.10370,1.10310,1.10340,80
"""
METATRADER_5 = """\
<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>
2024.01.02\t00:00:00\t1.10340\t1.10360\t1.10300\t1.10350\t120\t0\t3
2024.01.02\t00:01:00\t1.10350\t1.10370\t1.10310\t1.10340\t80\t0\t12
"""
HISTDATA = """\
20240101 190000;1.103400;1.103600;1.103000;1.103500;0
20240101 190100;1.103500;1.103700;1.103100;1.103400;0
"""
DUKASCOPY = """\
Gmt time,Open,High,Low,Close,Volume
02.01.2024 00:00:00.000,1.10340,1.10360,1.10300,1.10350,120
02.01.2024 00:01:00.000,1.10350,1.10370,1.10310,1.10340,80
"""
DUKASCOPY_LOCAL = DUKASCOPY.replace("Gmt time", "Local time").replace(".000,", ".000 GMT+0200,").replace(" 00:", " 02:")
BINANCE = """\
1704153600000,1.10340,1.10360,1.10300,1.10350,120,1704153659999,0,5,0,0,0
1704153660000,1.10350,1.10370,1.10310,1.10340,80,1704153719999,0,5,0,0,0
"""
BINANCE_MICROSECONDS = BINANCE.replace("00000,1.1034", "00000000,1.1034").replace("60000,1.1035", "60000000,1.1035")
GERMAN = """\
time;open;high;low;close;volume\r
02.01.2024 00:00;1,10340;1,10360;1,10300;1,10350;120\r
02.01.2024 00:01;1,10350;1,10370;1,10310;1,10340;80\r
"""
AMERICAN = """\
Date,Time,Open,High,Low,Close,Volume
01/02/2024,00:00,1.10340,1.10360,1.10300,1.10350,120
01/02/2024,00:01,1.10350,1.10370,1.10310,1.10340,80
01/13/2024,00:00,1.10350,1.10370,1.10310,1.10340,80
"""
GENERAL = """\
2024-01-02T00:00:00Z,1.10340,1.10360,1.10300,1.10350,120
2024-01-02T00:01:00Z,1.10350,1.10370,1.10310,1.10340,80
"""
QUOTED = "\n".join(
    ",".join(f'"{value}"' for value in line.split(","))
    for line in ["time,open,high,low,close,volume", *GENERAL.split()]
)
FILES = {
    "MetaTrader 4": METATRADER_4,
    "MetaTrader 5": METATRADER_5,
    "HistData": HISTDATA,
    "Dukascopy": DUKASCOPY,
    "Dukascopy, local": DUKASCOPY_LOCAL,
    "Binance": BINANCE,
    "Binance since 2025": BINANCE_MICROSECONDS,
    "semicolons, decimal commas, CRLF": GERMAN,
    "month first": AMERICAN,
    "general, no header": GENERAL,
    "quoted": QUOTED,
}


def write(path: Path, text: str) -> str:
    path.write_bytes(text.encode())
    return str(path)


@pytest.mark.parametrize("name", FILES)
def test_the_same_candles_however_they_are_written(tmp_path: Path, name: str) -> None:
    source = open_source(write(tmp_path / "a.csv", FILES[name]), EURUSD)

    found = read(source)

    assert source.info.timeframe == "1m"
    assert [format_time(time) for time in found["time"][:2].tolist()] == [
        "2024-01-02T00:00:00Z",
        "2024-01-02T00:01:00Z",
    ]
    assert found["open"][:2].tolist() == [1.1034, 1.1035]
    assert found["high"][:2].tolist() == [1.1036, 1.1037]
    assert found["low"][:2].tolist() == [1.103, 1.1031]
    assert found["close"][:2].tolist() == [1.1035, 1.1034]
    assert found["volume"][:2].tolist() == ([0.0, 0.0] if name == "HistData" else [120.0, 80.0])
    if name == "MetaTrader 5":
        # Three points of the five decimals that the prices have.
        assert found["spread"].tolist() == [0.00003, 0.00012]


def test_metatraders_package_for_python_counts_points_as_well(tmp_path: Path) -> None:
    text = """\
time,open,high,low,close,tick_volume,spread,real_volume
1704153600,1.1034,1.1036,1.10300,1.1035,120,3,0
1704153660,1.1035,1.1037,1.10312,1.1034,80,12,0
"""
    found = read(open_source(write(tmp_path / "a.csv", text), EURUSD))
    assert found["spread"].tolist() == [0.00003, 0.00012]
    assert found["volume"].tolist() == [120.0, 80.0]
    # A spread with decimals is a price.
    prices = text.replace(",3,", ",0.00003,").replace(",12,", ",0.00012,")
    assert read(open_source(write(tmp_path / "a.csv", prices), EURUSD))["spread"].tolist() == [0.00003, 0.00012]


def test_a_column_that_says_its_zone_is_of_that_zone(tmp_path: Path) -> None:
    gmt = write(tmp_path / "gmt.csv", DUKASCOPY)
    with pytest.raises(
        DataError, match=r"gmt\.csv: its column of times says the zone in its name: leave --timezone out"
    ):
        open_source(gmt, EURUSD, timezone="America/New_York")
    eet = write(tmp_path / "eet.csv", DUKASCOPY.replace("Gmt time", "Time (EET)"))
    assert format_time(int(read(open_source(eet, EURUSD))["time"][0])) == "2024-01-01T22:00:00Z"


def test_yahoos_days_have_holes_that_the_contract_names(tmp_path: Path) -> None:
    text = """\
Date,Open,High,Low,Close,Adj Close,Volume
2024-01-02,1.1034,1.1036,1.1030,1.1035,1.1035,0
2024-01-03,null,null,null,null,null,null
2024-01-04,1.1035,1.1037,1.1031,1.1034,1.1034,0
"""
    source = open_source(write(tmp_path / "a.csv", text), EURUSD)
    found = read(source)
    assert source.info.timeframe == "1d"
    assert found["close"].tolist()[::2] == [1.1035, 1.1034]
    assert np.isnan(found["close"][1])


def test_a_file_may_be_in_gzip(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD-1m.csv.gz"
    path.write_bytes(gzip.compress(DUKASCOPY.encode()))
    assert read(open_source(str(path), EURUSD))["open"].tolist() == [1.1034, 1.1035]
    path.write_bytes(gzip.compress(DUKASCOPY.encode())[:-9])
    with pytest.raises(DataError, match=r"a\.gz|EURUSD-1m\.csv\.gz: cannot be read"):
        read(open_source(str(path), EURUSD))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "time,open,high,low,close\n01/02/2024 00:00,1,1,1,1\n01/03/2024 00:00,1,1,1,1\n",
            r"column time: is '01/02/2024 00:00' day or month first\? The first dates do not tell",
        ),
        (
            "time,open,high,low,close\n13/02/2024,1,1,1,1\n01/14/2024,1,1,1,1\n",
            "'13/02/2024' and those below are in no order of day and month",
        ),
        (
            "time;open;high;low;close\n02.01.2024;1,1;1,1;1.1;1,1\n",
            "some numbers have a decimal point and others, such as 1,1, a comma",
        ),
        (
            "time,open,high,low,close\n2024-01-02T00:00Z,1,1,1,1\n2024-01-02T00:01,1,1,1,1\n",
            "line 3: column time: '2024-01-02T00:01' is no such time as the first one, which has zone",
        ),
        (
            "time,open,high,low,close\n2024-01-02,1,1,1,1\n2024-02-30,1,1,1,1\n",
            "line 3: column time: '2024-02-30' is not a",
        ),
        (
            "time,open,high,low,close\n2024-01-02 25:00,1,1,1,1\n",
            "line 2: column time: '2024-01-02 25:00' is not a time",
        ),
        ("1.1,1.2,1.3\n", "line 1: no header, but values: 1.1,1.2,1.3"),
    ],
)
def test_what_cannot_be_told_is_asked(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(open_source(write(tmp_path / "a.csv", text), EURUSD))


def test_dates_that_are_not_padded_are_read_too(tmp_path: Path) -> None:
    text = "time,open,high,low,close\n1/13/2024 9:05,1,1,1,1\n1/13/2024 9:06,1,1,1,1\n1/13/2024 10:00,1,1,1,1\n"
    found = read(open_source(write(tmp_path / "a.csv", text), EURUSD))
    assert [format_time(each) for each in found["time"].tolist()] == [
        "2024-01-13T09:05:00Z", "2024-01-13T09:06:00Z", "2024-01-13T10:00:00Z",
    ]  # fmt: skip


def test_lines_above_the_header_that_are_empty_do_not_shift_the_lines(tmp_path: Path) -> None:
    text = "\n\ntime,open,high,low,close\n60,1,1,1,1\n120,1,1,1,x\n"
    with pytest.raises(DataError, match="line 5: column close: 'x' is no number"):
        read(open_source(write(tmp_path / "a.csv", text), EURUSD))
