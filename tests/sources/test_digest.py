"""The checksum of candles: that of a plain computation, the same however they are cut, another for other candles."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.sources.digest import COUNT, Trail, add, checksum, digested, new_state
from sptrader_stream.sources.merging import merged
from tests.plain_candles import NOON, Plain, plain, ready

WORD = 2**64
FACTORS = (6364136223846793005, 3202034522624059733, 1865811235122147685, 4354685564936845319, 2685821657736338717)
VOLUME, SPREAD = 1181783497276652981, 7664345821815920749


def reference(rows: list[Plain]) -> str:
    """The same with Python's own numbers."""
    first = second = 0
    for *values, volume, spread in rows:
        (bits,) = struct.unpack("<q", struct.pack("<d", volume))
        row = sum(value * factor for value, factor in zip(values, FACTORS, strict=True)) + bits * VOLUME
        row = (row + (-1 if spread is None else spread) * SPREAD) % WORD
        row = (row ^ row >> 30) * -4658895280553007687 % WORD
        row ^= row >> 27
        first = (first * 3935559000370003845 + row) % WORD
        second = (second * 2862933555777941757 + (row ^ values[0])) % WORD
    return f"{first:016x}{second:016x}" if rows else ""


def of(*chunks: list[Plain]) -> str:
    state = new_state()
    for chunk in chunks:
        add(ready(chunk), state)
    return checksum(state)


@given(
    rows=st.lists(
        st.tuples(
            st.integers(-(2**62), 2**62), *[st.integers(1, 2**43)] * 4, st.floats(0, 1e12), st.integers(0, 1_000)
        ),
        min_size=1,
        max_size=30,
    ),
    cuts=st.sets(st.integers(1, 29)),
)
def test_it_is_that_of_plain_numbers_however_candles_are_cut(rows: list[Plain], cuts: set[int]) -> None:
    borders = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    assert of(*(rows[first:last] for first, last in pairwise(borders))) == reference(rows)


@pytest.mark.parametrize("field", range(7))
def test_any_other_value_gives_another(field: int) -> None:
    rows = plain(50, spread=3)
    other = [list(row) for row in rows]
    other[20][field] += 1  # type: ignore[operator]
    assert of([tuple(row) for row in other]) != of(rows)  # type: ignore[misc]


def test_order_and_number_count() -> None:
    rows = plain(3)
    assert (
        len({of(rows), of(rows[:2]), of([rows[1], rows[0], rows[2]]), of([*rows, rows[2]]), of(plain(3, spread=0))})
        == 5
    )
    assert checksum(new_state()) == ""


@given(size=st.integers(1, 20), until=st.integers(-1, 60))
def test_the_state_at_any_recent_candle_can_be_told(size: int, until: int) -> None:
    one, two = plain(60), plain(30, start=NOON)
    trail = Trail(2)
    sources = [iter([ready(one)]), iter([ready(two)])]
    for each in digested(merged(sources, size), 2):
        trail.add(each)
        time = NOON + until * 60 * 10**9
        if each.last >= time:
            break
    found = trail.until(None if until < 0 else time)
    for state, rows in zip(found, (one, two), strict=True):
        seen = [] if until < 0 else [row for row in rows if row[0] <= time]
        assert (int(state[COUNT]), checksum(state)) == (len(seen), reference(seen))
