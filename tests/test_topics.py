"""Topics: one encoding for everybody, everything for everybody, and nobody runs ahead for long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
import trio
import trio.testing

from sptrader_stream.events import Records, encode
from sptrader_stream.topics import Inbox, Topic


def record(seq: int) -> Records:
    return Records(seq, np.arange(seq, seq + 3))


async def read(inbox: Inbox[Records], seen: list[int]) -> None:
    with inbox:
        async for each in inbox:
            seen.append(each.seq)


async def publish(topic: Topic[Records], count: int, done: list[int]) -> None:
    with topic:
        for seq in range(count):
            await topic.publish(record(seq))
            done.append(seq)


def beside(*tasks: Callable[[], Awaitable[Any]], then: Callable[[], Awaitable[None]] | None = None) -> None:
    """Run tasks side by side, and something more once all of them wait or have ended; what waits then is cancelled."""

    async def main() -> None:
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                for task in tasks:
                    nursery.start_soon(task)
                if then is not None:
                    await trio.testing.wait_all_tasks_blocked()
                    await then()
                    nursery.cancel_scope.cancel()

    trio.run(main)


def test_an_event_is_encoded_once_and_all_get_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[object] = []

    def counting(event: object) -> bytes:
        encoded.append(event)
        return encode(event)

    monkeypatch.setattr("sptrader_stream.topics.encode", counting)
    topic = Topic(Records, 4)
    inboxes = [topic.subscribe() for _ in range(3)]
    event = record(1)

    async def main() -> None:
        frame = await topic.publish(event)
        assert frame == encode(event)
        assert all(inbox._channel.receive_nowait() is frame for inbox in inboxes)

    trio.run(main)
    assert encoded == [event]


def test_every_subscriber_gets_everything_in_order_and_then_the_end() -> None:
    topic = Topic(Records, 2)
    seen: list[list[int]] = [[], [], []]
    inboxes = [topic.subscribe() for _ in seen]
    done: list[int] = []
    readers = [lambda each=each, kept=kept: read(each, kept) for each, kept in zip(inboxes, seen, strict=True)]
    beside(lambda: publish(topic, 50, done), *readers)
    assert seen == [list(range(50))] * 3


def test_a_full_channel_makes_the_publisher_wait() -> None:
    topic = Topic(Records, 3)
    quick, slow = topic.subscribe(), topic.subscribe()
    done: list[int] = []
    seen: list[int] = []

    async def check() -> None:
        # Closed at the end, because a publisher that waits is not cancelled.
        with slow:
            # Three frames fit where nobody reads, the fourth waits; who reads is not held up before that.
            assert done == [0, 1, 2]
            assert seen == [0, 1, 2, 3]
            assert topic.statistics().waiting == slow.waiting() == 3
            for _ in range(2):
                await anext(slow)
            await trio.testing.wait_all_tasks_blocked()
            assert done == [0, 1, 2, 3, 4]

    beside(lambda: publish(topic, 10, done), lambda: read(quick, seen), then=check)


def test_what_waits_is_read_after_the_end() -> None:
    topic = Topic(Records, 5)
    inbox = topic.subscribe()
    seen: list[int] = []

    async def main() -> None:
        await publish(topic, 4, [])
        seen.extend([each.seq async for each in inbox])
        with pytest.raises(StopAsyncIteration):
            await anext(inbox)

    trio.run(main)
    assert seen == [0, 1, 2, 3]


def test_a_topic_ends_even_where_its_publisher_fails() -> None:
    topic = Topic(Records, 5)
    inbox = topic.subscribe()
    seen: list[int] = []

    async def failing() -> None:
        with topic:
            await topic.publish(record(7))
            raise ZeroDivisionError

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await failing()
        await read(inbox, seen)

    trio.run(main)
    assert seen == [7]


def test_a_subscriber_gets_what_is_published_from_then_on() -> None:
    topic = Topic(Records, 5)
    early = topic.subscribe()
    seen: dict[str, list[int]] = {"early": [], "late": []}

    async def main() -> None:
        with topic:
            await topic.publish(record(1))
            late = topic.subscribe()
            await topic.publish(record(2))
        await read(early, seen["early"])
        await read(late, seen["late"])

    trio.run(main)
    assert seen == {"early": [1, 2], "late": [2]}


def test_who_leaves_is_passed_by_and_holds_up_nobody() -> None:
    topic = Topic(Records, 2)
    staying, leaving = topic.subscribe(), topic.subscribe()
    done: list[int] = []
    seen: list[int] = []

    async def leave() -> None:
        assert done == [0, 1]
        leaving.close()
        await trio.testing.wait_all_tasks_blocked()
        assert len(done) == len(seen) == 20

    beside(lambda: publish(topic, 20, done), lambda: read(staying, seen), then=leave)


def test_nobody_has_to_subscribe() -> None:
    topic = Topic(Records, 1)
    assert not topic.has_subscribers
    done: list[int] = []
    beside(lambda: publish(topic, 5, done))
    assert done == [0, 1, 2, 3, 4]
    with topic.subscribe():
        assert topic.has_subscribers


def test_cancelling_the_publisher_leaves_all_subscribers_with_the_same() -> None:
    topic = Topic(Records, 1)
    slow, slower = topic.subscribe(), topic.subscribe()
    seen: list[list[int]] = [[], []]
    scope = trio.CancelScope()

    async def publishing() -> None:
        with topic, scope:
            for seq in range(10):
                await topic.publish(record(seq))
                await trio.lowlevel.checkpoint_if_cancelled()

    async def cancel() -> None:
        scope.cancel()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, slower, seen[0])
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(read, slow, seen[1])

    beside(publishing, then=cancel)
    assert seen[0] == seen[1] == [0, 1]


def test_statistics_count_frames_bytes_and_what_waits() -> None:
    topic = Topic(Records, 8)
    topic.subscribe()

    async def main() -> None:
        assert topic.statistics().frames == topic.statistics().bytes == topic.statistics().waiting == 0
        sizes = [len(await topic.publish(record(seq))) for seq in range(5)]
        found = topic.statistics()
        assert (found.frames, found.bytes, found.waiting) == (5, sum(sizes), 5)

    trio.run(main)


def test_what_arrives_is_a_view_of_the_frame() -> None:
    topic = Topic(Records, 1)
    inbox = topic.subscribe()

    async def main() -> None:
        await topic.publish(record(1))
        event = await anext(inbox)
        assert event.records.tolist() == [1, 2, 3]
        assert not event.records.flags.owndata
        assert not event.records.flags.writeable

    trio.run(main)


def test_a_tap_gets_every_frame_at_once_and_nobody_waits_for_it() -> None:
    taken: list[bytes] = []
    topic: Topic[Records] = Topic(Records, 1)

    async def main() -> None:
        assert not topic.has_subscribers
        untap = topic.tap(taken.append)
        assert topic.has_subscribers
        for seq in range(100):
            with trio.testing.assert_no_checkpoints():
                await topic.publish(record(seq))
        untap()
        assert not topic.has_subscribers
        await topic.publish(record(100))

    trio.run(main)
    assert taken == [encode(record(seq)) for seq in range(100)]
