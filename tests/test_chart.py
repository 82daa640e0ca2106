"""A curve is reduced without losing its extremes, however it comes in, and drawn within its box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.chart import Envelope, draw, envelope


@given(
    steps=st.lists(st.tuples(st.integers(1, 9), st.integers(-(10**18), 10**18)), min_size=1, max_size=40),
    columns=st.integers(1, 30),
    cuts=st.lists(st.integers(0, 40), max_size=5),
)
def test_each_stretch_holds_the_lowest_and_highest_of_its_values(
    steps: list[tuple[int, int]], columns: int, cuts: list[int]
) -> None:
    start = 1_700_000_000 * 10**9
    series: list[int] = []
    changes = []
    for lasts, value in steps:
        changes.append((start + len(series), value))
        series += [value] * lasts
    times, values = (np.array(each, np.int64) for each in zip(*changes, strict=True))
    where = sorted(min(each, len(steps)) for each in cuts)
    pieces = [each for each in zip(np.split(times, where), np.split(values, where), strict=True) if len(each[0])]
    reduced = envelope(pieces, (start, start + len(series) - 1), columns)

    width = (len(series) - 1) // columns + 1
    for column in range(columns):
        # What held when the stretch began counts, too.
        inside = series[max(0, column * width - 1) : (column + 1) * width] or series[-1:]
        assert (reduced.lows[column], reduced.highs[column]) == (min(inside), max(inside))


def curve(*values: int) -> Envelope:
    return Envelope(np.array(values, np.int64), np.array(values, np.int64))


def test_a_narrow_chart_keeps_the_extremes() -> None:
    lines = draw(curve(*[0] * 50, 9, *[0] * 49), 10, 3, ascii_only=True)
    assert "*" in lines[0]


def test_a_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    assert draw(curve(0, 1, 2, 3), 4, 4, ascii_only=True) == ["   *", "  **", " ** ", "**  "]


def test_a_jump_is_drawn_as_a_line() -> None:
    assert draw(curve(0, 0, 3, 3), 4, 4, ascii_only=True) == ["  **", "  * ", "  * ", "*** "]


def test_braille_packs_two_by_four_dots_into_a_character() -> None:
    # Dot 7 (lower left), and 8, 6, 5, 4 (the right column): a jump from the floor to the top.
    assert draw(curve(0, 3), 1, 1, ascii_only=False) == [chr(0x2800 + 0x40 + 0x80 + 0x20 + 0x10 + 0x08)]


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_level_line_is_drawn_in_the_middle(ascii_only: bool) -> None:
    lines = draw(curve(5, 5, 5), 6, 3, ascii_only=ascii_only)
    assert [bool(line.strip(" ⠀")) for line in lines] == [False, True, False]


@pytest.mark.parametrize("ascii_only", [True, False])
def test_few_values_fill_the_whole_width(ascii_only: bool) -> None:
    lines = draw(curve(1, 2), 10, 2, ascii_only=ascii_only)
    assert [len(line) for line in lines] == [10, 10]
    assert all(any(line[column] not in " ⠀" for line in lines) for column in range(10))
