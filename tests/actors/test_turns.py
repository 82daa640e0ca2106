"""Turns: one in a pass of the scheduler, in the order of asking; a lone run never waits."""

from __future__ import annotations

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


def test_runs_get_turns_in_the_order_of_asking_and_one_in_a_pass() -> None:
    order: list[int] = []
    most = 0

    async def run(number: int, turns: Turns) -> None:
        with turns.part():
            # Until all of them take part.
            await trio.lowlevel.checkpoint()
            for _ in range(20):
                await turns.take()
                order.append(number)

    async def count_passes() -> None:
        nonlocal most
        while len(order) < 200:
            before = len(order)
            await trio.lowlevel.checkpoint()
            most = max(most, len(order) - before)

    async def main() -> None:
        async with open_turns() as turns, trio.open_nursery() as nursery:
            nursery.start_soon(count_passes)
            for number in range(10):
                nursery.start_soon(run, number, turns)

    trio.run(main)
    rounds = [sorted(order[start : start + 10]) for start in range(20, 180, 10)]
    assert rounds == [list(range(10))] * len(rounds)
    # In the first pass those that came before the others take theirs at once.
    assert most <= 3


def test_who_waits_for_a_turn_can_be_cancelled() -> None:
    async def main() -> None:
        turns = Turns()
        with turns.part(), turns.part():
            await turns.take()
            with trio.move_on_after(0) as scope:
                await turns.take()
            assert scope.cancelled_caught

    trio.run(main)
