"""Parquet and CSV files as users have them: the same candles from both, and a clear message for what is wrong."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sptrader_stream.errors import DataError, UserError
from sptrader_stream.opening import open_source
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.names import guess_symbol, guess_timeframe
from sptrader_stream.timeframes import MINUTE, parse_time
from tests.sources.samples import EURUSD, NOON, REAL, Given, candles, read, take_in

SECONDS = NOON // 10**9
TABLE: dict[str, Any] = {
    "time": [SECONDS, SECONDS + 60, SECONDS + 120],
    "open": [1.1, 1.11, 1.12],
    "high": [1.2, 1.21, 1.22],
    "low": [1.0, 1.01, 1.02],
    "close": [1.15, 1.16, 1.17],
    "volume": [3, 4, 5],
    "spread": [0.0001, 0.0002, 0.0003],
}
TIMES = [NOON, NOON + MINUTE, NOON + 2 * MINUTE]
STAMPS = [datetime.datetime(2025, 1, 6, 12, minute, tzinfo=datetime.UTC) for minute in range(3)]
TEXTS = ["2025-01-06T12:00:00Z", "2025-01-06T12:01:00Z", "2025-01-06T12:02:00Z"]


def write_parquet(path: Path, columns: dict[str, Any] = TABLE, **options: Any) -> str:
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


def write_csv(path: Path, columns: dict[str, Any] = TABLE, delimiter: str = ",") -> str:
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    path.write_text("".join(delimiter.join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return str(path)


WRITERS: list[tuple[str, Callable[[Path, dict[str, Any]], str]]] = [("a.parquet", write_parquet), ("a.csv", write_csv)]


@pytest.mark.parametrize(("name", "write"), WRITERS)
def test_a_file_gives_its_candles(tmp_path: Path, name: str, write: Callable[..., str]) -> None:
    source = open_source(write(tmp_path / name, TABLE), EURUSD)

    columns = read(source)

    assert source.info.timeframe == "1m"
    assert source.info.synthetic is False
    assert columns["time"].tolist() == TIMES
    for field in ("open", "high", "low", "close", "volume", "spread"):
        assert columns[field].tolist() == TABLE[field]


@pytest.mark.parametrize(("name", "write"), WRITERS)
@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
def test_unix_times_in_any_unit(tmp_path: Path, name: str, write: Callable[..., str], factor: int) -> None:
    spec = write(tmp_path / name, {**TABLE, "time": [(SECONDS + 60 * i) * factor for i in range(3)]})

    assert read(open_source(spec, EURUSD))["time"].tolist() == TIMES


@pytest.mark.parametrize(
    "times",
    [
        pa.array(STAMPS, pa.timestamp("s", "UTC")),
        pa.array(STAMPS, pa.timestamp("ms", "UTC")),
        pa.array([stamp.replace(tzinfo=None) for stamp in STAMPS], pa.timestamp("us")),
        pa.array(STAMPS, pa.timestamp("ns", "America/New_York")),
        pa.array(TEXTS),
        pa.array([float(SECONDS + 60 * i) for i in range(3)]),
        pa.array([SECONDS + 60 * i for i in range(3)], pa.uint32()),
    ],
    ids=str,
)
def test_parquet_times_of_any_type(tmp_path: Path, times: Any) -> None:
    spec = write_parquet(tmp_path / "a.parquet", {**TABLE, "time": times})

    assert read(open_source(spec, EURUSD))["time"].tolist() == TIMES


def test_parquet_dates_are_midnights(tmp_path: Path) -> None:
    dates = [datetime.date(2025, 1, day) for day in (6, 7, 8)]
    source = open_source(write_parquet(tmp_path / "a.parquet", {**TABLE, "time": dates}), EURUSD)

    assert read(source)["time"].tolist() == [parse_time(str(date)) for date in dates]
    assert source.info.timeframe == "1d"


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        [text.replace("T", " ").removesuffix("Z") for text in TEXTS],
        [text[:16].replace("T", " ") for text in TEXTS],
        [text.replace("T12", "T14").replace("Z", "+02:00") for text in TEXTS],
        [text.replace("Z", ".000Z") for text in TEXTS],
    ],
)
def test_csv_times_as_text(tmp_path: Path, texts: list[str]) -> None:
    spec = write_csv(tmp_path / "a.csv", {**TABLE, "time": texts})

    assert read(open_source(spec, EURUSD))["time"].tolist() == TIMES


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title, lambda name: f"<{name}>", lambda n: f" {n}"])
def test_csv_headers_as_users_have_them(tmp_path: Path, delimiter: str, spelling: Callable[[str], str]) -> None:
    spec = write_csv(tmp_path / "a.csv", {spelling(name): column for name, column in TABLE.items()}, delimiter)

    columns = read(open_source(spec, EURUSD))

    assert columns["close"].tolist() == TABLE["close"]
    assert columns["spread"].tolist() == TABLE["spread"]


@pytest.mark.parametrize("name", ["Timestamp", "DATE", "datetime", "time"])
def test_names_of_the_time_column(tmp_path: Path, name: str) -> None:
    columns = {name: TABLE["time"], **{key: column for key, column in TABLE.items() if key != "time"}}

    assert read(open_source(write_parquet(tmp_path / "a.parquet", columns), EURUSD))["time"].tolist() == TIMES


def test_volume_and_spread_may_be_missing(tmp_path: Path) -> None:
    columns = {key: TABLE[key] for key in ("time", "open", "high", "low", "close")}

    for spec in (write_parquet(tmp_path / "a.parquet", columns), write_csv(tmp_path / "a.csv", columns)):
        source = open_source(spec, EURUSD)
        found = read(source)
        assert found["volume"].tolist() == [0.0, 0.0, 0.0]
        assert "spread" not in found
        assert not source.info.has_spread

    for spec in (write_parquet(tmp_path / "b.parquet", TABLE), write_csv(tmp_path / "b.csv", TABLE)):
        assert open_source(spec, EURUSD).info.has_spread


def test_missing_values_are_findings_of_the_contract(tmp_path: Path) -> None:
    gone = {**TABLE, "open": [1.1, None, 1.12], "volume": [None, 4, 5]}
    csv = {**gone, "open": [1.1, "", 1.12], "volume": ["", 4, 5]}

    for spec in (write_parquet(tmp_path / "a.parquet", gone), write_csv(tmp_path / "a.csv", csv)):
        source = open_source(spec, EURUSD)
        intake = Intake(source, EURUSD)
        with pytest.raises(DataError, match=r"(row 2|line 3) \(2025-01-06T12:01:00Z\): non_finite"):
            list(ready_chunks(source, intake))


@pytest.mark.parametrize("step", [1, 700])
def test_a_range_has_both_ends_and_leaves_row_groups_out(tmp_path: Path, step: int) -> None:
    count = 5_000
    raw = candles([{}] * count)
    table = {"time": raw.time // 10**9, "open": raw.open, "high": raw.high, "low": raw.low, "close": raw.close}
    start, end = int(raw.time[1_000]), int(raw.time[1_000 + step])

    parquet = open_source(
        write_parquet(tmp_path / "a.parquet", table, row_group_size=500), EURUSD, start=start, end=end
    )
    csv = open_source(write_csv(tmp_path / "a.csv", table), EURUSD, start=start, end=end)

    for source in (parquet, csv):
        assert read(source)["time"].tolist() == raw.time[1_000 : 1_000 + step + 1].tolist()
        (first, *_) = source.chunks()
        assert getattr(first, "row", None) == 1_000
    assert parquet.info.start == start
    assert parquet.info.end == end


def test_a_range_without_candles_is_an_error(tmp_path: Path) -> None:
    later = parse_time("2026-01-01")

    for spec in (write_parquet(tmp_path / "a.parquet"), write_csv(tmp_path / "a.csv")):
        source = open_source(spec, EURUSD, start=later)
        with pytest.raises(DataError, match=r"no candles from 2026-01-01T00:00:00Z to its end"):
            list(source.chunks())
        with pytest.raises(UserError, match=r"ends .* before it starts"):
            open_source(spec, EURUSD, start=later, end=later - 1)


prices = st.floats(0.5, 2.0).map(lambda price: round(price, 6))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(prices, prices, prices, prices, st.integers(0, 10**6)), min_size=2, max_size=40))
def test_csv_and_parquet_give_the_same_bits(tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    columns: dict[str, Any] = {"time": [SECONDS + 60 * i for i in range(len(rows))]}
    columns |= {name: list(values) for name, values in zip(list(TABLE)[1:6], zip(*rows, strict=True), strict=True)}

    parquet = read(open_source(write_parquet(tmp_path / "a.parquet", columns), EURUSD))
    csv = read(open_source(write_csv(tmp_path / "a.csv", columns), EURUSD))

    assert all(np.array_equal(parquet[name], csv[name]) for name in parquet)
    assert parquet["open"].tolist() == columns["open"]


def test_a_long_file_comes_in_small_chunks(tmp_path: Path) -> None:
    raw = candles([{}] * 80_000)
    table = {"time": raw.time, "open": raw.open, "high": raw.high, "low": raw.low, "close": raw.close}
    spec = write_parquet(tmp_path / "a.parquet", table, row_group_size=60_000)

    chunks = list(open_source(spec, EURUSD).chunks())

    assert max(len(chunk.time) for chunk in chunks) <= 32_768
    assert [getattr(chunk, "row", None) for chunk in chunks] == [0, 32_768, 60_000]
    assert np.concatenate([chunk.time for chunk in chunks]).tolist() == raw.time.tolist()


def test_one_candle_needs_a_timeframe_from_somewhere(tmp_path: Path) -> None:
    one = {name: column[:1] for name, column in TABLE.items()}

    with pytest.raises(DataError, match="give it with --timeframe"):
        open_source(write_parquet(tmp_path / "a.parquet", one), EURUSD)
    assert open_source(write_parquet(tmp_path / "a.parquet", one), EURUSD, timeframe="5m").info.timeframe == "5m"
    assert open_source(write_csv(tmp_path / "EURUSD-5m.csv", one), EURUSD).info.timeframe == "5m"


def test_a_timeframe_that_the_candles_do_not_make_up_is_refused(tmp_path: Path) -> None:
    spec = write_parquet(tmp_path / "a.parquet")

    with pytest.raises(DataError, match=r"candles are 1m apart, and 90s candles are not made of such.*multiple of 1m"):
        open_source(spec, EURUSD, timeframe="90s")
    with pytest.raises(UserError, match="is not a timeframe"):
        open_source(spec, EURUSD, timeframe="soon")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({**TABLE, "open": ["1.1", "x", "y"]}, "column open has type .*string: expected numbers"),
        ({**TABLE, "time": [True, False, True]}, "column time has type bool: expected a timestamp"),
        ({**TABLE, "time": [20250106, 20250107, 20250108]}, "looks like a date written as a number"),
        ({**TABLE, "time": ["2025-01-06", "soon", "2025-01-08"]}, "row 2: column time: 'soon' is not a time"),
        ({**TABLE, "time": [SECONDS, SECONDS + 60, SECONDS * 10**9]}, "row 3: time .* counts seconds"),
        ({"time": [1], "open": [1.0], "price": [2.0]}, r"no column for high, low, close. Found: time, open, price"),
        ({name: [] for name in TABLE}, "holds no candles|expected"),
    ],
)
def test_parquet_with_wrong_columns_is_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        open_source(write_parquet(tmp_path / "a.parquet", columns), EURUSD)
    assert "a.parquet" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,open,high,low,close\n", "holds a header and no candles"),
        ("5,1.1,1.2,1.0,1.15\n6,1.1,1.2,1.0,1.15\n", "line 1: no header, but values: 5,1.1"),
        ("when,open,high,low,close\n1,1,1,1,1\n", "no column for time. Found: when, open, high, low, close. Expected"),
        ("time,open,high,low,close\n60,1,1,1,1\n120,1,1,1\n", "line 3: 4 values where there are 5 columns"),
        ("time,open,high,low,close\n60,1,1,1,1\n\n120,1,1,1,x\n", "line 4: column close: 'x' is no number"),
        ("time,open,high,low,close\n60,1,1,1,1\nsoon,1,1,1,1\n", "line 3: column time: 'soon' is no Unix time"),
        ("time,open,high,low,close\n2025-01-06,1,1,1,1\nsoon,1,1,1,1\n", "line 3: column time: 'soon' is not a time"),
        ("\n\n", "the file is empty"),
    ],
)
def test_a_bad_csv_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=message) as caught:
        list(open_source(str(path), EURUSD).chunks())
    assert "a.csv" in str(caught.value)


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a"])
def test_files_that_are_none_of_ours(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(DataError, match="no such file"):
        open_source(str(path), EURUSD)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        open_source(str(path), EURUSD)
    path.write_bytes(b"\xff\xfe\x00\x01" * 100)
    with pytest.raises(DataError, match=r"cannot be read as Parquet|not a text file"):
        open_source(str(path), EURUSD)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match="a folder, and not a series"):
        open_source(str(path), EURUSD)


def test_a_cut_parquet_file_is_refused(tmp_path: Path) -> None:
    path = Path(write_parquet(tmp_path / "a.parquet"))
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(DataError, match=r"cannot be read as Parquet: .*Check that the file is complete"):
        open_source(str(path), EURUSD)


def test_a_line_is_named_as_an_editor_counts_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,open,high,low,close\n60,1,1,1,1\n\n\n120,1,1,1,1\n180,1,2,3,1\n", encoding="utf-8")
    source = open_source(str(path), EURUSD)

    with pytest.raises(DataError, match=r"line 6 .*range"):
        list(ready_chunks(source, Intake(source, EURUSD)))


def test_symbol_and_timeframe_from_a_file_name() -> None:
    assert guess_symbol("data/EURUSD-1m.parquet") == "EURUSD"
    assert guess_symbol("EUR_USD-1h.csv") == "EURUSD"
    assert guess_symbol("aapl.csv") == "AAPL"
    assert guess_symbol("synthetic") is None
    assert guess_timeframe("data/EURUSD-1m.parquet") == "1m"
    assert guess_timeframe("EURUSD_4H_2025.csv") == "4h"
    assert guess_timeframe("EURUSD.csv") is None


@pytest.mark.skipif(not REAL.exists(), reason="the shared EURUSD file is not here")
def test_the_real_file_keeps_the_contract_but_for_gaps() -> None:
    source = open_source(str(REAL), EURUSD)
    intake = Intake(source, EURUSD)
    table = pq.read_table(REAL)

    chunks = list(ready_chunks(source, intake))

    assert sum(map(len, chunks)) == table.num_rows == source.info.rows
    closes = np.concatenate([chunk.close for chunk in chunks])
    assert np.array_equal(closes, np.rint(table.column("close").to_numpy() * 1e5).astype(np.int64))
    assert [issue.kind for issue in intake.issues()] == ["gap"]
    times = table.column("time").to_numpy()
    assert source.info.start == int(times[0]) * 10**9
    assert source.info.end == int(times[-1]) * 10**9


def test_candles_that_are_ready_pass_as_they_are() -> None:
    kept, _ = take_in(candles([{}, {}]))
    ready = next(iter(open_source("synthetic", EURUSD, timeframe="1m").chunks()))

    assert Intake(Given([]), EURUSD).accept(ready) is ready
    assert len(kept["time"]) == 2


def test_a_byte_order_mark_and_quotes_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\ufeff"time","open","high","low","close"\n"60","1","2","1","1"\n"120","1","2","1","1"\n', "utf-8")

    columns = read(open_source(str(path), EURUSD))

    assert columns["time"].tolist() == [60 * 10**9, 120 * 10**9]
    assert columns["high"].tolist() == [2.0, 2.0]


def test_gmt_time_is_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Gmt time,Open,High,Low,Close,Volume\n2025-01-06 12:00,1,2,1,1,3\n2025-01-06 12:01,1,2,1,1,3\n")

    assert read(open_source(str(path), EURUSD))["time"].tolist() == [NOON, NOON + MINUTE]


def test_a_line_far_down_is_named_too(tmp_path: Path) -> None:
    raw = candles([{}] * 9_000 + [{"open": 2.0}])
    table = {"time": raw.time // 10**9, "open": raw.open, "high": raw.high, "low": raw.low, "close": raw.close}
    source = open_source(write_csv(tmp_path / "a.csv", table), EURUSD)

    with pytest.raises(DataError, match=r"line 9002 .*range"):
        list(ready_chunks(source, Intake(source, EURUSD)))
