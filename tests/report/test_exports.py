"""Trades and equity in CSV and Parquet: digit for digit what the result says."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sptrader_stream.errors import StorageError
from sptrader_stream.report.exports import write_csv, write_parquet
from sptrader_stream.store.runs import RunRecord, read_record
from sptrader_stream.timeframes import HOUR, format_time, parse_time
from tests.report.support import HOURS, MONDAY, write_sample


@pytest.fixture
def record(run_folder: Path) -> RunRecord:
    return read_record(run_folder)


def test_csv_has_the_results_texts(record: RunRecord, tmp_path: Path) -> None:
    wanted = json.loads((record.folder / "result.json").read_text())["completed_trades"]
    files = write_csv(record.folder, record.started, tmp_path / "new" / "folder")
    assert [each.name for each in files] == ["trades.csv", "equity.csv"]
    with files[0].open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert found == [{name: str(value) for name, value in each.items()} for each in wanted]
    with files[1].open(newline="") as stream:
        equity = list(csv.reader(stream))
    assert equity[:3] == [
        ["time", "equity"],
        [format_time(MONDAY), "100000.00"],
        [format_time(MONDAY + HOUR), "100001.00"],
    ]
    assert len(equity) == HOURS + 1


def test_parquet_has_exact_numbers_and_utc_times(record: RunRecord, tmp_path: Path) -> None:
    wanted = json.loads((record.folder / "result.json").read_text())["completed_trades"]
    trades, equity = (pq.read_table(each) for each in write_parquet(record.folder, record.started, tmp_path))
    assert trades.column_names == list(wanted[0])
    types = {field.name: str(field.type) for field in trades.schema}
    assert types["entry_price"] == "decimal128(38, 5)"
    assert types["quantity"] == "decimal128(38, 2)"
    assert types["pnl"] == "decimal128(38, 8)"
    assert types["exit_time"] == "timestamp[ns, tz=UTC]"
    for row, found in zip(wanted, trades.to_pylist(), strict=True):
        for name in ("entry_price", "exit_price", "quantity", "pnl", "pnl_percent", "commission", "mae", "mfe"):
            assert found[name] == Decimal(row[name])
        assert found["exit_reason"] == row["exit_reason"]
        assert found["exit_time"].value == parse_time(row["exit_time"])
    assert equity["equity"].to_pylist()[:2] == [Decimal(100_000), Decimal(100_001)]
    assert len(equity) == HOURS


def test_equity_that_is_gone_is_told(tmp_path: Path) -> None:
    record = read_record(write_sample(tmp_path))
    (record.folder / "equity.bin").unlink()
    for write in (write_csv, write_parquet):
        with pytest.raises(StorageError, match=r"has no equity\.bin"):
            write(record.folder, record.started, tmp_path / "tables")
    assert not (tmp_path / "tables" / "equity.csv").exists()


def test_a_file_in_the_way_is_told(record: RunRecord, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    for write in (write_csv, write_parquet):
        with pytest.raises(StorageError, match="is a file"):
            write(record.folder, record.started, tmp_path / "taken")
