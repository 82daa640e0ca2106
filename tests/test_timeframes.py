"""Timeframes and times, against the standard library's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.errors import UserError
from sptrader_stream.timeframes import (
    format_time,
    format_timeframe,
    parse_end,
    parse_time,
    parse_timeframe,
    unix_unit,
)

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m", 60), ("5m", 300), ("1h", 3600), ("4h", 14400), ("1d", 86400), ("1w", 604800)],
)
def test_timeframes(text: str, seconds: int) -> None:
    assert parse_timeframe(text) == seconds * SECOND
    assert format_timeframe(seconds * SECOND) == text


def test_a_timeframe_is_written_in_its_largest_unit() -> None:
    assert format_timeframe(parse_timeframe("60m")) == "1h"
    assert format_timeframe(parse_timeframe("90m")) == "90m"
    assert format_timeframe(parse_timeframe("7d")) == "1w"


@pytest.mark.parametrize("text", ["", "m", "0m", "1", "1M", "1.5h", "-5m", "1 m", "1min", "M1", "9999999d"])
def test_what_is_no_timeframe(text: str) -> None:
    with pytest.raises(UserError, match="is not a timeframe: expected a whole number and s, m, h, d or w"):
        parse_timeframe(text)


def test_a_timeframe_has_ten_years_at_most() -> None:
    assert parse_timeframe("3650d") == 3650 * 86_400 * SECOND
    for text in ("3651d", "999999w"):
        with pytest.raises(UserError, match=f"^'{text}' is too long for a timeframe: 10 years (.*) are the most"):
            parse_timeframe(text)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2025-03-31", datetime(2025, 3, 31, tzinfo=UTC)),
        ("2025-03-31T14:30:00Z", datetime(2025, 3, 31, 14, 30, tzinfo=UTC)),
        ("2025-03-31 14:30", datetime(2025, 3, 31, 14, 30, tzinfo=UTC)),
        ("2025-03-31t14:30:05z", datetime(2025, 3, 31, 14, 30, 5, tzinfo=UTC)),
        ("2025-03-31T14:30:00+02:00", datetime(2025, 3, 31, 12, 30, tzinfo=UTC)),
        ("2025-03-31T14:30:00.25-05:30", datetime(2025, 3, 31, 20, 0, 0, 250_000, tzinfo=UTC)),
        ("1743431400", datetime(2025, 3, 31, 14, 30, tzinfo=UTC)),
        ("1743431400000", datetime(2025, 3, 31, 14, 30, tzinfo=UTC)),
        ("1743431400000000", datetime(2025, 3, 31, 14, 30, tzinfo=UTC)),
        ("1743431400000000000", datetime(2025, 3, 31, 14, 30, tzinfo=UTC)),
        ("1969-12-31T23:59:59Z", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times(text: str, when: datetime) -> None:
    assert parse_time(text) == (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def test_nanoseconds_are_kept() -> None:
    assert parse_time("2025-03-31T14:30:00.000000001Z") == 1743431400 * SECOND + 1
    assert format_time(1743431400 * SECOND + 1) == "2025-03-31T14:30:00.000000001Z"
    assert format_time(1743431400 * SECOND) == "2025-03-31T14:30:00Z"
    assert format_time(-SECOND // 2) == "1969-12-31T23:59:59.5Z"


def test_an_end_that_is_a_date_means_the_whole_day() -> None:
    assert parse_end("2025-03-31") == parse_time("2025-04-01") - 1
    assert parse_end("2025-03-31T00:00:00Z") == parse_time("2025-03-31")


@pytest.mark.parametrize(
    "text", ["", "soon", "2025", "20250331", "2025-13-01", "2025-02-30", "2025-03-31T25:00", "31.03.2025", "1e9", "nan"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UserError, match="is not a time"):
        parse_time(text)


def test_times_that_nanoseconds_cannot_hold_are_refused() -> None:
    for text in ("1500-01-01", "2300-01-01", "99999999999"):
        with pytest.raises(UserError, match="out of range"):
            parse_time(text)


def test_the_unit_of_a_unix_time_follows_from_its_size() -> None:
    assert [unix_unit(1743431400 * 1000**power) for power in range(4)] == [SECOND, 10**6, 1000, 1]
    assert unix_unit(0) == unix_unit(-5) == SECOND


@given(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)), st.integers(-14, 14))
def test_texts_of_the_standard_library_are_read_and_written_back(when: datetime, zone: int) -> None:
    exact = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000

    assert parse_time(when.isoformat()) == exact
    assert parse_time(when.astimezone(timezone(timedelta(hours=zone))).isoformat()) == exact
    assert parse_time(format_time(exact)) == exact
    assert datetime.fromisoformat(format_time(exact)) == when
