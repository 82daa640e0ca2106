"""Coarser candles for the chart: the same as from a plain loop, whatever the pieces in which the finer ones come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.report.zoom import ZoomBuilder, ZoomLevel, coarser_timeframe
from sptrader_stream.timeframes import DAY, HOUR, MINUTE, WEEK, span_origin

Rows = list[tuple[int, int, int, int, int, float]]


def by_loop(rows: Rows, timeframe: int, session: int) -> Rows:
    spans: dict[int, tuple[int, int, int, int, int, float]] = {}
    origin = span_origin(timeframe, session)
    for time, open_, high, low, close, value in rows:
        begin = time - (time - origin) % timeframe
        before = spans.get(begin)
        spans[begin] = (
            (begin, open_, high, low, close, value)
            if before is None
            else (begin, before[1], max(before[2], high), min(before[3], low), close, value)
        )
    return [spans[each] for each in sorted(spans)]


def rows_of(level: ZoomLevel) -> Rows:
    return [(*map(int, level.candles[:, k]), float(level.values[0, k])) for k in range(level.candles.shape[1])]  # type: ignore[misc]


@st.composite
def candles(draw: st.DrawFn) -> Rows:
    gaps = draw(st.lists(st.sampled_from([1, 1, 1, 2, 40, 700]), min_size=1, max_size=120))
    minute = draw(st.integers(0, 20_000))
    rows: Rows = []
    for gap in gaps:
        minute += gap
        open_, close, up, down = (draw(st.integers(0, 9)) for _ in range(4))
        rows.append((minute * MINUTE, 100 + open_, 109 + up, 100 - down, 100 + close, float(len(rows))))
    return rows


@settings(max_examples=60, deadline=None)
@given(candles(), st.sampled_from([0, -2 * HOUR, 22 * HOUR]), st.integers(5, 60), st.integers(2, 5), st.data())
def test_levels_are_what_a_loop_builds(rows: Rows, session: int, most: int, few: int, data: st.DataObject) -> None:
    builder = ZoomBuilder(MINUTE, session, 1, most)
    start = 0
    while start < len(rows):
        end = data.draw(st.integers(start + 1, len(rows)))
        piece = np.array([row[:5] for row in rows[start:end]], np.int64).T
        builder.add(piece, np.array([[row[5] for row in rows[start:end]]]))
        start = end
    levels = builder.levels(few)
    for level in levels:
        assert rows_of(level) == by_loop(rows, level.timeframe, session)
    assert levels[0].candles.shape[1] <= most
    assert levels[-1].candles.shape[1] <= few
    if len(rows) < most:
        assert levels[0].timeframe == MINUTE


def test_the_usual_timeframes_follow_each_other() -> None:
    ladder = [MINUTE]
    while ladder[-1] < WEEK:
        ladder.append(coarser_timeframe(ladder[-1], 0))
    assert ladder == [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY, WEEK]


@pytest.mark.parametrize("timeframe", [MINUTE, 7 * MINUTE, 42 * HOUR, 5 * HOUR, DAY, 3 * DAY, WEEK])
@pytest.mark.parametrize("session", [0, 22 * HOUR, -HOUR])
def test_finer_spans_lie_within_coarser_ones(timeframe: int, session: int) -> None:
    for _ in range(6):
        coarse = coarser_timeframe(timeframe, session)
        apart = span_origin(coarse, session) - span_origin(timeframe, session)
        assert coarse > timeframe
        assert coarse % timeframe == 0
        assert apart % timeframe == 0
        timeframe = coarse
