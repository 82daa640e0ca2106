"""The candle feed: turns sources of candles into batches, and time into something that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Final

import trio

from actors.playback import Playback
from actors.turns import Turns
from sptrader_stream.candles import ReadyCandles
from sptrader_stream.columns import Ints
from sptrader_stream.errors import DataError
from sptrader_stream.events import Candles
from sptrader_stream.sources.digest import Digested, Trail, digested
from sptrader_stream.sources.merging import BlockCutter, merged
from sptrader_stream.topics import Topic

# How long a reading thread reads at a time, beside what the last block takes, and how many candles at most: waking the
# thread that waits for them, and being woken again, costs as much as reading tens of thousands.
_READING_SECONDS: Final = 0.005
_READING_ROWS: Final = 1 << 17


class CandleFeed:
    """Publishes candles in batches until the sources end or the feed is cancelled.

    Attributes:
        candle: how many candles were published so far, of all instruments.
        failure: why a source ended early, if one did: its candles, and those of the others up to its last one, are
            published.
        finished: whether everything that the sources have was published.
        waited: seconds spent waiting for the sources.
    """

    def __init__(
        self,
        sources: Sequence[Iterator[ReadyCandles]],
        batch_size: int,
        *,
        blocking: bool,
        stop: Callable[[], None] = lambda: None,
        clock: Callable[[], float],
        playback: Playback,
        turns: Turns | None = None,
    ) -> None:
        """Prepare a feed.

        Args:
            sources: for each instrument its checked candles, in order; may end with DataError.
            batch_size: candles of one instrument in a batch, at most.
            blocking: whether reading takes long enough to need a thread of its own.
            stop: ends the waiting of sources for others, from any thread; called when the feed is cancelled.
            clock: monotonic seconds.
            playback: says when candles may be published.
            turns: shared with the other runs of the event loop; None where there are none.
        """
        self.candle = 0
        self.failure: DataError | None = None
        self.finished = False
        self.waited = 0.0
        self._blocks = digested(merged(sources), len(sources))
        self._trail = Trail(len(sources))
        self._batch_size = batch_size
        self._blocking = blocking
        self._stop = stop
        self._is_read = False
        self._is_stopping = False
        self._clock = clock
        self._playback = playback
        self._turns = turns

    async def run(self, candles: Topic[Candles]) -> None:
        """Publish everything; a checkpoint in every batch makes cancelling take effect there."""
        with candles, nullcontext() if self._turns is None else self._turns.part():
            if not self._blocking:
                while (block := self._timed_take()) is not None:
                    await self._publish(block, candles)
            else:
                await self._publish_read_ahead(candles)
            self.finished = True

    async def _publish_read_ahead(self, candles: Topic[Candles]) -> None:
        sender, receiver = trio.open_memory_channel[list[Digested]](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read_ahead, sender)
            nursery.start_soon(self._stop_when_cancelled)
            before = self._clock()
            async for portion in receiver:
                self.waited += self._clock() - before
                for block in portion:
                    await self._publish(block, candles)
                before = self._clock()
            self.waited += self._clock() - before
            self._is_read = True
            nursery.cancel_scope.cancel()

    async def _stop_when_cancelled(self) -> None:
        """Make the reading thread come back, which no cancelling reaches."""
        try:
            await trio.sleep_forever()
        finally:
            if not self._is_read:
                self._is_stopping = True
                # It may have to reach a server.
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(self._stop)

    def seen(self, time: int | None) -> list[Ints]:
        """What was published up to an open time, by instrument: states of ``sources.digest``."""
        return self._trail.until(time)

    async def _publish(self, digested: Digested, candles: Topic[Candles]) -> None:
        self._trail.add(digested)
        block, playback = digested.block, self._playback
        if playback.is_free and len(block.time) <= self._batch_size:
            await self._send(block, candles)
            return
        cutter = BlockCutter(block)
        while cutter.has_more:
            # Looked at before each batch: a command may have come in the meantime.
            if playback.is_free:
                await self._send(cutter.take(self._batch_size), candles)
                continue
            times = cutter.timestamps(min(self._batch_size, playback.most))
            count = await playback.allow(times, self.candle)
            await self._send(cutter.take_until(int(times[count - 1])), candles)
            await playback.took(count, self.candle)

    async def _send(self, batch: Candles, candles: Topic[Candles]) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._turns is not None:
            await self._turns.take()
        await candles.publish(batch)
        self.candle += len(batch.time)

    def _take(self) -> Digested | None:
        """Read the next block; None at the end, and ``failure`` set where that came too soon."""
        try:
            return next(self._blocks, None)
        except DataError as error:
            # That a source was told to stop is no failure of its own.
            if not self._is_stopping:
                self.failure = error
            return None

    def _timed_take(self) -> Digested | None:
        before = self._clock()
        block = self._take()
        self.waited += self._clock() - before
        return block

    def _take_portion(self) -> list[Digested]:
        """Read what can be read in a moment, a block at least; nothing at the end."""
        taken: list[Digested] = []
        until, room = self._clock() + _READING_SECONDS, _READING_ROWS
        while room > 0 and (not taken or self._clock() < until):
            block = self._take()
            if block is None:
                break
            taken.append(block)
            room -= len(block.block.time)
        return taken

    async def _read_ahead(self, portions: trio.MemorySendChannel[list[Digested]]) -> None:
        """Read in a thread, one portion ahead of what is being published."""
        with portions:
            while taken := await trio.to_thread.run_sync(self._take_portion):
                await portions.send(taken)
