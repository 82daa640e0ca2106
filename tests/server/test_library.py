"""The candles that a server has: a catalog and files beside it, each found by symbol and timeframe alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.server.library import CandleLibrary, Coverage
from sptrader_stream.server.request_errors import InvalidRequestError, UnknownSymbolError
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.timeframes import HOUR, MINUTE, parse_time
from sptrader_stream.workspace import Workspace, create_workspace
from tests.catalog.series import write
from tests.catalog.test_ticks import START, bring_in
from tests.plain_candles import NOON, plain

HOURS = "\n".join(["time,open,high,low,close", *(f"{1736121600 + 3600 * k},1.1,1.2,1.0,1.1" for k in range(9))])


@pytest.fixture
def library(tmp_path: Path) -> CandleLibrary:
    """A catalog with EURUSD in 1m and 1h, and files of EURUSD in 1h and 5m and of GBPUSD in 1h."""
    create_workspace(tmp_path)
    write(tmp_path / "data", plain(120))
    write(tmp_path / "data", plain(3, step=HOUR), timeframe="1h")
    for name in ("EURUSD-1h.csv", "EURUSD-5m.csv", "GBPUSD-1h.csv", "notes.txt", "GBPUSD.csv"):
        (tmp_path / "data" / name).write_text(HOURS)
    return CandleLibrary(Workspace(tmp_path), ServerSettings())


def test_a_series_goes_before_a_file_of_the_same_candles(library: CandleLibrary, tmp_path: Path) -> None:
    assert [(each.symbol, each.timeframe, str(each.path.relative_to(tmp_path))) for each in library.holdings()] == [
        ("EURUSD", "1m", "data/EURUSD/1m"),
        ("EURUSD", "5m", "data/EURUSD-5m.csv"),
        ("EURUSD", "1h", "data/EURUSD/1h"),
        ("GBPUSD", "1h", "data/GBPUSD-1h.csv"),
    ]


@pytest.mark.parametrize(
    ("symbol", "timeframe", "finest", "found"),
    [
        ("EURUSD", None, False, "1m"),
        ("EURUSD", "1h", False, "1h"),
        ("EURUSD", "1h", True, "1m"),
        ("EURUSD", "10m", False, "5m"),
        ("EURUSD", "2m", False, "1m"),
        ("EURUSD", "30s", False, None),
        ("GBPUSD", "4h", True, "1h"),
        ("GBPUSD", "5m", True, None),
        ("USDJPY", None, True, None),
    ],
)
def test_the_coarsest_that_make_a_timeframe_up_serve_it_or_the_finest(
    library: CandleLibrary, symbol: str, timeframe: str | None, finest: bool, found: str | None
) -> None:
    holding = library.find(symbol, timeframe, finest=finest)
    assert (None if holding is None else holding.timeframe) == found


def test_what_there_is_of_a_series_and_of_a_file(library: CandleLibrary) -> None:
    series, file = library.find("EURUSD", "1m"), library.find("GBPUSD", "1h")
    assert series is not None
    assert file is not None
    assert library.coverage(series) == Coverage(NOON, NOON + 119 * MINUTE, 120)
    monday = parse_time("2025-01-06")
    assert library.coverage(file) == Coverage(monday, monday + 8 * HOUR, 9)
    # It has grown.
    file.path.write_text(f"{HOURS}\n{1736121600 + 3600 * 9},1.1,1.2,1.0,1.1")
    assert library.coverage(file).candles == 10


def test_candles_of_any_timeframe_are_made_of_what_there_is(library: CandleLibrary) -> None:
    _, found = library.candles("EUR/USD", "2m", None, None)
    assert [time for each in found for time in each.time.tolist()] == [NOON + k * 2 * MINUTE for k in range(60)]
    _, found = library.candles("EURUSD", "1m", 0, 1)
    assert list(found) == []
    with pytest.raises(UnknownSymbolError, match="this server has no candles of GBPUSD that make up 1m"):
        library.candles("GBPUSD", "1m", None, None)


def test_a_file_is_named_within_the_folders_alone(library: CandleLibrary, tmp_path: Path) -> None:
    assert library.named("GBPUSD.csv") == tmp_path / "data" / "GBPUSD.csv"
    for name in ("../config/instruments.yaml", "EURUSD", "no.csv"):
        with pytest.raises(InvalidRequestError, match=r"has no file of candles .* it has: EURUSD-5m\.csv, GBPUSD-1h"):
            library.named(name)


def test_timeframes_are_those_that_candles_make_up(library: CandleLibrary) -> None:
    wanted = ("30s", "1m", "1h", "4h")
    assert library.timeframes("EURUSD", wanted) == ["1m", "1h", "4h"]
    assert library.timeframes("GBPUSD", wanted) == ["1h", "4h"]
    assert library.timeframes("USDJPY", wanted) == []


def test_ticks_stand_for_the_candles_that_they_make(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    # The last minute has only begun.
    times = (0, 500, 61_000, 180_000, 240_000)
    bring_in(tmp_path / "data", [(time, 110_000, 110_002, 1.0) for time in times])
    library = CandleLibrary(Workspace(tmp_path), ServerSettings())
    holding = library.find("EURUSD", None)
    assert holding is not None
    assert library.coverage(holding) == Coverage(START, START + 3 * MINUTE, 3)
    assert library.timeframes("EURUSD", ("30s", "1h")) == ["30s", "1h"]
    _, found = library.candles("EURUSD", "30s", None, None)
    assert [time for chunk in found for time in chunk.time.tolist()] == [START, START + MINUTE, START + 3 * MINUTE]
