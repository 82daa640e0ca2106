"""The data contract: each of its rules, what each policy does, and that chunks make no difference."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.columns import Ints
from sptrader_stream.errors import DataError
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.contract import KINDS, RESEARCH, DataPolicy, IssueKind
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.source import NO_SPREAD, ExactCandles, RawCandles, raw_part
from sptrader_stream.timeframes import DAY, HOUR, MINUTE, parse_time
from tests.sources.samples import APPLE, BITCOIN, EURUSD, NOON, Given, candles, take_in

NAN, INFINITY = float("nan"), float("inf")
ALLOW_ALL: DataPolicy = dict.fromkeys(KINDS, "warn")

# What is wrong with the third of five candles, and the kind of finding that it is.
BROKEN: list[tuple[str, dict[str, float]]] = [
    ("non_finite", {"open": NAN}),
    ("non_finite", {"close": INFINITY}),
    ("non_finite", {"low": -INFINITY}),
    ("unordered", {"time": 0.5}),
    ("duplicate", {"time": 1}),
    ("too_large", {"high": 1e14}),
    ("too_large", {"high": 1e305}),
    ("non_positive", {"low": 0.0}),
    ("non_positive", {"low": -1.0}),
    ("non_positive", {"low": 0.000004}),
    ("range", {"high": 1.12}),
    ("range", {"low": 1.12}),
    ("range", {"open": 1.25}),
    ("range", {"close": 0.9}),
    ("spread", {"spread": -0.0001}),
    ("spread", {"spread": NAN}),
    ("spread", {"spread": INFINITY}),
    ("volume", {"volume": -1.0}),
    ("volume", {"volume": INFINITY}),
]
KEPT: list[tuple[str, dict[str, float]]] = [
    ("misaligned", {"time": 2.5}),
    ("gap", {"time": 3}),
    ("precision", {"open": 1.100002}),
]


def third_is(change: dict[str, float]) -> RawCandles:
    shift = 1 if change.get("time") == 3 else 0
    rows: list[dict[str, float]] = [{}, {}, change, {"time": 3 + shift}, {"time": 4 + shift}]
    return candles(rows, spread=True)


def test_clean_candles_pass_as_ticks() -> None:
    kept, intake = take_in(candles([{}, {"volume": 0.0}], spread=True))

    assert kept["time"].tolist() == [NOON, NOON + MINUTE]
    assert kept["open"].tolist() == [110000, 110000]
    assert kept["high"].tolist() == [120000, 120000]
    assert kept["low"].tolist() == [100000, 100000]
    assert kept["close"].tolist() == [115000, 115000]
    assert kept["spread"].tolist() == [10, 10]
    assert kept["volume"].tolist() == [3.0, 0.0]
    assert intake.issues() == ()
    assert intake.failure is None


@pytest.mark.parametrize(("kind", "change"), BROKEN + KEPT)
def test_a_blocked_finding_keeps_what_came_before_and_says_where(kind: str, change: dict[str, float]) -> None:
    policy = dict(ALLOW_ALL) | {cast("IssueKind", kind): "block"}

    kept, intake = take_in(third_is(change), policy=policy)

    assert len(kept["time"]) == 2
    (issue,) = [issue for issue in intake.issues() if issue.policy == "block"]
    assert (issue.kind, issue.count) == (kind, 1)
    message = str(intake.failure)
    assert message.startswith("given.csv, line 4 (2025-01-06T12:0")
    assert f"change `{kind}` in config/data_policy.yaml" in message
    with pytest.raises(DataError, match=r"line 4"):
        intake.accept(third_is({}))


@pytest.mark.parametrize(("kind", "change"), BROKEN)
def test_an_allowed_broken_candle_is_left_out_and_counted_once(kind: str, change: dict[str, float]) -> None:
    kept, intake = take_in(third_is(change), policy=ALLOW_ALL)

    assert ((kept["time"] - NOON) // MINUTE).tolist() == [0, 1, 3, 4]
    assert [(issue.kind, issue.count) for issue in intake.issues()] == [(kind, 1), ("gap", 1)]


@pytest.mark.parametrize(("kind", "change"), KEPT)
def test_an_allowed_odd_candle_is_kept_and_counted(kind: str, change: dict[str, float]) -> None:
    kept, intake = take_in(third_is(change), policy=ALLOW_ALL)

    assert len(kept["time"]) == 5
    assert (kind, 1) in [(issue.kind, issue.count) for issue in intake.issues()]


def test_research_blocks_what_would_falsify_fills_and_warns_of_gaps_and_precision() -> None:
    for _, change in BROKEN:
        assert take_in(third_is(change))[1].failure is not None
    assert take_in(third_is({"time": 2.5}))[1].failure is not None
    for change in ({"time": 3.0}, {"open": 1.100002}):
        _, intake = take_in(third_is(change))
        assert intake.failure is None
        assert [issue.policy for issue in intake.issues()] == ["warn"]


def test_a_candle_without_a_time_is_named_by_its_line() -> None:
    raw = candles([{}, {}])
    raw.time[1] = -(2**63)

    _, intake = take_in(raw, policy=ALLOW_ALL)

    (issue,) = intake.issues()
    assert (issue.kind, issue.places) == ("non_finite", ("line 3",))


def test_a_missing_volume_counts_as_zero() -> None:
    kept, intake = take_in(candles([{"volume": NAN}]))

    assert kept["volume"].tolist() == [0.0]
    assert intake.issues() == ()


def test_the_first_five_places_are_kept_in_order() -> None:
    _, intake = take_in(candles([{"open": 1.100002}] * 8), cuts=(2, 3))

    (issue,) = intake.issues()
    assert issue.count == 8
    assert issue.places == tuple(f"2025-01-06T12:0{minute}:00Z" for minute in range(5))


def test_a_gap_counts_once_and_tells_how_many_candles_are_missing() -> None:
    _, intake = take_in(candles([{}, {"time": 4}, {"time": 7}]))

    (issue,) = intake.issues()
    assert (issue.kind, issue.count) == ("gap", 2)
    assert issue.message == "2 gaps, 5 candles missing in all: kept"
    assert issue.places == ("2025-01-06T12:04:00Z", "2025-01-06T12:07:00Z")


@pytest.mark.parametrize(
    ("instrument", "before", "after", "reported"),
    [
        (EURUSD, "2025-01-03T21:59", "2025-01-05T22:00", False),
        (EURUSD, "2025-07-04T19:59", "2025-07-06T21:04", False),
        (EURUSD, "2025-01-03T19:58", "2025-01-05T22:00", True),
        (EURUSD, "2025-01-03T21:59", "2025-01-06T00:01", True),
        (EURUSD, "2025-01-05T22:59", "2025-01-06T00:00", True),
        (EURUSD, "2025-01-07T21:59", "2025-01-08T22:00", True),
        (BITCOIN, "2025-01-03T21:59", "2025-01-05T22:00", True),
        (APPLE, "2025-01-06T20:59", "2025-01-07T14:30", False),
        (APPLE, "2025-07-07T19:59", "2025-07-08T13:30", False),
        (APPLE, "2025-01-03T20:59", "2025-01-06T14:30", False),
        (APPLE, "2025-01-06T20:59", "2025-01-08T14:30", True),
        (APPLE, "2025-01-06T16:00", "2025-01-06T16:02", True),
    ],
)
def test_hours_in_which_a_market_is_closed_are_no_gap(
    instrument: Instrument, before: str, after: str, reported: bool
) -> None:
    raw = candles([{}, {}])
    raw.time[:] = [parse_time(before), parse_time(after)]

    _, intake = take_in(raw, instrument=instrument)

    assert [issue.kind for issue in intake.issues()] == (["gap"] if reported else [])


# Fridays and Mondays of forex, nights of shares: what is closed, or may be, is not counted.
@pytest.mark.parametrize(
    ("instrument", "timeframe", "before", "after", "missing"),
    [
        (EURUSD, "1m", "2025-01-03T19:58", "2025-01-05T22:00", "1 candle"),
        (EURUSD, "1m", "2025-01-03T21:59", "2025-01-06T00:01", "1 candle"),
        (EURUSD, "1m", "2025-01-05T22:59", "2025-01-06T00:00", "60 candles"),
        (EURUSD, "1h", "2025-01-03T18:00", "2025-01-13T02:00", f"{1 + 4 * 24 + 20 + 2} candles"),
        (EURUSD, "1d", "2025-01-02", "2025-01-14", f"{1 + 5 + 1} candles"),
        (EURUSD, "1w", "2025-01-06", "2025-01-20", "1 candle"),
        (BITCOIN, "1h", "2025-01-03T18:00", "2025-01-13T02:00", f"{9 * 24 + 7} candles"),
        (APPLE, "1m", "2025-01-06T19:58", "2025-01-07T14:32", "3 candles"),
        (APPLE, "1h", "2025-01-06T18:00", "2025-01-07T16:00", "3 candles"),
        (APPLE, "1d", "2025-01-08", "2025-01-13", "2 candles"),
    ],
)
def test_only_candles_of_open_hours_are_missing(
    instrument: Instrument, timeframe: str, before: str, after: str, missing: str
) -> None:
    raw = candles([{}, {}])
    raw.time[:] = [parse_time(before), parse_time(after)]

    (issue,) = take_in(raw, instrument=instrument, timeframe=timeframe)[1].issues()

    assert issue.message == f"1 gap, {missing} missing in all: kept"


def test_a_gap_that_ends_the_run_is_told_without_a_length() -> None:
    _, intake = take_in(candles([{}, {"time": 4}]), policy={**RESEARCH, "gap": "block"})

    (issue,) = intake.issues()
    assert issue.message == "1 gap: the run ended there"


def test_the_first_whole_hour_after_a_closure_is_in_time() -> None:
    raw = candles([{}, {}])
    raw.time[:] = [parse_time("2025-01-06T20:00"), parse_time("2025-01-07T15:00")]

    assert take_in(raw, instrument=APPLE, timeframe="1h")[1].issues() == ()


def test_days_without_a_weekend_are_no_gap() -> None:
    friday = parse_time("2025-01-03")
    raw = candles([{}, {"time": 3}], start=friday, step=DAY)

    assert take_in(raw, instrument=EURUSD, timeframe="1d")[1].issues() == ()
    assert take_in(raw, instrument=APPLE, timeframe="1d")[1].issues() == ()
    assert [issue.kind for issue in take_in(raw, instrument=BITCOIN, timeframe="1d")[1].issues()] == ["gap"]


@pytest.mark.parametrize(
    ("timeframe", "first", "steps", "misaligned"),
    [
        ("1h", "2025-01-06T14:00", [0, HOUR], 0),
        ("1h", "2025-01-06T14:30", [0, HOUR], 2),
        ("4h", "2025-01-06T13:00", [0, 4 * HOUR], 2),
        ("1d", "2025-01-06", [0, DAY], 0),
        ("1d", "2025-01-06T05:00", [0, DAY], 2),
        ("1w", "2025-01-06", [0, 7 * DAY, 14 * DAY], 0),
        ("1w", "2025-01-05", [0, 7 * DAY, 14 * DAY], 0),
        ("1w", "2025-01-06", [0, 8 * DAY], 1),
        ("1w", "2025-01-06T05:00", [0, 7 * DAY], 2),
    ],
)
def test_times_are_multiples_of_the_timeframe(timeframe: str, first: str, steps: list[int], misaligned: int) -> None:
    raw = candles([{}] * len(steps))
    raw.time[:] = [parse_time(first) + step for step in steps]

    _, intake = take_in(raw, instrument=BITCOIN, timeframe=timeframe, policy={**RESEARCH, "misaligned": "warn"})

    assert sum(issue.count for issue in intake.issues() if issue.kind == "misaligned") == misaligned


def test_reading_a_source_gives_the_good_candles_and_then_fails() -> None:
    raw = third_is({"high": 1.12})
    source = Given([raw_part(raw, 0, 1), raw_part(raw, 1, 5)])
    given: list[int] = []

    with pytest.raises(DataError, match=r"line 4 .*range"):
        given.extend(len(chunk) for chunk in ready_chunks(source, Intake(source, EURUSD)))

    assert given == [1, 1]


CLEAN: dict[str, float] = {"open": 3, "high": 5, "low": 2, "close": 4, "volume": 1.0, "spread": 1}
LARGEST = 9 * 10**12
some_ticks = st.one_of(st.integers(1, 7), st.sampled_from([-3, 0, LARGEST - 1, LARGEST, 2**62, -(2**62)]))
# Clean candles, such with a value or two of another kind, and candles that are flat.
tick_rows = st.lists(
    st.one_of(
        st.just({}),
        st.fixed_dictionaries({"time": st.sampled_from([0, 1, 2, 3, 3.5, 4.5, 5.5, 6000])}),
        st.fixed_dictionaries({"volume": st.sampled_from([0.0, NAN, -1.0, INFINITY])}),
        st.fixed_dictionaries({"spread": st.sampled_from([0, -1, LARGEST - 1, LARGEST, NO_SPREAD])}),
        st.dictionaries(st.sampled_from(["open", "high", "low", "close"]), some_ticks, max_size=2),
        some_ticks.map(lambda ticks: dict.fromkeys(["open", "high", "low", "close"], ticks)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=400, deadline=None)
@given(
    rows=tick_rows, data=st.data(), strict=st.booleans(), has_spread=st.booleans(), precision=st.sampled_from([5, 3])
)
def test_candles_in_ticks_are_held_against_the_same_contract_as_prices(
    rows: list[dict[str, float]], data: st.DataObject, strict: bool, has_spread: bool, precision: int
) -> None:
    policy = RESEARCH if strict else ALLOW_ALL
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=6))
    ticks = exact(rows, has_spread, precision)

    kept, of_exact = take_in(ticks, policy=policy, cuts=cuts)
    expected, of_prices = take_in(ticks.in_prices(), policy=policy)

    assert kept.keys() == expected.keys()
    assert all(np.array_equal(kept[name], expected[name]) for name in kept)
    assert of_exact.issues() == of_prices.issues()
    assert str(of_exact.failure) == str(of_prices.failure)


def test_every_candle_off_the_grid_is_counted_where_prices_are_ticks() -> None:
    rows: list[dict[str, float]] = [{}, {"time": 1.5}, {"time": 2.5}, {"time": 3.5}]

    _, intake = take_in(exact(rows, False, 5), policy=ALLOW_ALL)

    assert [issue.count for issue in intake.issues() if issue.kind == "misaligned"] == [3]


def exact(rows: list[dict[str, float]], has_spread: bool, precision: int) -> ExactCandles:
    def column(name: str) -> Ints:
        return np.array([row.get(name, CLEAN[name]) for row in rows], np.int64)

    minutes = np.array([row.get("time", index) for index, row in enumerate(rows)])
    return ExactCandles(
        row=0,
        precision=precision,
        time=NOON + (MINUTE * minutes).astype(np.int64),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume=np.array([row.get("volume", CLEAN["volume"]) for row in rows]),
        spread=column("spread") if has_spread else None,
    )


odd_rows = st.lists(
    st.one_of(
        st.just({}),
        st.sampled_from([change for _, change in BROKEN + KEPT if "time" not in change]),
        st.fixed_dictionaries({"time": st.sampled_from([0, 1, 2, 3.5, 5, 8, 6000])}),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(rows=odd_rows, data=st.data(), strict=st.booleans())
def test_chunks_make_no_difference(rows: list[dict[str, float]], data: st.DataObject, strict: bool) -> None:
    raw = candles(rows, spread=True)
    policy = RESEARCH if strict else ALLOW_ALL
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=6))

    whole, of_whole = take_in(raw, policy=policy)
    parts, of_parts = take_in(raw, policy=policy, cuts=cuts)

    assert all(np.array_equal(whole[name], parts[name]) for name in whole)
    assert of_whole.issues() == of_parts.issues()
    assert str(of_whole.failure) == str(of_parts.failure)
