"""The candle feed: everything that the sources have, in batches, however it has to be read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import trio

from actors import candle_feed
from actors.candle_feed import CandleFeed
from actors.playback import Playback
from sptrader_stream.candles import ReadyCandles
from sptrader_stream.errors import DataError
from sptrader_stream.events import Candles
from sptrader_stream.topics import Topic


def chunk(start: int, end: int, step: int = 1, spread: bool = False) -> ReadyCandles:
    time = np.arange(start, end, step)
    price = time + 100
    return ReadyCandles(
        time=time,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=time.astype(np.float64),
        spread=time if spread else None,
    )


def ticking() -> Callable[[], float]:
    """A clock that goes on by a second whenever it is read."""
    counted = iter(range(10**6))
    return lambda: float(next(counted))


def published(
    feed: CandleFeed, capacity: int = 4, see: Callable[[Candles], None] = lambda batch: None
) -> list[Candles]:
    """Let a feed run to its end."""
    found: list[Candles] = []

    async def main() -> None:
        topic = Topic(Candles, capacity)
        inbox = topic.subscribe()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed.run, topic)
            async for batch in inbox:
                see(batch)
                found.append(batch)

    trio.run(main)
    return found


def feed_of(sources: Sequence[Sequence[ReadyCandles]], size: int, *, blocking: bool) -> CandleFeed:
    return make_feed([iter(each) for each in sources], size, blocking=blocking)


def make_feed(sources: Sequence[Iterator[ReadyCandles]], size: int, *, blocking: bool) -> CandleFeed:
    return CandleFeed(sources, size, blocking=blocking, clock=ticking(), playback=Playback())


def rows(batches: Sequence[Candles]) -> list[tuple[int, int]]:
    return [
        row
        for each in batches
        for row in sorted(
            (time, index)
            for index, (start, end) in enumerate(zip([0, *each.ends], each.ends, strict=False))
            for time in each.time[start:end].tolist()
        )
    ]


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("size", [1, 7, 8192])
def test_several_sources_come_in_the_order_of_time(size: int, blocking: bool) -> None:
    sources = [[chunk(0, 50), chunk(50, 60)], [chunk(5, 100, 10)], []]
    feed = feed_of(sources, size, blocking=blocking)
    found = published(feed)
    wanted = [(time, 0) for time in range(60)] + [(time, 1) for time in range(5, 100, 10)]
    assert rows(found) == sorted(wanted)
    assert [each.first for each in found] == np.cumsum([0, *[len(each.time) for each in found]])[:-1].tolist()
    assert feed.candle == 70
    assert (feed.finished, feed.failure) == (True, None)
    assert feed.waited > 0


@pytest.mark.parametrize("blocking", [False, True])
def test_a_single_source_is_cut_into_batches_that_end_with_its_chunks(blocking: bool) -> None:
    feed = feed_of([[chunk(0, 5), chunk(5, 12)]], 4, blocking=blocking)
    found = published(feed)
    assert [each.time.tolist() for each in found] == [[0, 1, 2, 3], [4], [5, 6, 7, 8], [9, 10, 11]]
    assert [each.ends for each in found] == [[4], [1], [4], [3]]
    assert [each.close.tolist() for each in found][1] == [104]
    assert feed.candle == 12


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("size", [1, 8192])
def test_a_source_that_fails_ends_the_feed_at_its_last_candle(size: int, blocking: bool) -> None:
    def failing() -> Iterator[ReadyCandles]:
        yield chunk(0, 10)
        raise DataError("line 12: no number")

    feed = CandleFeed(
        [iter([chunk(0, 100, 3)]), failing()], size, blocking=blocking, clock=ticking(), playback=Playback()
    )
    assert rows(published(feed)) == sorted([(time, 0) for time in (0, 3, 6, 9)] + [(time, 1) for time in range(10)])
    assert str(feed.failure) == "line 12: no number"
    assert feed.candle == 14


def test_what_blocks_is_read_in_a_thread_and_only_a_little_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_feed, "_READING_ROWS", 4 * 8_192)
    readers: set[threading.Thread] = set()
    read = seen = furthest = 0

    def source() -> Iterator[ReadyCandles]:
        nonlocal read
        for start in range(0, 500_000, 5_000):
            readers.add(threading.current_thread())
            read = start + 5_000
            yield chunk(start, read)

    def see(batch: Candles) -> None:
        nonlocal seen, furthest
        furthest = max(furthest, read - seen)
        seen = int(batch.time.max()) + 1

    feed = CandleFeed(
        [source(), iter([chunk(0, 500_000, 100)])], 8192, blocking=True, clock=lambda: 0.0, playback=Playback()
    )
    published(feed, 1, see)
    assert seen == 500_000
    assert threading.main_thread() not in readers
    # Three portions of five blocks each are under way at most, beside what the merger holds.
    assert 3 * 8_192 < furthest <= 17 * 8_192 + 5_000


@pytest.mark.parametrize("blocking", [False, True])
def test_cancelling_stops_between_batches(blocking: bool) -> None:
    def endless() -> Iterator[ReadyCandles]:
        start = 0
        while True:
            yield chunk(start, start + 100)
            start += 100

    feed = make_feed([endless(), endless()], 10, blocking=blocking)
    found: list[Candles] = []

    async def main() -> None:
        topic = Topic(Candles, 1)
        inbox = topic.subscribe()
        with trio.CancelScope() as feeding:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(feed.run, topic)
                async for batch in inbox:
                    found.append(batch)
                    if len(found) == 5:
                        feeding.cancel()

    trio.run(main)
    # One more may wait in the topic, and one may be on its way there.
    assert 5 <= len(found) <= 7
    assert [(each.first, len(each.time)) for each in found] == [(20 * k, 20) for k in range(len(found))]
    assert (feed.finished, feed.failure) == (False, None)
