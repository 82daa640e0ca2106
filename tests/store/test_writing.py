"""Results that another process writes: the same as those of this one, whatever happens to that process."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import msgspec
import pytest
import trio

from sptrader_stream.errors import StorageError
from sptrader_stream.server.runs.result_process import ResultProcess
from sptrader_stream.store.results import HEAD_FILE, RESULT_FILE, Written, write_result
from sptrader_stream.store.writing import WriteAnswer, WriteRequest, answer
from tests.actors.support import Memory, make, one_chunk
from tests.store.test_results import killed_while_writing


def waiting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A run whose result is still to be written; answers what it will be."""
    killed_while_writing(folder, monkeypatch)
    head = (folder / HEAD_FILE).read_bytes()
    write_result(folder, 0)
    expected = (folder / RESULT_FILE).read_bytes()
    (folder / RESULT_FILE).unlink()
    (folder / HEAD_FILE).write_bytes(head)
    return expected


def write(folder: Path, results: ResultProcess) -> Written:
    async def main() -> Written:
        with trio.fail_after(30):
            try:
                return await results.write(folder, 3)
            finally:
                await results.leave()

    return trio.run(main)


def test_the_other_process_writes_the_same_and_says_what_it_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = waiting(tmp_path / "run", monkeypatch)
    written = write(tmp_path / "run", ResultProcess())
    assert (tmp_path / "run" / RESULT_FILE).read_bytes() == expected
    trades = json.loads(expected)["completed_trades"]
    assert len(written.last_trades) == 3
    assert written.markets[0].total_trades == len(trades)


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(StorageError, match=HEAD_FILE):
        write(tmp_path / "run", ResultProcess())


def test_a_process_that_was_killed_is_stood_in_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [waiting(tmp_path / name, monkeypatch) for name in ("run", "next", "last")]

    async def main() -> None:
        results = ResultProcess()
        with trio.fail_after(30):
            await results.write(tmp_path / "run", 3)
            assert results.process_id is not None
            os.kill(results.process_id, signal.SIGKILL)
            assert len((await results.write(tmp_path / "next", 3)).last_trades) == 3
            assert len((await results.write(tmp_path / "last", 3)).last_trades) == 3
            await results.leave()

    trio.run(main)
    assert [(tmp_path / name / RESULT_FILE).read_bytes() for name in ("run", "next", "last")] == expected


def test_a_server_that_leaves_waits_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(tmp_path / "run", monkeypatch)

    async def main() -> None:
        results = ResultProcess()
        await results.leave()
        assert (await results.write(tmp_path / "run", 3)).last_trades == []

    trio.run(main)
    assert (tmp_path / "run" / HEAD_FILE).exists()


def test_requests_and_answers_are_lines(tmp_path: Path) -> None:
    make(tmp_path / "run", Memory(one_chunk(500)))
    said = answer(msgspec.json.encode(WriteRequest(str(tmp_path / "run"), 1)))
    assert said.endswith(b"\n")
    assert b"\n" not in said[:-1]
    # It has no head any more: there is nothing to be written.
    assert msgspec.json.decode(said, type=WriteAnswer).written is None
