"""However a run ends, its folder holds what was done until then, whole, and says how it ended."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from actors.run import Run, run_blocking
from actors.spec import RunOutcome
from sptrader_stream.candles import ReadyCandles
from sptrader_stream.errors import AmountError, DataError, StorageError
from sptrader_stream.events import Progress, encode
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.files import cannot_write
from sptrader_stream.metrics.core import MetricsCore
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.store import journal
from sptrader_stream.store.recording import Recording
from tests.actors.support import (
    MONEY,
    Memory,
    Recorded,
    broken_source,
    execute,
    make,
    make_spec,
    one_chunk,
    part,
    recorded,
)

CANDLES = one_chunk(2_000)
BATCH = 100

CORES: dict[str, tuple[type, str]] = {
    "signal_engine": (SignalEngine, "process"),
    "rule_matcher": (RuleMatcher, "process"),
    "position_manager": (PositionCore, "process"),
    "metrics": (MetricsCore, "process"),
    "recorder": (Recording, "add"),
}


def fail_at_batch(monkeypatch: pytest.MonkeyPatch, core: tuple[type, str], number: int) -> None:
    """Have a core raise where it gets its batch of that number, counted from 0."""
    owner, name = core
    works: Callable[..., Any] = getattr(owner, name)
    batches = 0

    def process(*arguments: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == number + 1:
            raise ZeroDivisionError("a loose cable")
        return works(*arguments)

    monkeypatch.setattr(owner, name, process)


def stands_at(found: Recorded, folder: Path, candles: int) -> None:
    """Assert that a folder holds what a run over that many candles leaves, but for how it ended."""
    wanted = has_records_of(found, folder, candles)
    assert found.equity == wanted.equity
    assert found.ended.equity_checksum == wanted.ended.equity_checksum
    (seen,), (seen_there,) = found.ended.provenance, wanted.ended.provenance
    assert (seen.candles, seen.checksum) == (seen_there.candles, seen_there.checksum)
    assert (seen.start, seen.end) == (seen_there.start, seen_there.end)
    how = ("status", "failure", "fingerprint", "source", "provenance")
    assert {k: v for k, v in found.result.items() if k not in how} == {
        k: v for k, v in wanted.result.items() if k not in how
    }


def has_records_of(found: Recorded, folder: Path, candles: int) -> Recorded:
    """Assert that a folder holds the records of a run over that many candles; answers what such a run leaves."""
    wanted = make(folder, Memory(CANDLES, endless=True, limit=candles))
    assert found.ended.candles == candles
    assert found.records.tolist() == wanted.records.tolist()
    assert found.equity.startswith(wanted.equity)
    for list_name in ("completed_trades", "rejections"):
        assert found.result[list_name] == wanted.result[list_name]
    return wanted


@pytest.mark.parametrize("number", [0, 1, 6])
@pytest.mark.parametrize("actor", CORES)
def test_a_failing_actor_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actor: str, number: int
) -> None:
    with monkeypatch.context() as patch:
        fail_at_batch(patch, CORES[actor], number)
        outcome = execute(make_spec(tmp_path / "run", Memory(CANDLES), batch=BATCH))
    assert outcome.status == "failed"
    assert isinstance(outcome.error, ZeroDivisionError)
    assert outcome.failure is not None
    assert (outcome.failure.actor, outcome.failure.candle) == (actor, number * BATCH)
    assert "a loose cable" in outcome.failure.cause
    found = recorded(tmp_path / "run")
    assert found.ended.status == found.result["status"] == "failed"
    assert found.result["failure"] == {"actor": actor, "candle": number * BATCH, "cause": outcome.failure.cause}
    if actor in ("metrics", "recorder"):
        has_records_of(found, tmp_path / "wanted", number * BATCH)
    else:
        stands_at(found, tmp_path / "wanted", number * BATCH)


@pytest.mark.parametrize("actor", CORES)
def test_a_failing_actor_ends_a_run_that_would_never_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actor: str
) -> None:
    fail_at_batch(monkeypatch, CORES[actor], 40)
    outcome = execute(make_spec(tmp_path / "run", Memory(CANDLES, 64, endless=True), batch=1))
    assert outcome.failure is not None
    assert (outcome.failure.actor, outcome.failure.candle) == (actor, 40)


def test_no_other_run_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works = SignalEngine.process
    engines: list[SignalEngine] = []

    def process(engine: SignalEngine, candles: Any) -> Any:
        if engine not in engines:
            engines.append(engine)
        if engine is engines[0] and candles.first >= 500:
            raise ZeroDivisionError
        return works(engine, candles)

    outcomes: dict[str, RunOutcome] = {}

    async def work(name: str) -> None:
        outcomes[name] = await Run(make_spec(tmp_path / name, Memory(CANDLES), batch=BATCH)).execute()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for name in "abc":
                nursery.start_soon(work, name)

    with monkeypatch.context() as patch:
        patch.setattr(SignalEngine, "process", process)
        trio.run(main)
    assert sorted(each.status for each in outcomes.values()) == ["completed", "completed", "failed"]
    alone = make(tmp_path / "alone", Memory(CANDLES))
    for name, outcome in outcomes.items():
        if outcome.status == "completed":
            assert recorded(tmp_path / name).everything == alone.everything


@pytest.mark.parametrize("kind", ["synthetic", "csv"])
def test_a_source_that_fails_keeps_the_candles_before(tmp_path: Path, kind: str) -> None:
    outcome = execute(make_spec(tmp_path / "run", broken_source(part(CANDLES, 0, 1_000), kind), batch=BATCH))
    assert outcome.status == "failed"
    assert isinstance(outcome.error, DataError)
    assert outcome.failure is not None
    assert (outcome.failure.actor, outcome.failure.candle) == ("candle_feed", 1_000)
    assert outcome.failure.cause == "the file ends in the middle of line 7"
    found = recorded(tmp_path / "run")
    stands_at(found, tmp_path / "wanted", 1_000)


@pytest.mark.parametrize("kind", ["synthetic", "csv"])
def test_a_bug_in_a_source_fails_the_run(tmp_path: Path, kind: str) -> None:
    source = Memory(part(CANDLES, 0, 300), 100, end=ZeroDivisionError("loose"), kind=kind)
    outcome = execute(make_spec(tmp_path / "run", source, batch=BATCH))
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert outcome.failure.actor == "candle_feed"
    assert isinstance(outcome.error, ZeroDivisionError)
    assert recorded(tmp_path / "run").ended.status == "failed"


class DiskFull:
    """A disk on which a number of bytes still fit, counted over all files of the store."""

    def __init__(self, left: int, *, for_good: bool) -> None:
        self._left = left
        self._for_good = for_good
        self.was_full = False

    def write_all(self, file: Any, data: bytes | memoryview) -> None:
        view = memoryview(data).cast("B")
        if self.was_full and not self._for_good:
            self._left = 10**9
        file.write(view[: self._left])
        self._left -= len(view)
        if self._left < 0:
            self._left, self.was_full = 0, True
            raise cannot_write("disk", OSError(28, "No space left on device"))


@pytest.mark.parametrize("left", [3_000, 30_001, 70_002, 133_333])
def test_a_full_disk_fails_the_run_and_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    disk = DiskFull(left, for_good=False)
    with monkeypatch.context() as patch:
        for module in ("journal", "equity"):
            patch.setattr(f"sptrader_stream.store.{module}.write_all", disk.write_all)
        outcome = execute(make_spec(tmp_path / "run", Memory(CANDLES), batch=BATCH))
    assert disk.was_full
    assert outcome.status == "failed"
    assert isinstance(outcome.error, StorageError)
    assert outcome.failure is not None
    assert outcome.failure.actor == "recorder"
    assert "No space left on device" in outcome.failure.cause
    found = recorded(tmp_path / "run")
    has_records_of(found, tmp_path / "wanted", found.ended.candles)


def test_a_disk_that_stays_full_is_an_error_and_not_a_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = DiskFull(100_000, for_good=True)
    with monkeypatch.context() as patch:
        for module in ("journal", "equity"):
            patch.setattr(f"sptrader_stream.store.{module}.write_all", disk.write_all)
        with pytest.raises(StorageError, match="No space left"):
            execute(make_spec(tmp_path / "run", Memory(CANDLES), batch=BATCH))
    make(tmp_path / "wanted", Memory(CANDLES))
    found, wanted = ([encode(each) for each in journal.read_journal(tmp_path / name)] for name in ("run", "wanted"))
    assert len(found) > 3
    assert found[1:] == wanted[1 : len(found)]


@pytest.mark.parametrize("kind", ["synthetic", "csv"])
@pytest.mark.parametrize("batch", [1, 64])
def test_a_cancelled_run_ends_within_a_batch(tmp_path: Path, batch: int, kind: str) -> None:
    source = Memory(CANDLES, batch, kind=kind, endless=True)
    run = Run(make_spec(tmp_path / "run", source, batch=batch))
    fed_at_cancel = None

    async def watch() -> None:
        nonlocal fed_at_cancel
        async for event in run.log.subscribe():
            if isinstance(event, Progress) and event.candles >= 5 * batch and fed_at_cancel is None:
                run.cancel()
                fed_at_cancel = run._pipeline.feed.candle

    outcome = run_beside(run, watch)
    assert outcome.status == "cancelled"
    assert outcome.failure is None
    assert outcome.error is None
    assert fed_at_cancel is not None
    found = recorded(tmp_path / "run")
    assert found.ended.status == found.result["status"] == "cancelled"
    assert fed_at_cancel <= found.ended.candles <= fed_at_cancel + batch
    stands_at(found, tmp_path / "wanted", found.ended.candles)


def run_beside(run: Run, *others: Callable[[], Any]) -> RunOutcome:
    """Execute a run while other tasks watch it."""

    async def main() -> RunOutcome:
        async with trio.open_nursery() as nursery:
            for other in others:
                nursery.start_soon(other)
            await trio.testing.wait_all_tasks_blocked()
            return await run.execute()

    return trio.run(main)


def test_a_run_can_be_cancelled_before_it_begins(tmp_path: Path) -> None:
    run = Run(make_spec(tmp_path / "run", Memory(CANDLES, endless=True)))
    run.cancel()
    assert trio.run(run.execute).status == "cancelled"
    stands_at(recorded(tmp_path / "run"), tmp_path / "wanted", 0)


def test_cancelling_a_run_that_is_over_changes_nothing(tmp_path: Path) -> None:
    run = Run(make_spec(tmp_path / "run", Memory(CANDLES)))
    assert trio.run(run.execute).status == "completed"
    run.cancel()
    assert recorded(tmp_path / "run").ended.status == "completed"


@pytest.mark.parametrize("watched", ["not at all", "from outside", "from inside"])
@pytest.mark.parametrize("batch", [1, 64, 8192])
def test_a_run_that_is_cancelled_from_outside_has_its_result(tmp_path: Path, batch: int, watched: str) -> None:
    source = Memory(CANDLES, batch, endless=True)
    run = Run(make_spec(tmp_path / "run", source, batch=batch))
    scope = trio.CancelScope()
    enough = max(3 * batch, 100)

    async def watch() -> None:
        with run.log.subscribe() as log:
            async for _ in log:
                if source.given >= enough:
                    scope.cancel()

    async def cancel_by_source() -> None:
        while source.given < enough:
            await trio.lowlevel.checkpoint()
        scope.cancel()

    async def main() -> None:
        async with trio.open_nursery() as outside:
            if watched == "from outside":
                outside.start_soon(watch)
            outside.start_soon(cancel_by_source)
            with scope:
                async with trio.open_nursery() as inside:
                    if watched == "from inside":
                        inside.start_soon(watch)
                    await run.execute()

    trio.run(main)
    assert scope.cancelled_caught
    found = recorded(tmp_path / "run")
    assert found.ended.status == found.result["status"] == "cancelled"
    assert found.ended.candles > 0
    stands_at(found, tmp_path / "wanted", found.ended.candles)


@pytest.mark.parametrize("batch", [1, 64, 8192])
def test_a_subscriber_that_leaves_is_not_missed(tmp_path: Path, batch: int) -> None:
    run = Run(make_spec(tmp_path / "run", Memory(CANDLES), batch=batch))

    async def watch() -> None:
        with run.log.subscribe() as log:
            async for _ in log:
                return

    outcome = run_beside(run, watch)
    assert outcome.status == "completed"
    stands_at(recorded(tmp_path / "run"), tmp_path / "wanted", 2_000)


@pytest.mark.parametrize("batch", [1, 64, 8192])
def test_an_error_of_whoever_shows_progress_is_raised_and_ends_the_run(tmp_path: Path, batch: int) -> None:
    def show(progress: Progress) -> None:
        raise BrokenPipeError("nobody reads")

    spec = make_spec(tmp_path / "run", Memory(CANDLES, batch, endless=True), batch=batch)
    with pytest.raises(BrokenPipeError, match="nobody reads"):
        run_blocking(spec, show)
    assert recorded(tmp_path / "run").ended.status == "cancelled"


def test_ctrl_c_cancels_and_keeps_what_was_done(tmp_path: Path) -> None:
    interrupted = threading.Event()

    def interrupt(progress: Progress) -> None:
        if progress.candles >= 500 and not interrupted.is_set():
            interrupted.set()
            os.kill(os.getpid(), signal.SIGINT)

    outcome = run_blocking(make_spec(tmp_path / "run", Memory(CANDLES, 10, endless=True), batch=10), interrupt)
    assert outcome.status == "cancelled"
    found = recorded(tmp_path / "run")
    assert found.ended.status == "cancelled"
    assert found.ended.candles >= 500
    stands_at(found, tmp_path / "wanted", found.ended.candles)


def test_no_candles_at_all(tmp_path: Path) -> None:
    found = make(tmp_path / "run", Memory(part(CANDLES, 0, 0)))
    result = found.result
    assert (len(found.records), found.equity) == (0, b"")
    assert result["start_time"] is result["end_time"] is None
    assert result["start_capital"] == result["end_capital"] == "100000.00"
    assert result["total_trades"] == 0
    assert result["completed_trades"] == result["open_positions"] == result["rejections"] == []


def test_one_candle(tmp_path: Path) -> None:
    found = make(tmp_path / "run", Memory(part(CANDLES, 0, 1)))
    assert found.result["start_time"] == found.result["end_time"] is not None
    assert found.result["end_capital"] == "100000.00"
    assert found.equity == CANDLES.time[:1].tobytes() + (100_000 * MONEY).to_bytes(8, "little")


def test_a_strategy_that_never_trades(tmp_path: Path) -> None:
    text = "name: idle\nentry:\n  when:\n    - expr: close < 0\n  action: buy\n  size: 0.1\n"
    found = make(tmp_path / "run", Memory(CANDLES), compile_strategy(text, "idle.yaml"))
    result = found.result
    assert len(found.records) == 0
    assert result["total_trades"] == result["signals_generated"] == 0
    assert result["total_pnl"] == "0.00"
    assert result["start_capital"] == result["end_capital"] == "100000.00"
    assert result["max_drawdown"] == 0
    assert result["sharpe_ratio"] is None or result["sharpe_ratio"] == 0


def test_capital_too_small_for_one_lot(tmp_path: Path) -> None:
    found = make(tmp_path / "run", Memory(CANDLES), capital=MONEY // 2)
    result = found.result
    assert result["total_trades"] == 0
    assert result["start_capital"] == result["end_capital"] == "0.50"
    assert len(result["rejections"]) == len(found.records) > 100
    assert {each["reason"] for each in result["rejections"]} == {"below_minimum"}
    assert {Decimal(each["quantity"]) for each in result["rejections"]} == {Decimal(0)}


def test_amounts_beyond_exact_arithmetic_fail_the_run_at_their_candle(tmp_path: Path) -> None:
    close, high = CANDLES.close.copy(), CANDLES.high.copy()
    close[250:] = high[250:] = 2**61
    source = Memory(msgspec.structs.replace(CANDLES, close=close, high=high))
    outcome = execute(make_spec(tmp_path / "run", source, batch=BATCH))
    assert outcome.status == "failed"
    assert isinstance(outcome.error, AmountError)
    assert outcome.failure is not None
    assert (outcome.failure.actor, outcome.failure.candle) == ("position_manager", 200)
    assert "candle 25" in outcome.failure.cause
    has_records_of(recorded(tmp_path / "run"), tmp_path / "wanted", 200)


def test_a_folder_holds_one_run(tmp_path: Path) -> None:
    first = make(tmp_path / "run", Memory(CANDLES))
    with pytest.raises(StorageError, match="choose another folder"):
        execute(make_spec(tmp_path / "run", Memory(part(CANDLES, 0, 10))))
    assert recorded(tmp_path / "run").everything == first.everything
    assert json.loads((tmp_path / "run" / "result.json").read_bytes())["timing"]["candles"] == 2_000


class Silent(Memory):
    """A source that gives some candles and then waits for somebody who never comes, until it is stopped."""

    def __init__(self) -> None:
        super().__init__(CANDLES, 500, kind="http")
        self._is_stopped = threading.Event()
        self.is_waiting = threading.Event()

    def chunks(self) -> Iterator[ReadyCandles]:
        yield from super().chunks()
        self.is_waiting.set()
        assert self._is_stopped.wait(20)
        raise DataError("stopped")

    def stop(self) -> None:
        self._is_stopped.set()


def test_a_run_whose_source_waits_for_others_is_cancelled_at_once(tmp_path: Path) -> None:
    source = Silent()
    run = Run(make_spec(tmp_path / "run", source, batch=BATCH))

    async def cancel() -> None:
        await trio.to_thread.run_sync(source.is_waiting.wait)
        run.cancel()

    async def main() -> RunOutcome:
        with trio.fail_after(15):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(cancel)
                return await run.execute()

    outcome = trio.run(main)
    assert (outcome.status, outcome.failure) == ("cancelled", None)
