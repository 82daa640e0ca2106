"""Turns: one while a batch goes through the actors, in the order of asking; a lone run never waits."""

from __future__ import annotations

import itertools

import trio
import trio.testing

from actors.turns import Turns, open_turns


def test_a_lone_run_never_waits() -> None:
    async def main() -> None:
        async with open_turns() as turns:
            with turns.part():
                for _ in range(1_000):
                    with trio.testing.assert_no_checkpoints():
                        await turns.take()

    trio.run(main)


def test_runs_get_turns_in_the_order_of_asking_and_one_while_a_batch_goes_through() -> None:
    order: list[int] = []
    moments: list[int] = []
    passes = 0

    async def run(number: int, turns: Turns) -> None:
        with turns.part():
            # Until all of them take part.
            await trio.lowlevel.checkpoint()
            for _ in range(20):
                await turns.take()
                order.append(number)
                moments.append(passes)

    async def count_passes() -> None:
        nonlocal passes
        while len(order) < 200:
            passes += 1
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        async with open_turns() as turns, trio.open_nursery() as nursery:
            nursery.start_soon(count_passes)
            for number in range(10):
                nursery.start_soon(run, number, turns)

    trio.run(main)
    rounds = [sorted(order[start : start + 10]) for start in range(20, 180, 10)]
    assert rounds == [list(range(10))] * len(rounds)
    # There are six actors in a row, and the recorder's own two steps.
    assert min(later - sooner for sooner, later in itertools.pairwise(moments[20:180])) >= 8


def test_who_waits_for_a_turn_can_be_cancelled() -> None:
    async def main() -> None:
        turns = Turns()
        with turns.part(), turns.part():
            await turns.take()
            with trio.move_on_after(0) as scope:
                await turns.take()
            assert scope.cancelled_caught

    trio.run(main)
