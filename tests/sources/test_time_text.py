"""Times as text: those of Python's own datetime, however they are written, and in zones that change their clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.columns import Ints
from sptrader_stream.errors import DataError, UserError
from sptrader_stream.opening import open_source
from sptrader_stream.sources.source import NO_TIME
from sptrader_stream.sources.time_text import find_layout, read_texts
from sptrader_stream.sources.time_zones import LocalTimes
from sptrader_stream.timeframes import HOUR, MINUTE, format_time, parse_time
from tests.sources.samples import EURUSD, read

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y.%m.%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S",
    "%Y%m%d %H%M%S", "%Y%m%d %H:%M:%S", "%d.%m.%Y %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f+00:00",
    "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M:%S.000 GMT+0000",
)  # fmt: skip

moments = st.datetimes(datetime(1700, 1, 1), datetime(2250, 12, 31))


def place(row: int) -> str:
    return f"line {row + 2}"


def nanoseconds(moment: datetime) -> int:
    since = moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH
    return ((since.days * 86_400 + since.seconds) * 10**6 + since.microseconds) * 1_000


def times(texts: list[str | None]) -> list[int]:
    layout = find_layout([each or "" for each in texts], "a.csv: column time")
    found: list[int] = read_texts(
        pa.array(texts, pa.string()), layout, "a.csv, {place}: column time", place, 0
    ).tolist()
    return found


@given(written=st.sampled_from(FORMATS), found=st.lists(moments, min_size=1, max_size=5))
def test_what_python_writes_is_read(written: str, found: list[datetime]) -> None:
    plain = [each.replace(microsecond=each.microsecond if "%f" in written else 0) for each in found]

    assert times([each.strftime(written).zfill(len(each.strftime(written))) for each in plain]) == [
        nanoseconds(each) for each in plain
    ]


@given(moment=moments, minutes=st.integers(-14 * 60, 14 * 60), colon=st.booleans())
def test_distances_from_utc_are_taken_off(moment: datetime, minutes: int, colon: bool) -> None:
    local = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = local.isoformat()
    assert times([text if colon else text[:-3] + text[-2:]]) == [nanoseconds(local)]


def test_milliseconds_may_follow_without_a_point() -> None:
    assert times(["20120201 000003660"]) == [parse_time("2012-02-01T00:00:03.660Z")]


def test_day_and_month_are_told_by_dates_further_down() -> None:
    assert times(["01/02/2024", "13/02/2024"]) == [parse_time("2024-02-01"), parse_time("2024-02-13")]
    assert times(["01/02/2024", "01/13/2024"]) == [parse_time("2024-01-02"), parse_time("2024-01-13")]
    assert times(["01.02.2024", "02.02.2024"]) == [parse_time("2024-02-01"), parse_time("2024-02-02")]


def test_a_text_that_is_not_there_is_no_time() -> None:
    assert times(["2024-01-02", None, "", "2024-01-03"]) == [
        parse_time("2024-01-02"), NO_TIME, NO_TIME, parse_time("2024-01-03"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["2024-02-30 00:00", "2024-13-01 00:00", "2024-01-01 24:00", "2024-01-01 00:60", "2024-1-1x 00:00", "soon", "12"],
)
def test_what_is_no_time_is_told_with_its_line(text: str) -> None:
    with pytest.raises(DataError, match=r"^a\.csv, line 3: column time: "):
        times(["2024-01-02 00:00", text])


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "UTC", "+05:30"]),
    hours=st.integers(0, 24 * 800),
    size=st.integers(1, 200),
)
def test_local_times_are_those_of_zoneinfo(zone: str, hours: int, size: int) -> None:
    start = parse_time("2023-01-01") + hours * HOUR
    wanted = np.arange(start, start + size * 30 * MINUTE, 30 * MINUTE)
    known = timezone(timedelta(hours=5, minutes=30)) if zone == "+05:30" else ZoneInfo(zone)
    local: list[int] = [
        nanoseconds((EPOCH + timedelta(microseconds=each // 1_000)).astimezone(known).replace(tzinfo=None))
        for each in wanted.tolist()
    ]
    converter = LocalTimes(zone, "a.csv", place)
    found: Ints = np.concatenate(
        [converter.to_utc(np.array(local[first : first + 7], np.int64), first) for first in range(0, size, 7)]
    )
    # Where the range begins within the second of two hours, nothing tells that it is the second.
    moment = EPOCH + timedelta(seconds=start // 10**9)
    if moment.astimezone(known).fold == 0:
        assert found.tolist() == wanted.tolist()


def test_candles_of_an_hour_repeat_one_and_ticks_of_one_time_do_not() -> None:
    local = np.array([parse_time(f"2025-10-26T0{hour}:00") for hour in (1, 2, 2, 3)], np.int64)

    def utc(is_unique: bool) -> list[str]:
        converter = LocalTimes("Europe/Berlin", "a.csv", place, is_unique=is_unique)
        return [format_time(each)[11:16] for each in converter.to_utc(local, 0).tolist()]

    assert utc(is_unique=True) == ["23:00", "00:00", "01:00", "02:00"]
    assert utc(is_unique=False) == ["23:00", "00:00", "00:00", "02:00"]


def test_a_date_alone_is_that_day_whatever_the_zone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("date,open,high,low,close\n2025-03-28,1,1,1,1\n2025-03-29,1,1,1,1\n")
    found = read(open_source(str(path), EURUSD, timezone="America/New_York"))
    assert found["time"].tolist() == [parse_time("2025-03-28"), parse_time("2025-03-29")]


def test_an_hour_that_the_clocks_leave_out_is_an_error() -> None:
    converter = LocalTimes("Europe/Berlin", "a.csv: column time", place)
    with pytest.raises(
        DataError,
        match=r"line 3: the clocks of Europe/Berlin leave out 2025-03-30T02:30:00: is it the right --timezone",
    ):
        converter.to_utc(np.array([parse_time("2025-03-30T01:30"), parse_time("2025-03-30T02:30")], np.int64), 0)


def test_a_zone_that_is_none_is_told() -> None:
    with pytest.raises(UserError, match="--timezone Mars/Base: there is no such time zone: expected a name such as"):
        LocalTimes("Mars/Base", "a.csv", place)


def test_files_of_other_places(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,open,high,low,close\n2025-03-28 17:00,1,1,1,1\n2025-03-31 17:00,1,1,1,1\n")
    found = read(open_source(str(path), EURUSD, timezone="America/New_York", timeframe="1h"))
    assert [format_time(each) for each in found["time"].tolist()] == ["2025-03-28T21:00:00Z", "2025-03-31T21:00:00Z"]
    # HistData's own zone gives way to what is said.
    path.write_text("20240101 190000;1.1;1.1;1.1;1.1;0\n20240101 190100;1.1;1.1;1.1;1.1;0\n")
    assert read(open_source(str(path), EURUSD))["time"][0] == parse_time("2024-01-02")
    assert read(open_source(str(path), EURUSD, timezone="UTC"))["time"][0] == parse_time("2024-01-01T19:00:00Z")
    path.write_text("time,open,high,low,close\n1743195600,1,1,1,1\n1743195660,1,1,1,1\n")
    with pytest.raises(DataError, match="count from 1970 UTC: leave --timezone out"):
        open_source(str(path), EURUSD, timezone="Europe/Berlin")
