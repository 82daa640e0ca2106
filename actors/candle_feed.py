"""The candle feed: turns a source of candles into batches, and time into something that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import trio

from sptrader_stream.errors import DataError
from sptrader_stream.events import Candles
from sptrader_stream.sources.source import ReadyCandles
from sptrader_stream.topics import Topic

# Chunks that a reading thread brings at a time: enough to pay for the way there and back.
_CHUNKS_AT_A_TIME: Final = 8


class CandleFeed:
    """Publishes candles in batches until the source ends or the feed is cancelled.

    Attributes:
        candle: how many candles were published so far.
        failure: why the source ended early, if it did: its candles up to there are published.
        finished: whether everything that the source has was published.
        waited: seconds spent waiting for the source.
    """

    def __init__(
        self, chunks: Iterator[ReadyCandles], batch_size: int, *, blocking: bool, clock: Callable[[], float]
    ) -> None:
        """Prepare a feed.

        Args:
            chunks: the checked candles, in order; may end with DataError.
            batch_size: candles in a batch, at most.
            blocking: whether reading takes long enough to need a thread of its own.
            clock: monotonic seconds.
        """
        self.candle = 0
        self.failure: DataError | None = None
        self.finished = False
        self.waited = 0.0
        self._chunks = chunks
        self._batch_size = batch_size
        self._blocking = blocking
        self._clock = clock

    async def run(self, candles: Topic[Candles]) -> None:
        """Publish everything; a checkpoint in every batch makes cancelling take effect there."""
        with candles:
            if not self._blocking:
                while taken := self._timed_take():
                    await self._publish(taken[0], candles)
            else:
                await self._publish_read_ahead(candles)
            self.finished = True

    async def _publish_read_ahead(self, candles: Topic[Candles]) -> None:
        sender, receiver = trio.open_memory_channel[list[ReadyCandles]](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read_ahead, sender)
            before = self._clock()
            async for portion in receiver:
                self.waited += self._clock() - before
                for chunk in portion:
                    await self._publish(chunk, candles)
                before = self._clock()
            self.waited += self._clock() - before

    async def _publish(self, chunk: ReadyCandles, candles: Topic[Candles]) -> None:
        size = self._batch_size
        for start in range(0, len(chunk), size):
            await trio.lowlevel.checkpoint_if_cancelled()
            part = slice(start, start + size)
            spread = chunk.spread
            batch = Candles(
                self.candle, 0, chunk.time[part], chunk.open[part], chunk.high[part], chunk.low[part],
                chunk.close[part], chunk.volume[part], None if spread is None else spread[part],
            )  # fmt: skip
            await candles.publish(batch)
            self.candle += len(batch.time)

    def _take(self, most: int) -> list[ReadyCandles]:
        """Read the next few chunks; none at the end, and ``failure`` set where that came too soon."""
        taken: list[ReadyCandles] = []
        try:
            while len(taken) < most and self.failure is None:
                taken.append(next(self._chunks))
        except StopIteration:
            pass
        except DataError as error:
            self.failure = error
        return taken

    def _timed_take(self) -> list[ReadyCandles]:
        before = self._clock()
        taken = self._take(1)
        self.waited += self._clock() - before
        return taken

    async def _read_ahead(self, portions: trio.MemorySendChannel[list[ReadyCandles]]) -> None:
        """Read in a thread, one portion ahead of what is being published."""
        with portions:
            while taken := await trio.to_thread.run_sync(self._take, _CHUNKS_AT_A_TIME):
                await portions.send(taken)
