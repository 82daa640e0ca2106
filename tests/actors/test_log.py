"""Whoever watches a run gets what its journal gets, in order and without a gap, and where the run stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trio
import trio.testing

from actors.run import Run
from sptrader_stream.events import Progress, Records, RunEnded, RunStarted
from sptrader_stream.execution.records import RECORD_WIDTH
from tests.actors.support import Memory, make_spec, one_chunk, recorded

CANDLES = one_chunk(1_000)


@pytest.mark.parametrize("batch", [1, 7, 8192])
def test_a_subscriber_gets_every_record_once_and_in_order(tmp_path: Path, batch: int) -> None:
    records: list[Records] = []
    progress: list[Progress] = []
    others: list[RunStarted | RunEnded] = []
    run = Run(make_spec(tmp_path / "run", Memory(CANDLES), batch=batch))

    async def watch() -> None:
        with run.log.subscribe() as log:
            async for event in log:
                match event:
                    case Records():
                        records.append(event)
                    case Progress():
                        progress.append(event)
                    case _:
                        assert isinstance(event, RunStarted) == (not progress)
                        others.append(event)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await trio.testing.wait_all_tasks_blocked()
            await run.execute()

    trio.run(main)
    found = recorded(tmp_path / "run")
    next_seq = 1
    for each in records:
        assert each.seq == next_seq
        next_seq += len(each.records) // RECORD_WIDTH
    assert next_seq == found.ended.seq > 100
    assert np.concatenate([each.records for each in records]).tolist() == found.records.ravel().tolist()
    assert [each.candles for each in progress] == [*range(batch, 1000, batch), 1000]
    assert others == [found.started, found.ended]
    assert progress[-1].time == CANDLES.time[-1]
    assert progress[-1].trades == found.result["total_trades"] > 0


def test_several_subscribers_get_the_same(tmp_path: Path) -> None:
    run = Run(make_spec(tmp_path / "run", Memory(CANDLES), batch=50))
    seen: list[list[str]] = [[], [], []]

    async def watch(number: int) -> None:
        async for event in run.log.subscribe():
            for _ in range(number):
                await trio.lowlevel.checkpoint()
            seen[number].append(repr(event))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(3):
                nursery.start_soon(watch, number)
            await trio.testing.wait_all_tasks_blocked()
            await run.execute()

    trio.run(main)
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) > 20
