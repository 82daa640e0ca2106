"""Exports: exact decimals, in files that this program and others read."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from sptrader_stream.catalog.exporting import export_candles
from sptrader_stream.errors import DataError, UserError
from sptrader_stream.opening import open_source
from tests.plain_candles import EURUSD, NOON, Plain, plain, ready, through_the_contract

ROWS = plain(5, spread=3)


def exported(out: Path, rows: list[Plain] = ROWS) -> Path:
    assert export_candles(iter([ready(rows[:2]), ready(rows[2:])]), 5, out, "EURUSD 1m") == len(rows)
    return out


@pytest.mark.parametrize("name", ["EURUSD-1m.csv", "EURUSD-1m.parquet"])
def test_what_is_exported_is_read_as_it_was(tmp_path: Path, name: str) -> None:
    out = exported(tmp_path / name)
    assert through_the_contract(open_source(str(out), EURUSD)) == ROWS


def test_csv_has_decimals_and_times_that_anybody_reads(tmp_path: Path) -> None:
    with exported(tmp_path / "a.csv").open() as file:
        first = next(csv.DictReader(file))
    assert first == {
        "time": "2025-01-06 12:00:00Z", "open": "1.10000", "high": "1.10020", "low": "1.09990", "close": "1.10010",
        "volume": "0.5", "spread": "0.00003",
    }  # fmt: skip


def test_parquet_has_decimals(tmp_path: Path) -> None:
    table = pd.read_parquet(exported(tmp_path / "a.parquet"))
    assert table["close"].tolist() == [Decimal(row[4]) / 10**5 for row in ROWS]
    assert table["time"].tolist() == [pd.Timestamp(row[0], tz="UTC") for row in ROWS]


def test_lines_of_json_have_the_shape_of_the_market_data_server(tmp_path: Path) -> None:
    lines = exported(tmp_path / "a.jsonl").read_text().splitlines()
    assert lines[1] == (
        '{"time":1736164860,"open":1.10001,"high":1.10021,"low":1.09991,"close":1.10011,"volume":1.5,"spread":0.00003}'
    )
    assert [json.loads(line)["time"] for line in lines] == [row[0] // 10**9 for row in ROWS]


def test_mistakes_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.xls: in which format\? Give it the ending \.csv, \.parquet or \.jsonl"):
        export_candles(iter(()), 5, tmp_path / "a.xls", "EURUSD 1m")
    with pytest.raises(UserError, match="there is no folder"):
        export_candles(iter(()), 5, tmp_path / "no" / "a.csv", "EURUSD 1m")
    with pytest.raises(DataError, match="EURUSD 1m: nothing to export in this range"):
        export_candles(iter(()), 5, tmp_path / "a.csv", "EURUSD 1m")
    fine = [(NOON + 1, *ROWS[0][1:])]
    with pytest.raises(DataError, match=r"the candle of .* opens within a second, which only \.parquet says"):
        export_candles(iter([ready(fine)]), 5, tmp_path / "a.csv", "EURUSD 1m")
    assert list(tmp_path.iterdir()) == []
