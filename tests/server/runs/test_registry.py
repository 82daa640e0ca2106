"""The registry of runs: a queue that is visible, limited concurrency, control, and nothing that is lost."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from sptrader_stream.errors import DataError, StorageError
from sptrader_stream.pace import parse_pace
from sptrader_stream.server.documents import RunRequest
from sptrader_stream.server.request_errors import (
    InvalidRequestError,
    QueueFullError,
    StateConflictError,
    UnknownRunError,
)
from sptrader_stream.server.runs.handle import RunHandle
from sptrader_stream.server.runs.registry import Registry
from sptrader_stream.server.runs.run_file import read_run_file
from sptrader_stream.store.recording import Recording
from sptrader_stream.store.runs import read_record
from tests.actors.support import Memory, make, recorded
from tests.server.runs.registries import CANDLES, NOON, open_registry, request


def run_in(
    backtests: Path, test: Callable[[Registry], Awaitable[None]], make_spec: Any = None, **settings: Any
) -> None:
    """Let a test work with a registry of its own, for 30 seconds at most."""

    async def main() -> None:
        with trio.fail_after(30):
            async with open_registry(backtests, make_spec, **settings) as registry:
                await test(registry)

    trio.run(main)


async def until(handle: RunHandle, reached: Callable[[], bool], registry: Registry) -> None:
    """Wait until something holds that a change of the run brings about."""
    changed = trio.Event()

    def look(_: RunHandle) -> None:
        if reached():
            changed.set()

    registry.on_change.append(look)
    look(handle)
    await changed.wait()
    registry.on_change.remove(look)


def test_a_run_goes_from_the_queue_to_its_end_and_its_status_is_its_result(tmp_path: Path) -> None:
    seen: list[str] = []

    async def test(registry: Registry) -> None:
        registry.on_change.append(lambda each: seen.append(each.state))
        handle = await registry.start(request())
        assert handle.state == "queued"
        await handle.wait_written()
        status = handle.status()
        head = read_record(handle.folder).head
        assert status.status == "completed"
        assert (status.current_capital, status.trades_count) == (head.end_capital, head.total_trades)
        assert (status.candles, status.fingerprint, status.time) == (2_000, head.fingerprint, head.end_time)
        assert status.progress_pct == 100.0
        assert status.start_capital == "100000.00"
        assert status.next_seq == recorded(handle.folder).ended.seq + 1
        content = read_run_file(handle.folder)
        assert content is not None
        assert content.status == status
        assert content.request == request()

    run_in(tmp_path, test)
    assert list(dict.fromkeys(seen)) == ["queued", "running", "completed"]


def test_a_run_of_the_server_is_the_run_of_the_command_line(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        handle = await registry.start(request())
        await handle.wait_written()

    run_in(tmp_path / "server", test)
    alone = make(tmp_path / "alone", Memory(CANDLES))
    assert recorded(tmp_path / "server" / "short-1").everything == alone.everything


def test_no_more_runs_compute_than_may_and_none_is_lost(tmp_path: Path) -> None:
    most = 0
    positions: set[int | None] = set()

    async def test(registry: Registry) -> None:
        def look(handle: RunHandle) -> None:
            nonlocal most
            most = max(most, sum(each.state == "running" for each in registry.list()))
            positions.add(handle.queue_position)

        registry.on_change.append(look)
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(registry.start, request())
        for handle in registry.list():
            await handle.wait_written()
        assert [each.state for each in registry.list()] == ["completed"] * 20
        assert len({each.status().fingerprint for each in registry.list()}) == 1

    run_in(tmp_path, test, max_running=2)
    assert most == 2
    assert {1, 2, 3, 10} < positions


def test_places_in_the_queue_are_in_the_order_of_asking(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        first = await registry.start(request("endless"))
        await until(first, lambda: first.state == "running", registry)
        waiting = [await registry.start(request()) for _ in range(3)]
        assert [each.status().queue_position for each in waiting] == [1, 2, 3]
        await registry.cancel(waiting[0].id)
        await registry.cancel(first.id)
        for handle in waiting[1:]:
            await handle.wait_written()

    run_in(tmp_path, test, max_running=1)


def test_a_full_queue_takes_no_more(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        first = await registry.start(request("endless"))
        await until(first, lambda: first.state == "running", registry)
        await registry.start(request())
        with pytest.raises(QueueFullError, match="1 runs wait already"):
            await registry.start(request())

    run_in(tmp_path, test, max_running=1, max_queued=1)


def test_a_run_that_is_cancelled_in_the_queue_never_begins(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        first = await registry.start(request("endless"))
        await until(first, lambda: first.state == "running", registry)
        waiting = await registry.start(request())
        await registry.cancel(waiting.id)
        assert (waiting.state, waiting.status().candles, waiting.status().started_at) == ("cancelled", 0, None)
        assert waiting.log.is_ended
        assert [each.name for each in waiting.folder.iterdir()] == ["run.json"]
        with pytest.raises(StateConflictError, match="is cancelled"):
            await registry.cancel(waiting.id)

    run_in(tmp_path, test, max_running=1)


def test_a_cancelled_run_keeps_what_it_did_and_others_notice_nothing(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        endless = await registry.start(request("endless"))
        other = await registry.start(request("endless"))
        await until(endless, lambda: endless.status().trades_count > 10, registry)
        await registry.cancel(endless.id)
        assert (endless.state, (endless.status().ended_at or "")[:11]) == ("cancelled", "2025-06-01T")
        await endless.wait_written()
        head = read_record(endless.folder).head
        assert (head.status, head.total_trades) == ("cancelled", endless.status().trades_count)
        assert other.state == "running"

    run_in(tmp_path, test)


def test_a_paused_run_stands_at_a_candle_and_leaves_its_place_to_the_next(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        first = await registry.start(request("endless"))
        await until(first, lambda: first.state == "running", registry)
        second = await registry.start(request("endless"))
        first.pause()
        assert first.state == "paused"
        await until(second, lambda: second.status().candles > 1_000, registry)
        assert second.state == "running"
        first.set_pace(parse_pace(1_000))
        first.resume()
        assert (first.state, first.status().pace) == ("running", "1000")

    run_in(tmp_path, test, max_running=1)


def test_a_run_is_stepped_by_exactly_so_many_candles(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        handle = await registry.start(request("endless", pace=1))
        handle.pause()
        await until(handle, lambda: handle.started is not None, registry)
        before = handle.status().candles
        handle.step(7)
        await until(handle, lambda: handle.state == "paused" and handle.status().candles == before + 7, registry)
        handle.step_to_trade()
        await until(handle, lambda: handle.state == "paused" and handle.status().trades_count > 0, registry)
        assert handle.status().trades_count >= 1

    run_in(tmp_path, test)


def test_what_is_over_cannot_be_controlled(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        handle = await registry.start(request())
        await handle.wait_written()
        for control in (handle.pause, handle.resume, handle.step_to_trade, handle.cancel, lambda: handle.step(1)):
            with pytest.raises(StateConflictError, match="short-1 is completed"):
                control()

    run_in(tmp_path, test)


def test_a_run_is_removed_with_all_that_it_left(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        endless = await registry.start(request("endless"))
        with pytest.raises(StateConflictError, match="cancel it before"):
            await registry.remove(endless.id)
        await registry.cancel(endless.id)
        await registry.remove(endless.id)
        assert not endless.folder.exists()
        assert registry.list() == []
        with pytest.raises(UnknownRunError, match="endless-1"):
            registry.get(endless.id)

    run_in(tmp_path, test)


def test_runs_are_listed_newest_first_and_by_what_is_asked_for(tmp_path: Path) -> None:
    async def test(registry: Registry) -> None:
        ids = [(await registry.start(request())).id for _ in range(3)]
        for each in ids:
            await registry.get(each).wait_written()
        assert [each.id for each in registry.list()] == ids[::-1]
        assert len(registry.list(status="completed", strategy="busy", symbol="EURUSD")) == 3
        assert registry.list(status="failed") == registry.list(strategy="no") == registry.list(symbol="XAUUSD") == []

    run_in(tmp_path, test)


def test_what_is_not_possible_leaves_nothing_behind(tmp_path: Path) -> None:
    def refuse(_: RunRequest) -> Any:
        raise DataError("no such candles")

    async def test(registry: Registry) -> None:
        with pytest.raises(DataError):
            await registry.start(request())
        with pytest.raises(InvalidRequestError, match="not a pace") as caught:
            await registry.start(request(pace="slowly"))
        assert [each.path for each in caught.value.errors] == ["pace"]
        assert registry.list() == []

    run_in(tmp_path / "backtests", test, refuse)
    assert not (tmp_path / "backtests").exists()


def test_when_the_server_ends_runs_under_way_are_interrupted_and_so_they_are_found_again(tmp_path: Path) -> None:
    ids: list[str] = []

    async def first(registry: Registry) -> None:
        done = await registry.start(request())
        await done.wait_written()
        under_way = await registry.start(request("endless"))
        await until(under_way, lambda: under_way.status().trades_count > 5, registry)
        waiting = await registry.start(request())
        ids.extend((done.id, under_way.id, waiting.id))

    async def second(registry: Registry) -> None:
        done, under_way, waiting = (registry.get(each) for each in ids)
        assert [each.state for each in (done, under_way, waiting)] == ["completed", "interrupted", "interrupted"]
        assert under_way.status().trades_count == read_record(under_way.folder).head.total_trades > 5
        assert [each.id for each in registry.list()] == ids[::-1]

    run_in(tmp_path, first, max_running=1)
    run_in(tmp_path, second, max_running=1)


def test_a_crash_leaves_runs_that_are_found_as_interrupted_with_what_they_did(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    copied: dict[str, Any] = {}

    async def crashing(registry: Registry) -> None:
        done = await registry.start(request())
        await done.wait_written()
        handle = await registry.start(request("endless"))
        await until(handle, lambda: handle.status().trades_count > 5, registry)
        handle.pause()
        status = handle.status()
        shutil.copytree(before, after)
        copied.update(done=done.status(), id=handle.id, next_seq=status.next_seq, trades=status.trades_count)

    async def again(registry: Registry) -> None:
        assert registry.get("short-1").status() == copied["done"]
        handle = registry.get(copied["id"])
        assert handle.state == "interrupted"
        # What was under way between the last look and the copy may be there, too.
        assert handle.status().trades_count >= copied["trades"]
        assert handle.status().next_seq > copied["next_seq"]
        content = read_run_file(handle.folder)
        assert content is not None
        assert content.status.status == "interrupted"

    run_in(before, crashing)
    run_in(after, again)


def test_runs_of_the_command_line_are_listed_once_they_have_ended(tmp_path: Path) -> None:
    make(tmp_path / "mine", Memory(CANDLES))
    make(tmp_path / "going-on", Memory(CANDLES))
    (tmp_path / "going-on" / "result.json").unlink()

    async def test(registry: Registry) -> None:
        (found,) = registry.list()
        head = read_record(tmp_path / "mine").head
        status = found.status()
        assert (found.id, found.state, found.request) == ("mine", "completed", None)
        assert (status.trades_count, status.current_capital) == (head.total_trades, head.end_capital)

    run_in(tmp_path, test, keep_runs=1)


def test_the_oldest_runs_go_when_there_are_too_many(tmp_path: Path) -> None:
    make(tmp_path / "mine", Memory(CANDLES))

    async def test(registry: Registry) -> None:
        for _ in range(4):
            await (await registry.start(request())).wait_written()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert [each.id for each in registry.list()] == ["short-4", "short-3", "mine"]

    run_in(tmp_path, test, keep_runs=2)
    assert {each.name for each in tmp_path.iterdir()} == {"short-3", "short-4", "mine"}


def test_runs_go_when_they_are_too_old(tmp_path: Path) -> None:
    async def first(registry: Registry) -> None:
        await (await registry.start(request())).wait_written()

    async def later(registry: Registry) -> None:
        assert registry.list() == []

    def in_eight_days() -> datetime:
        return NOON + timedelta(days=8)

    run_in(tmp_path, first, keep_days=7)
    run_in(tmp_path, later, keep_days=7, now=in_eight_days)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add = Recording.add

    def full(self: Recording, report: Any) -> Any:
        if report.first >= 1_000:
            raise StorageError("journal.msgpack: cannot be written: No space left on device")
        return add(self, report)

    async def test(registry: Registry) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Recording, "add", full)
            handle = await registry.start(request())
            await handle.wait_written()
        status = handle.status()
        assert (status.status, status.candles) == ("failed", 1_000)
        assert status.failure is not None
        assert "No space left" in status.failure.cause
        healthy = await registry.start(request())
        await healthy.wait_written()
        assert healthy.state == "completed"

    run_in(tmp_path, test)


def test_a_disk_that_is_full_from_the_beginning_on_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Any:
        raise StorageError("equity.bin: cannot be written: No space left on device")

    async def test(registry: Registry) -> None:
        monkeypatch.setattr("actors.run.Recording", full)
        handle = await registry.start(request())
        await handle.wait_written()
        assert handle.state == "failed"
        assert handle.log.is_ended

    run_in(tmp_path, test)


def test_a_mistake_of_ours_fails_the_run_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    async def test(registry: Registry) -> None:
        other = await registry.start(request("endless"))
        await until(other, lambda: other.status().candles > 0, registry)
        monkeypatch.setattr("actors.pipeline.recorder", broken)
        handle = await registry.start(request())
        await handle.wait_written()
        status = handle.status()
        assert status.status == "failed"
        assert status.failure is not None
        assert (status.failure.actor, status.failure.cause) == ("recorder", "ours")
        assert other.state == "running"

    run_in(tmp_path, test)
