"""Topics: frames over bounded memory channels.

A topic encodes an event once and hands the same bytes to every subscriber; each has a small channel of its own, and a
full one makes the publisher wait. That is the back-pressure inside a run. Neither side yields to the scheduler while
it can go on, so that small batches do not pay for a task switch each; a bounded channel makes sure that it soon
cannot.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Generic, TypeVar

import msgspec
import trio

from sptrader_stream.events import decoder, encode

E = TypeVar("E")


class TopicStatistics(msgspec.Struct, frozen=True):
    """What went through a topic: frames and bytes published, and frames that wait, the most of any subscriber."""

    frames: int
    bytes: int
    waiting: int


class Inbox(Generic[E]):
    """A subscriber's end: ``async for event in inbox``; ends when the topic is closed and everything was read.

    Who may stop reading before that closes the inbox, best by ``with inbox:``. One that is neither read nor closed
    makes the publisher wait for good.

    Attributes:
        candle: the index of the first candle of the batch received last, -1 before the first batch.
    """

    def __init__(self, channel: trio.MemoryReceiveChannel[bytes], event: type[E]) -> None:
        self._channel = channel
        self._decode = decoder(event).decode
        self.candle = -1

    def __aiter__(self) -> AsyncIterator[E]:
        return self

    async def __anext__(self) -> E:
        try:
            frame = self._channel.receive_nowait()
        except trio.WouldBlock:
            try:
                frame = await self._channel.receive()
            except trio.EndOfChannel:
                raise StopAsyncIteration from None
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
        event = self._decode(frame)
        self.candle = getattr(event, "first", -1)
        return event

    def close(self) -> None:
        """Read no more: what is published from now on passes this inbox by."""
        self._channel.close()

    def waiting(self) -> int:
        """How many frames wait to be read."""
        return self._channel.statistics().current_buffer_used

    def __enter__(self) -> Inbox[E]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Topic(Generic[E]):
    """Publishes events of one type; ``with topic:`` closes it for all subscribers at the end.

    Args:
        event: the type, or a union of types, which subscribers decode to.
        capacity: how many frames a subscriber's channel holds.
    """

    def __init__(self, event: type[E], capacity: int) -> None:
        self._event = event
        self._capacity = capacity
        self._channels: list[trio.MemorySendChannel[bytes]] = []
        self._inboxes: list[Inbox[E]] = []
        self._taps: tuple[Callable[[bytes], None], ...] = ()
        self._frames = 0
        self._bytes = 0

    @property
    def has_subscribers(self) -> bool:
        """Whether anybody would get what is published."""
        return bool(self._channels or self._taps)

    def subscribe(self) -> Inbox[E]:
        """Get everything that is published from now on."""
        sender, receiver = trio.open_memory_channel[bytes](self._capacity)
        inbox = Inbox(receiver, self._event)
        self._channels.append(sender)
        self._inboxes.append(inbox)
        return inbox

    def tap(self, take: Callable[[bytes], None]) -> Callable[[], None]:
        """Get every frame that is published from now on, at once and on the publisher's time.

        Nothing waits for whom a tap tells, so that a watcher cannot hold a run up.

        Args:
            take: called with each frame before the subscribers get it; has to be quick and may not fail.

        Returns:
            What to call to get no more.
        """
        self._taps += (take,)

        def untap() -> None:
            self._taps = tuple(each for each in self._taps if each is not take)

        return untap

    async def publish(self, event: E) -> bytes:
        """Encode an event and hand it to every subscriber; waits where one's channel is full.

        Returns:
            The frame.
        """
        frame = encode(event)
        await self.publish_frame(frame)
        return frame

    async def publish_frame(self, frame: bytes) -> None:
        """Hand an encoded event to every subscriber, as ``publish`` does; to all of them even when cancelled."""
        self._frames += 1
        self._bytes += len(frame)
        for take in self._taps:
            take(frame)
        closed: list[trio.MemorySendChannel[bytes]] = []
        for channel in self._channels:
            try:
                try:
                    channel.send_nowait(frame)
                except trio.WouldBlock:
                    # Cancelling between two subscribers would leave one with a batch that the other never gets.
                    with trio.CancelScope(shield=True):
                        await channel.send(frame)
            except trio.BrokenResourceError:
                closed.append(channel)
        for channel in closed:
            channel.close()
            self._channels.remove(channel)

    def close(self) -> None:
        """End the topic: subscribers read what waits, then their iteration ends."""
        for channel in self._channels:
            channel.close()

    def statistics(self) -> TopicStatistics:
        """Tell what went through so far."""
        waiting = max((inbox.waiting() for inbox in self._inboxes), default=0)
        return TopicStatistics(self._frames, self._bytes, waiting)

    def __enter__(self) -> Topic[E]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
