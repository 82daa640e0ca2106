"""Sources merged by time: the order is that of a sort, whatever the chunks and the batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.candles import ReadyCandles, block_of, part_of
from sptrader_stream.errors import DataError
from sptrader_stream.events import Candles
from sptrader_stream.sources.merging import BlockCutter, merged

Row = tuple[int, int]


def candles_at(times: Sequence[int], seed: int, *, spread: bool = True) -> ReadyCandles:
    """Candles whose every value tells of which instrument and time they are."""
    time = np.array(times, np.int64)
    return ReadyCandles(
        time=time,
        open=time * 1_000 + seed,
        high=time * 2_000 + seed,
        low=time * 3_000 + seed,
        close=time * 4_000 + seed,
        volume=time.astype(np.float64) / 2 + seed,
        spread=time * 5_000 + seed if spread else None,
    )


def chunks(candles: ReadyCandles, size: int, failure: Exception | None = None) -> Iterator[ReadyCandles]:
    for start in range(0, len(candles), size):
        yield part_of(candles, start, min(start + size, len(candles)))
    if failure is not None:
        raise failure


def rows_of(batch: Candles) -> list[Row]:
    """Time and instrument of each row as the run sees them: by time, then by instrument."""
    blocks = [block_of(batch, index) for index in range(len(batch.ends))]
    return sorted((time, index) for index, block in enumerate(blocks) for time in block.time.tolist())


def batches(block: Candles, size: int) -> Iterator[Candles]:
    cutter = BlockCutter(block)
    while cutter.has_more:
        yield cutter.take(size)


INSTRUMENTS = st.lists(st.sets(st.integers(0, 40), max_size=30).map(sorted), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(INSTRUMENTS, st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_rows_come_by_time_for_any_chunks_and_batches(
    instruments: list[list[int]], chunk: int, rows: int, size: int
) -> None:
    sources = [chunks(candles_at(times, index), chunk + index) for index, times in enumerate(instruments)]
    given_rows: list[Row] = []
    for block in merged(sources, rows):
        for batch in batches(block, size):
            found = rows_of(batch)
            assert batch.first == len(given_rows)
            assert len(found) == batch.ends[-1] == len(batch.time) > 0
            assert max(np.diff([0, *batch.ends])) <= size
            # No timestamp is split: everything that comes later is later.
            assert not given_rows or found[0][0] > given_rows[-1][0]
            given_rows += found
            for index in range(len(instruments)):
                block_ = block_of(batch, index)
                wanted = candles_at(block_.time.tolist(), index)
                for name in ReadyCandles.__struct_fields__:
                    assert getattr(block_, name).tolist() == getattr(wanted, name).tolist()
    assert given_rows == sorted((time, index) for index, times in enumerate(instruments) for time in times)


@given(INSTRUMENTS.filter(any))
def test_batches_of_one_have_one_timestamp_each(instruments: list[list[int]]) -> None:
    sources = [chunks(candles_at(times, index), 7) for index, times in enumerate(instruments)]
    found = [set(batch.time.tolist()) for block in merged(sources, 5) for batch in batches(block, 1)]
    assert found == [{time} for time in sorted(set().union(*instruments))]


def test_a_batch_ends_where_the_first_instrument_has_its_share() -> None:
    sources = [chunks(candles_at(times, 0), 8) for times in ([0, 1, 2, 3, 4, 5], [1, 3, 5], [40])]
    (block,) = merged(sources)
    assert [batch.ends for batch in batches(block, 4)] == [[4, 6, 6], [2, 3, 4]]
    assert [batch.time.tolist() for batch in batches(block, 4)] == [[0, 1, 2, 3, 1, 3], [4, 5, 5, 40]]


def test_a_single_source_is_not_copied() -> None:
    candles = candles_at(range(10), 0)
    blocks = list(merged([chunks(candles, 6)]))
    assert [block.ends for block in blocks] == [[6], [4]]
    assert [block.first for block in blocks] == [0, 6]
    for block in blocks:
        for batch in batches(block, 4):
            assert np.shares_memory(batch.close, candles.close)
            assert batch.spread is not None
            assert np.shares_memory(batch.spread, candles.spread)


def test_much_of_a_source_is_never_held() -> None:
    read = 0

    def endless() -> Iterator[ReadyCandles]:
        nonlocal read
        while True:
            read += 10
            yield candles_at(range(read - 10, read), 0)

    taken = 0
    for block in merged([endless(), endless()], 20):
        assert read - taken <= 2 * (20 + 10)
        taken += len(block.time)
        if taken > 1_000:
            break


def test_where_one_source_has_a_spread_the_others_have_minus_one() -> None:
    sources = [chunks(candles_at([0, 5], 0, spread=False), 1), chunks(candles_at([3], 1), 1)]
    found = [batch for block in merged(sources, 1) for batch in batches(block, 1)]
    assert [None if each.spread is None else each.spread.tolist() for each in found] == [[-1], [15_001], [-1]]


@pytest.mark.parametrize("count", [1, 2])
def test_where_none_has_a_spread_there_is_none(count: int) -> None:
    sources = [chunks(candles_at([0, 5], 0, spread=False), 1) for _ in range(count)]
    assert {batch.spread for block in merged(sources, 1) for batch in batches(block, 1)} == {None}


FAILING = st.lists(
    st.tuples(st.sets(st.integers(0, 20), max_size=15).map(sorted), st.booleans()), min_size=1, max_size=4
)


@settings(max_examples=150, deadline=None)
@given(FAILING, st.integers(1, 5), st.integers(1, 5))
def test_a_source_that_fails_ends_the_stream_at_its_last_candle(
    instruments: list[tuple[list[int], bool]], chunk: int, rows: int
) -> None:
    sources = [
        chunks(candles_at(times, index), chunk + index, DataError(f"{index}") if fails else None)
        for index, (times, fails) in enumerate(instruments)
    ]
    ends = [(times[-1] if times else -1, index) for index, (times, fails) in enumerate(instruments) if fails]
    last, culprit = min(ends, default=(99, None))
    given_rows: list[Row] = []
    failure = None
    try:
        for block in merged(sources, rows):
            given_rows += rows_of(block)
    except DataError as error:
        failure = str(error)
    assert failure == (None if culprit is None else str(culprit))
    assert given_rows == sorted(
        (time, index) for index, (times, _) in enumerate(instruments) for time in times if time <= last
    )


def test_sources_without_candles_give_nothing() -> None:
    nothing: list[ReadyCandles] = []
    assert list(merged([iter(nothing)])) == []
    assert list(merged([iter(nothing), iter(nothing)])) == []
