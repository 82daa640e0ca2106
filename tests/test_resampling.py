"""Coarser candles: those of pandas, closed when they are complete or known to be, the same for any batching."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.candles import ReadyCandles, part_of
from sptrader_stream.resampling import CandleBuilder, ClosedCandles
from sptrader_stream.timeframes import DAY, HOUR, MINUTE, WEEK, parse_time, span_origin

MONDAY = parse_time("2025-01-06T00:00:00Z")
COLUMNS = ("moments", "time", "open", "high", "low", "close", "volume", "spread")


def candles_at(times: Sequence[int], seed: int = 0, *, spread: bool = True) -> ReadyCandles:
    random = np.random.default_rng(seed)
    open_, close = (1_000 + random.integers(-99, 99, len(times)) for _ in range(2))
    return ReadyCandles(
        time=np.array(times, np.int64),
        open=open_,
        high=np.maximum(open_, close) + random.integers(0, 9, len(times)),
        low=np.minimum(open_, close) - random.integers(0, 9, len(times)),
        close=close,
        # Whose sums depend on the order of adding.
        volume=random.random(len(times)) * 10.0 ** random.integers(-3, 9, len(times)),
        spread=random.integers(-1, 9, len(times)) if spread else None,
    )


def built(
    candles: ReadyCandles,
    timeframe: int,
    *,
    data: int = MINUTE,
    session: int = 0,
    splits: Sequence[int] = (),
) -> dict[str, list[float]]:
    """Every closed candle, column by column; moments counted from the first row of all."""
    builder = CandleBuilder(data, timeframe, span_origin(timeframe, session))
    borders = [0, *sorted({each for each in splits if 0 < each < len(candles)}), len(candles)]
    found: dict[str, list[float]] = {name: [] for name in COLUMNS}
    for first, end in pairwise(borders):
        closed = builder.process(part_of(candles, first, end))
        for name in COLUMNS:
            column = getattr(closed, name)
            offset = 2 * first if name == "moments" else 0
            found[name] += [] if column is None else (column + offset).tolist()
    return found


def at_minutes(minutes: Sequence[int]) -> ReadyCandles:
    times = np.array(minutes) * MINUTE + MONDAY
    row = np.arange(len(minutes))
    return ReadyCandles(
        time=times,
        open=100 + row,
        high=110 + row,
        low=90 - row,
        close=105 + row,
        volume=row.astype(np.float64) + 0.5,
        spread=row + 7,
    )


def test_a_candle_closes_with_the_row_that_ends_its_span() -> None:
    found = built(at_minutes(range(9)), 4 * MINUTE)
    assert found == {
        "moments": [2 * 3 + 1, 2 * 7 + 1],
        "time": [MONDAY, MONDAY + 4 * MINUTE],
        "open": [100, 104],
        "high": [113, 117],
        "low": [87, 83],
        "close": [108, 112],
        "volume": [0.5 + 1.5 + 2.5 + 3.5, 4.5 + 5.5 + 6.5 + 7.5],
        "spread": [10, 14],
    }


def test_without_that_row_it_closes_just_before_the_next_one() -> None:
    # The row of minute 3 is missing, then a whole span, and at 13 the last row comes alone.
    found = built(at_minutes([0, 1, 2, 4, 5, 13, 14, 15, 19]), 4 * MINUTE)
    assert found["time"] == [MONDAY + each * MINUTE for each in (0, 4, 12, 16)]
    assert found["moments"] == [2 * 3, 2 * 5, 2 * 7 + 1, 2 * 8 + 1]
    assert found["close"] == [107, 109, 112, 113]


def test_the_last_candle_stays_open_until_its_span_has_ended() -> None:
    assert built(at_minutes([0, 1, 2]), 4 * MINUTE)["time"] == []


def test_a_row_can_close_two_candles() -> None:
    found = built(at_minutes([0, 7]), 4 * MINUTE)
    assert found["moments"] == [2, 3]
    assert found["open"] == [100, 101]


def test_a_row_that_comes_after_its_spans_end_was_seen_counts_to_the_next_span() -> None:
    times = [MONDAY + second * MINUTE // 60 for second in (0, 185, 215, 240)]
    candles = candles_at(times)
    found = built(candles, 4 * MINUTE)
    assert (found["time"], found["moments"]) == ([MONDAY], [2 * 1 + 1])
    found = built(candles_at([*times, MONDAY + 7 * MINUTE]), 4 * MINUTE)
    assert found["time"] == [MONDAY, MONDAY + 4 * MINUTE]
    assert found["open"][1] == candles_at([*times, MONDAY + 7 * MINUTE]).open[2]


def test_candles_without_spread_have_none() -> None:
    closed = CandleBuilder(MINUTE, 2 * MINUTE, 0).process(candles_at([MONDAY, MONDAY + MINUTE], spread=False))
    assert closed.spread is None
    assert len(closed) == 1


def test_where_nothing_closes_all_columns_are_empty_and_of_their_type() -> None:
    builder = CandleBuilder(MINUTE, 2 * MINUTE, 0)
    closed = builder.process(candles_at([MONDAY]))
    assert isinstance(closed, ClosedCandles)
    assert {len(getattr(closed, name)) for name in COLUMNS} == {0}
    assert {getattr(closed, name).dtype for name in COLUMNS} == {np.dtype(np.int64), np.dtype(np.float64)}
    assert closed.volume.dtype == np.float64


def test_what_was_given_does_not_change_afterwards() -> None:
    builder = CandleBuilder(MINUTE, 2 * MINUTE, 0)
    candles = candles_at([MONDAY + each * MINUTE for each in range(8)])
    closed = builder.process(part_of(candles, 0, 4))
    before = [getattr(closed, name).tolist() for name in COLUMNS]
    builder.process(part_of(candles, 4, 8))
    assert [getattr(closed, name).tolist() for name in COLUMNS] == before


def resampled(candles: ReadyCandles, rule: str, origin: int) -> pd.DataFrame:
    names = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame(
        {name: getattr(candles, name) for name in names}, index=pd.DatetimeIndex(candles.time.view("datetime64[ns]"))
    )
    wanted = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return frame.resample(rule, origin=pd.Timestamp(origin)).agg(wanted).dropna()


@pytest.mark.parametrize(
    ("rule", "timeframe", "data", "session"),
    [
        ("5min", 5 * MINUTE, MINUTE, 0),
        ("7min", 7 * MINUTE, MINUTE, 0),
        ("1h", HOUR, MINUTE, 0),
        ("4h", 4 * HOUR, HOUR, -2 * HOUR),
        ("1D", DAY, HOUR, 22 * HOUR),
        ("7D", WEEK, HOUR, 0),
        ("7D", WEEK, HOUR, -2 * HOUR),
        ("14D", 2 * WEEK, DAY, 0),
    ],
)
def test_candles_are_those_of_pandas(rule: str, timeframe: int, data: int, session: int) -> None:
    random = np.random.default_rng(timeframe // data + session % 97)
    present = np.flatnonzero(random.random(1_500) < np.repeat(random.random(15), 100))
    candles = candles_at((MONDAY + 3 * data + present * data).tolist())
    # Spans of weeks open where a Monday's session does; a timestamp of pandas is enough to say that.
    origin = int(pd.Timestamp("2024-12-23").value) + session
    wanted = resampled(candles, rule, origin if timeframe % WEEK == 0 else session)
    found = built(candles, timeframe, data=data, session=session)
    count = len(found["time"])
    assert 0 <= len(wanted) - count <= 1
    assert count > 2
    for name in ("open", "high", "low", "close"):
        assert found[name] == wanted[name].iloc[:count].tolist()
    assert found["time"] == wanted.index.view("int64")[:count].tolist()
    assert found["volume"] == pytest.approx(wanted["volume"].iloc[:count].tolist())


def test_weeks_open_on_mondays() -> None:
    days = [parse_time("2025-01-01T00:00:00Z") + each * DAY for each in range(30)]
    found = built(candles_at(days), WEEK, data=DAY)
    assert [pd.Timestamp(int(each)).day_name() for each in found["time"]] == ["Monday"] * 4


RUNS = st.builds(
    lambda gaps, multiple, session, seed: (np.cumsum(gaps).tolist(), multiple, session, seed),
    st.lists(st.sampled_from([1, 1, 1, 1, 2, 3, 9, 40]), min_size=1, max_size=60),
    st.integers(2, 12),
    st.integers(-5, 5),
    st.integers(0, 9),
)


def by_hand(minutes: Sequence[int], multiple: int, session: int) -> list[tuple[int, int]]:
    """For each candle that closed, the minute at which its span begins, and the moment."""
    spans = [(minute - session) // multiple for minute in minutes]
    closed = []
    for span in sorted(set(spans)):
        start = session + span * multiple
        row = max(row for row, each in enumerate(spans) if each == span)
        if minutes[row] == start + multiple - 1:
            closed.append((start, 2 * row + 1))
        elif row + 1 < len(minutes):
            closed.append((start, 2 * (row + 1)))
    return closed


@settings(max_examples=100, deadline=None)
@given(RUNS)
def test_candles_close_on_time_or_with_the_next_row(run: tuple[list[int], int, int, int]) -> None:
    minutes, multiple, session, seed = run
    candles = candles_at([each * MINUTE for each in minutes], seed)
    found = built(candles, multiple * MINUTE, session=session * MINUTE)
    closed = list(zip(np.array(found["time"], np.int64).tolist(), found["moments"], strict=True))
    assert closed == [(start * MINUTE, moment) for start, moment in by_hand(minutes, multiple, session)]


@settings(max_examples=100, deadline=None)
@given(RUNS, st.lists(st.integers(1, 60), max_size=8), st.booleans())
def test_any_split_gives_the_same_bits(
    run: tuple[list[int], int, int, int], splits: list[int], everywhere: bool
) -> None:
    minutes, multiple, session, seed = run
    candles = candles_at([each * MINUTE for each in minutes], seed)
    whole = built(candles, multiple * MINUTE, session=session * MINUTE)
    cuts = range(len(minutes)) if everywhere else splits
    assert built(candles, multiple * MINUTE, session=session * MINUTE, splits=cuts) == whole


@settings(max_examples=50, deadline=None)
@given(RUNS, st.integers(1, 60))
def test_later_rows_change_nothing_that_has_closed(run: tuple[list[int], int, int, int], rows: int) -> None:
    minutes, multiple, session, seed = run
    candles = candles_at([each * MINUTE for each in minutes], seed)
    whole = built(candles, multiple * MINUTE, session=session * MINUTE)
    early = built(part_of(candles, 0, min(rows, len(candles))), multiple * MINUTE, session=session * MINUTE)
    count = len(early["time"])
    assert early == {name: column[:count] for name, column in whole.items()}
    # What was not there yet closes at a later row.
    assert all(moment >= 2 * rows for moment in whole["moments"][count:])
