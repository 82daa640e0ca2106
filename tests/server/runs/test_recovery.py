"""What a server finds when it starts: the result of a run that had ended is written if the last server did not."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import trio
from structlog.testing import capture_logs

from sptrader_stream.server.runs.recovery import recover
from sptrader_stream.server.runs.result_process import ResultProcess
from sptrader_stream.server.runs.run_file import RunFile, read_run_file
from sptrader_stream.store.journal import JOURNAL_FILE
from sptrader_stream.store.results import HEAD_FILE, RESULT_FILE
from tests.actors.support import Memory, make
from tests.server.runs.registries import CANDLES, open_registry, request


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run that has ended; the server was stopped before its result was written."""

    async def main() -> Path:
        results = ResultProcess()
        await results.leave()
        with trio.fail_after(30):
            async with open_registry(tmp_path / "backtests", write_result=results.write) as registry:
                handle = await registry.start(request())
                await handle.wait_written()
        return handle.folder

    return trio.run(main)


def run_file(folder: Path) -> RunFile:
    content = read_run_file(folder)
    assert content is not None
    return content


def test_a_run_that_ended_without_its_result_has_it_afterwards(folder: Path, tmp_path: Path) -> None:
    known = run_file(folder)
    assert known.status.status == "completed"
    assert (folder / HEAD_FILE).is_file()
    assert not (folder / RESULT_FILE).exists()
    assert recover(folder.parent) == [(known, folder)]
    result = json.loads((folder / RESULT_FILE).read_bytes())
    del result["timing"], result["run_id"]
    assert result == make(tmp_path / "whole", Memory(CANDLES)).result
    assert not (folder / HEAD_FILE).exists()
    assert run_file(folder) == known


def test_a_run_whose_result_cannot_be_written_is_listed_all_the_same(folder: Path) -> None:
    known = run_file(folder)
    (folder / HEAD_FILE).write_bytes(b"{}")
    with capture_logs() as logs:
        assert recover(folder.parent) == [(known, folder)]
    (warning,) = logs
    assert (warning["log_level"], warning["folder"]) == ("warning", str(folder))
    assert str(folder / HEAD_FILE) in warning["error"]
    assert not (folder / RESULT_FILE).exists()


def test_no_result_is_made_of_a_journal_that_lost_its_end(folder: Path) -> None:
    known = run_file(folder)
    journal = folder / JOURNAL_FILE
    journal.write_bytes(journal.read_bytes()[:-1])
    assert recover(folder.parent) == [(known, folder)]
    assert not (folder / RESULT_FILE).exists()


def test_a_run_that_was_not_known_to_have_ended_is_known_and_whole_afterwards(folder: Path) -> None:
    known = run_file(folder)
    under_way = msgspec.structs.replace(known.status, status="running", ended_at=None, fingerprint=None)
    (folder / "run.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(known, status=under_way)))
    ((found, _),) = recover(folder.parent)
    assert (found.status.status, found.status.fingerprint) == ("completed", known.status.fingerprint)
    assert run_file(folder) == found
    assert (folder / RESULT_FILE).is_file()
