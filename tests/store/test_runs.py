"""Runs of before: found by name, path or as the last one, and made again from their journal alone."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from actors.spec import RunSpec
from sptrader_stream.errors import DataError, StorageError, UserError
from sptrader_stream.opening import open_source
from sptrader_stream.rules.loader import compile_strategy, load_strategy
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.store.journal import JOURNAL_FILE
from sptrader_stream.store.remake import CandlesAgain, remake
from sptrader_stream.store.results import RESULT_FILE, write_head
from sptrader_stream.store.runs import find_run, read_record, read_started
from sptrader_stream.timeframes import parse_time
from tests.actors.support import EURUSD, MONEY, ROOT, Memory, execute, make, one_chunk, recorded


def runs(backtests: Path, *names: str) -> None:
    """Folders that look like runs, each a second newer than the one before."""
    for age, name in enumerate(names):
        (backtests / name).mkdir(parents=True)
        journal = backtests / name / JOURNAL_FILE
        journal.touch()
        os.utime(journal, (1_700_000_000 + age,) * 2)


def test_a_run_is_found_by_its_name_or_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(tmp_path / "backtests", "first", "second")
    runs(tmp_path, "elsewhere")
    monkeypatch.chdir(tmp_path)
    assert find_run(Path("backtests"), "first") == Path("backtests/first")
    assert find_run(Path("backtests"), "backtests/second") == Path("backtests/second")
    assert find_run(Path("backtests"), "elsewhere") == Path("elsewhere")


def test_last_is_the_run_that_was_written_last(tmp_path: Path) -> None:
    runs(tmp_path, "b", "c", "a")
    (tmp_path / "not-a-run").mkdir()
    assert find_run(tmp_path, "last") == tmp_path / "a"


@pytest.mark.parametrize("name", ["", " ", "secon", "nothing-like-it"])
def test_a_run_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, name: str) -> None:
    runs(tmp_path, "first", "second")
    with pytest.raises(UserError, match="second"):
        find_run(tmp_path, name)


def test_without_runs_there_is_no_last_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run yet"):
        find_run(tmp_path / "backtests", "last")


def test_what_was_run_and_what_it_came_to_are_read_back(tmp_path: Path) -> None:
    found = make(tmp_path / "run", Memory(one_chunk(300)))
    record = read_record(tmp_path / "run")
    assert record.started == found.started
    head = json.loads(msgspec.json.encode(record.head))
    del head["timing"], head["run_id"]
    assert head == {name: found.result[name] for name in head}
    assert record.period == (parse_time(found.result["start_time"]), parse_time(found.result["end_time"]))


def test_a_result_is_read_without_its_lists(tmp_path: Path) -> None:
    """However many trades there are, reading what a run came to takes no memory for them."""
    make(tmp_path / "run", Memory(one_chunk(300)))
    result = tmp_path / "run" / RESULT_FILE
    document = json.loads(result.read_bytes())
    row = document["completed_trades"][0]
    result.write_bytes(json.dumps(document | {"completed_trades": [row] * 50_000}).encode())
    tracemalloc.start()
    try:
        assert read_record(tmp_path / "run").head.total_trades == document["total_trades"]
        assert tracemalloc.get_traced_memory()[1] < result.stat().st_size // 10
    finally:
        tracemalloc.stop()


def test_a_folder_of_a_run_that_was_killed_is_told_apart(tmp_path: Path) -> None:
    make(tmp_path / "run", Memory(one_chunk(100)))
    (tmp_path / "run" / RESULT_FILE).unlink()
    with pytest.raises(StorageError, match="not over, or it was killed"):
        read_record(tmp_path / "run")
    assert read_started(tmp_path / "run").run_id == "run"
    (tmp_path / "run" / JOURNAL_FILE).write_bytes(b"")
    with pytest.raises(StorageError, match="does not begin with the start of a run"):
        read_started(tmp_path / "run")
    (tmp_path / "run" / JOURNAL_FILE).write_bytes(b"\5\0\0\0other")
    with pytest.raises(StorageError, match="not a journal"):
        read_started(tmp_path / "run")


def test_a_run_whose_result_is_still_to_be_written_is_told_apart_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    make(folder, Memory(one_chunk(100)))
    write_head(folder, read_record(folder).head)
    (folder / RESULT_FILE).unlink()
    names = sorted(each.name for each in folder.iterdir())
    with pytest.raises(StorageError, match=r"the run is over, .* the server writes it at its next start"):
        read_record(folder)
    assert sorted(each.name for each in folder.iterdir()) == names
    journal = folder / JOURNAL_FILE
    journal.write_bytes(journal.read_bytes()[:-1])
    with pytest.raises(StorageError, match="not over, or it was killed; run it again"):
        read_record(folder)


@pytest.mark.parametrize("lost", [1, 5, 400])
def test_a_journal_that_lost_its_end_is_not_taken_for_the_whole_run(tmp_path: Path, lost: int) -> None:
    folder = tmp_path / "run"
    make(folder, Memory(one_chunk()))
    read_record(folder)
    journal = folder / JOURNAL_FILE
    journal.write_bytes(journal.read_bytes()[:-lost])
    with pytest.raises(StorageError, match=r"journal.msgpack: ends too soon, a part of the run is lost; run it again"):
        read_record(folder)


def write_candles(file: Path, rows: int = 200) -> None:
    lines = ["time,open,high,low,close"]
    for row in range(rows):
        price = 1.1 + (row * 7919 % 101) / 10_000
        lines.append(f"{1_736_121_600 + 3600 * row},{price:.5f},{price + 0.002:.5f},{price - 0.002:.5f},{price:.5f}")
    file.write_text("\n".join(lines))


def spec_of(folder: Path, file: Path) -> RunSpec:
    plan = load_strategy(ROOT / "strategies" / "ma_crossover_strategy.yaml", {"fast": "3", "slow": "8"})
    start = parse_time("2025-01-06T12:00:00Z")
    source = open_source(str(file), EURUSD, start=start)
    market = MarketSpec(EURUSD, source, start)
    return RunSpec(run_id=folder.name, strategy=plan, markets=(market,), capital=5_000 * MONEY, folder=folder)


def test_a_run_is_made_again_from_its_journal(tmp_path: Path) -> None:
    write_candles(tmp_path / "EURUSD-1h.csv")
    execute(spec_of(tmp_path / "run", tmp_path / "EURUSD-1h.csv"))
    again = remake(read_started(tmp_path / "run"))
    assert again.notes == (None,)
    execute(
        RunSpec(
            run_id="run", strategy=again.strategy, markets=again.markets, capital=again.capital,
            folder=tmp_path / "again", data_policy=again.data_policy,
        )
    )  # fmt: skip
    first, second = recorded(tmp_path / "run"), recorded(tmp_path / "again")
    assert first.result["total_trades"] > 5
    assert second.everything == first.everything
    assert (second.started.strategy_digest, second.started.parameters) == (
        first.started.strategy_digest,
        first.started.parameters,
    )


def test_synthetic_candles_are_made_again(tmp_path: Path) -> None:
    source = open_source("synthetic", EURUSD, timeframe="1h", start=0, end=parse_time("1970-02-01"))
    plan = compile_strategy("name: s\nentry: {when: [{expr: close > open}], action: buy, size: 0.1}\n", "s.yaml")
    market = MarketSpec(EURUSD, source, 0, parse_time("1970-02-01"))
    execute(RunSpec(run_id="r", strategy=plan, markets=(market,), capital=MONEY, folder=tmp_path / "r"))
    again = remake(read_started(tmp_path / "r"))
    assert again.markets[0].source.info == source.info
    assert again.notes == (None,)


def test_a_file_that_changed_is_noted(tmp_path: Path) -> None:
    file = tmp_path / "EURUSD-1h.csv"
    write_candles(file)
    execute(spec_of(tmp_path / "run", file))
    write_candles(file, rows=210)
    (note,) = remake(read_started(tmp_path / "run")).notes
    assert note is not None
    assert "EURUSD-1h.csv has changed since the run" in note
    assert f"{file.stat().st_size:,} now" in note


def test_a_file_that_is_gone_is_an_error_that_says_which(tmp_path: Path) -> None:
    write_candles(tmp_path / "EURUSD-1h.csv")
    execute(spec_of(tmp_path / "run", tmp_path / "EURUSD-1h.csv"))
    (tmp_path / "EURUSD-1h.csv").unlink()
    with pytest.raises(DataError, match=r"run run came from .*EURUSD-1h\.csv, which is not there any more"):
        remake(read_started(tmp_path / "run"))


def test_candles_that_are_other_ones_are_known_by_their_checksum(tmp_path: Path) -> None:
    file = tmp_path / "EURUSD-1h.csv"
    write_candles(file)
    spec = spec_of(tmp_path / "run", file)
    execute(spec)

    def difference() -> str | None:
        again = CandlesAgain(read_record(tmp_path / "run"), remake(read_started(tmp_path / "run")), 0)
        assert sum(map(len, again.chunks())) > 100
        return again.difference()

    assert difference() is None
    # More behind them is another file, and no other candles.
    write_candles(file, rows=210)
    assert remake(read_started(tmp_path / "run")).notes != (None,)
    assert difference() is None
    lines = file.read_text().splitlines()
    lines[60] = ",".join([lines[60].split(",")[0], *lines[61].split(",")[1:]])
    file.write_text("\n".join(lines) + "\n")
    assert difference() == f"the candles of EURUSD that {file} has now are not those that the run saw"
