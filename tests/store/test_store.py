"""What a run leaves on disk: a journal, its equity and one JSON document."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.columns import Ints
from sptrader_stream.errors import StorageError
from sptrader_stream.events import Market, Progress, Records, Reports, RunEnded, RunStarted, encode
from sptrader_stream.execution.records import RECORD_WIDTH
from sptrader_stream.instruments import Instrument
from sptrader_stream.store.equity import EQUITY_FILE, EquityWriter, read_equity
from sptrader_stream.store.journal import JOURNAL_FILE, JournalWriter, read_journal
from sptrader_stream.store.recording import Recording
from tests.actors.support import Memory, make, one_chunk
from tests.result_fields import FIELDS, TRADE_FIELDS

EURUSD = Market(
    instrument=Instrument(symbol="EURUSD", price_precision=5, quantity_precision=0),
    source="synthetic",
    path="",
    size=0,
    modified=0,
    start=None,
    end=None,
)
STARTED = RunStarted(
    run_id="r", strategy="s", strategy_version="1", strategy_digest="d", strategy_file="s.yaml", strategy_text="",
    overrides={}, parameters={}, signals_folder=None, markets=[EURUSD], timeframe="1h", strategy_timeframe="1h",
    start_capital=10**12, entry_rules=["long"], exit_rules=[], data_policy={},
)  # fmt: skip


def rows(count: int, fill: int = 0) -> Ints:
    return np.full(count * RECORD_WIDTH, fill, np.int64)


def plain(event: Any) -> Any:
    return msgspec.msgpack.decode(encode(event))


# The journal


def test_a_journal_that_is_cut_anywhere_is_read_up_to_its_last_whole_frame(tmp_path: Path) -> None:
    events = [STARTED, Records(1, rows(2, 5)), Records(3, rows(1, 2**62))]
    borders = [0]
    with JournalWriter(tmp_path) as writer:
        for event in events:
            writer.append(encode(event))
            borders.append((tmp_path / JOURNAL_FILE).stat().st_size)
    whole = (tmp_path / JOURNAL_FILE).read_bytes()
    assert borders[-1] == len(whole)
    for cut in range(len(whole) + 1):
        (tmp_path / JOURNAL_FILE).write_bytes(whole[:cut])
        wanted = sum(border <= cut for border in borders[1:])
        assert [plain(each) for each in read_journal(tmp_path)] == [plain(each) for each in events[:wanted]]


def test_what_is_appended_is_on_disk_at_once(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as writer:
        writer.append(encode(STARTED))
        assert list(read_journal(tmp_path)) == [STARTED]


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: a write across it is partly done, the next one fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_frame_that_did_not_fit_leaves_no_trace(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as writer:
        writer.append(encode(STARTED))
        before = (tmp_path / JOURNAL_FILE).stat().st_size
        with files_end_at(before + 50), pytest.raises(StorageError, match="File too large"):
            writer.append(encode(Records(1, rows(10))))
        assert (tmp_path / JOURNAL_FILE).stat().st_size == before
        writer.append(encode(Records(1, rows(2))))
    assert [plain(each) for each in read_journal(tmp_path)] == [plain(STARTED), plain(Records(1, rows(2)))]


# The equity


@settings(max_examples=60)
@given(st.lists(st.lists(st.sampled_from([100, 100, 101, 99, -(2**62)]), max_size=9), max_size=9))
def test_equity_can_be_told_for_every_candle(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("equity")
    equity = [value for batch in batches for value in batch]
    first = 0
    with EquityWriter(folder) as writer:
        for batch in batches:
            writer.append(np.arange(first, first + len(batch)) * 60, np.array(batch, np.int64))
            first += len(batch)
    times: list[int] = []
    values: list[int] = []
    for some_times, some_values in read_equity(folder):
        times += some_times.tolist()
        values += some_values.tolist()
    assert all(one != other for one, other in pairwise(values))
    for candle, wanted in enumerate(equity):
        assert values[max(k for k, time in enumerate(times) if time <= candle * 60)] == wanted


def test_equity_of_many_pieces_and_with_a_torn_end(tmp_path: Path) -> None:
    count = 150_000
    with EquityWriter(tmp_path) as writer:
        writer.append(np.arange(count), np.arange(count) * 3)
    with (tmp_path / EQUITY_FILE).open("ab") as file:
        file.write(b"\1" * 11)
    pieces = list(read_equity(tmp_path))
    assert len(pieces) > 1
    assert np.concatenate([times for times, _ in pieces]).tolist() == list(range(count))
    assert np.concatenate([values for _, values in pieces]).tolist() == list(range(0, 3 * count, 3))


# The recording


def report(first: int, candles: int, records: Ints, generated: int = 0) -> Reports:
    times = np.arange(first, first + candles) * 60
    last = Progress(first + candles, int(times[-1]), 100, 0, 0)
    return Reports(first, generated, times, np.full(candles, 100), records, last)


def ending(folder: Path, reports: list[Reports], checksum: int = 7) -> RunEnded:
    with Recording(folder, STARTED) as recording:
        for each in reports:
            recording.add(each)
        return recording.end("completed", None, (), checksum)


def test_records_are_numbered_without_a_gap(tmp_path: Path) -> None:
    with Recording(tmp_path / "run", STARTED) as recording:
        assert recording.progress is None
        assert recording.first_time is None
        frames = [recording.add(report(2 * k, 2, rows(count), k)) for k, count in enumerate((2, 0, 3, 1))]
        assert frames[1] is None
        assert recording.generated == 6
        assert recording.first_time == 0
        assert recording.progress == Progress(8, 420, 100, 0, 0)
        ended = recording.end("cancelled", None, (), 0)
    started, *between, last = read_journal(tmp_path / "run")
    assert (started, last) == (STARTED, ended)
    assert [each.seq for each in between if isinstance(each, Records)] == [1, 3, 6]
    assert [encode(each) for each in between] == [each for each in frames if each is not None]
    assert (ended.seq, ended.candles, ended.status) == (7, 8, "cancelled")


def test_the_fingerprint_is_of_what_happened_and_not_of_its_batches(tmp_path: Path) -> None:
    records = np.arange(6 * RECORD_WIDTH)
    parts = [
        report(0, 2, records[: 2 * RECORD_WIDTH]),
        report(2, 1, rows(0)),
        report(3, 5, records[2 * RECORD_WIDTH :]),
    ]
    whole = ending(tmp_path / "whole", [report(0, 8, records)])
    assert ending(tmp_path / "parts", parts).fingerprint == whole.fingerprint
    changed = records.copy()
    changed[-1] += 1
    others = [
        ending(tmp_path / "record", [report(0, 8, changed)]),
        ending(tmp_path / "fewer", [report(0, 8, records[:-RECORD_WIDTH])]),
        ending(tmp_path / "candles", [report(0, 9, records)]),
        ending(tmp_path / "equity", [report(0, 8, records)], checksum=8),
    ]
    assert len({whole.fingerprint, *(each.fingerprint for each in others)}) == 5


def test_a_second_run_into_the_same_folder_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    ending(tmp_path, [report(0, 8, rows(3))])
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with pytest.raises(StorageError, match="choose another folder"):
        Recording(tmp_path, STARTED)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


# The result

AMOUNTS = {"total_pnl", "start_capital", "end_capital"}
TRADE_AMOUNTS = {"entry_price", "exit_price", "quantity", "pnl", "pnl_percent"}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("runs") / "run"
    make(folder, Memory(one_chunk(1_503)))
    found = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    assert sorted(each.name for each in folder.iterdir()) == ["equity.bin", "journal.msgpack", "result.json"]
    return found


def test_the_result_has_the_agreed_fields(result: dict[str, Any]) -> None:
    assert result.keys() >= FIELDS
    assert result["instrument"] == {"symbol": "EURUSD", "price_precision": 5, "quantity_precision": 0}
    assert result["timing"].keys() >= {"candles", "startup_s", "run_s", "candles_per_second"}
    assert result["timing"]["candles"] == 1_503
    for trade in result["completed_trades"]:
        assert trade.keys() >= TRADE_FIELDS


def test_amounts_in_the_result_are_exact_decimal_text(result: dict[str, Any]) -> None:
    for name in AMOUNTS:
        assert isinstance(result[name], str)
        assert Decimal(result[name]).is_finite()
    for trade in result["completed_trades"]:
        for name in TRADE_AMOUNTS:
            assert isinstance(trade[name], str)
            assert Decimal(trade[name]).is_finite()


def test_trades_in_the_result_are_numbered_and_counted(result: dict[str, Any]) -> None:
    trades = result["completed_trades"]
    assert [each["id"] for each in trades] == list(range(1, result["total_trades"] + 1))
    assert result["winning_trades"] == sum(Decimal(each["pnl"]) > 0 for each in trades) > 0
    assert result["losing_trades"] == sum(Decimal(each["pnl"]) < 0 for each in trades) > 0
    assert {each["side"] for each in trades} == {"long", "short"}
    assert {each["exit_reason"] for each in trades} == {"signal", "stop_loss"}


def test_a_trade_in_the_result_says_what_it_gained(result: dict[str, Any]) -> None:
    for each in result["completed_trades"]:
        side = 1 if each["side"] == "long" else -1
        quantity, entry = Decimal(each["quantity"]), Decimal(each["entry_price"])
        moved = side * (Decimal(each["exit_price"]) - entry) * quantity
        assert Decimal(each["pnl"]) == moved - Decimal(each["commission"])
        share = 100 * Decimal(each["pnl"]) / (entry * quantity)
        assert Decimal(each["pnl_percent"]) == share.quantize(Decimal("1e-8"))
        assert each["entry_time"] <= each["exit_time"]
