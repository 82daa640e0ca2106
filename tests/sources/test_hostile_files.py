"""Hostile and odd files: a clear message, soon, and memory that does not grow with what a file claims."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sptrader_stream.errors import DataError
from sptrader_stream.opening import open_source
from sptrader_stream.sources import parquet_file
from tests.plain_candles import EURUSD, through_the_contract
from tests.sources.samples import read

HEADER = "time,open,high,low,close\n"
ROW = "2025-01-06 12:00,1.1,1.2,1.0,1.1\n"
NAMES = ("time", "open", "high", "low", "close")

READ = """
import resource, sys
from sptrader_stream.errors import DataError
from sptrader_stream.opening import open_source
from tests.plain_candles import EURUSD
from sptrader_stream.sources.intake import Intake, ready_chunks

# What importing takes is not the file's.
import pyarrow.csv, pyarrow.parquet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    source = open_source(sys.argv[1], EURUSD)
    print(sum(len(chunk) for chunk in ready_chunks(source, Intake(source, EURUSD))), "candles")
except DataError as error:
    print(str(error)[:300])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def outcome(path: Path) -> tuple[str, int]:
    """Read a file in a process of its own: what comes of it, and by how many MiB memory grew."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *said, grown = done.stdout.splitlines()
    return "\n".join(said), int(grown)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"\x00" * 1_000, "no column for|no header"),
        ((HEADER + ROW).encode("utf-16"), "not a text file in UTF-8"),
        (HEADER.encode() + b"2025-01-06 12:00,1,\xff\xfe,1,1\n", "not a text file in UTF-8|is no number"),
        ((HEADER + ROW + "2025-01-06 12:01,-1.1,1.2,-1.2,1.1\n").encode(), r"line 3 .*: non_positive"),
        ((HEADER + ROW + "2025-01-06 12:01,nan,1.2,1.0,1.1\n").encode(), r"line 3 .*: non_finite"),
        ((HEADER + ROW + "2025-01-06 12:01,inf,1.2,1.0,1.1\n").encode(), r"line 3 .*: non_finite"),
        ((HEADER + ROW + "2025-01-06 12:01,1e300,1e300,1.0,1.1\n").encode(), r"line 3 .*: too_large"),
        ((HEADER + ROW + ROW).encode(), r"line 3 .*: duplicate"),
        ((HEADER + ROW + '2025-01-06 12:01,"1.1,1.2,1.0,1.1\n').encode(), "line 3"),
    ],
    ids=lambda each: repr(each)[:30],
)
def test_odd_content_is_told_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        through_the_contract(open_source(str(path), EURUSD, timeframe="1m"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_any_line_ends_do_no_harm(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + ROW + ROW.replace("12:00", "12:01")).replace("\n", end).encode())
    assert read(open_source(str(path), EURUSD))["open"].tolist() == [1.1, 1.1]
    without_header = b"\xef\xbb\xbf" + (ROW + ROW.replace("12:00", "12:01")).replace("\n", end).encode()
    path.write_bytes(without_header)
    assert read(open_source(str(path), EURUSD))["open"].tolist() == [1.1, 1.1]


def test_line_ends_may_be_mixed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes((HEADER + ROW.replace("\n", "\r\n") + ROW.replace("12:00", "12:01")).encode())
    assert read(open_source(str(path), EURUSD))["open"].tolist() == [1.1, 1.1]


def test_a_million_columns_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"column{k}" for k in range(10**6)) + "\n" + ",".join("1" * 10**6) + "\n")
    said, grown = outcome(path)
    assert "line 1: longer than 65,536 characters: not a file of candles" in said
    assert grown < 50


def test_a_line_without_an_end_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write(HEADER + ROW + ROW.replace("12:00", "12:01"))
        for _ in range(100):
            file.write("1" * 2**20)
    said, grown = outcome(path)
    assert "line 4: longer than 65,536 characters" in said
    assert grown < 50


def test_a_thousand_columns_of_parquet_are_read_past(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {name: [1.0, 1.0] for name in NAMES[1:]} | {"time": [1736164800, 1736164860]}
    pq.write_table(pa.table(columns | {f"column{k}": [k, k] for k in range(1_000)}), path)
    assert read(open_source(str(path), EURUSD))["open"].tolist() == [1.0, 1.0]
    pq.write_table(pa.table({f"column{k}": [k] for k in range(3_000)}), path)
    with pytest.raises(DataError, match=r"no column for time, open.* Found: column0, .* and 2,980 more"):
        open_source(str(path), EURUSD)


def test_far_too_many_columns_of_parquet_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({f"column{k}": [k] for k in range(20_000)}), path)
    monkeypatch.setattr(parquet_file, "_LARGEST_FOOTER", 1 << 20)
    with pytest.raises(DataError, match=r"a\.parquet: \d+ MiB describe its columns and row groups: give a file of"):
        open_source(str(path), EURUSD)


def test_a_parquet_file_that_has_many_large_row_groups_is_read_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    piece = pa.table({"time": np.arange(10**6) * 60 + 999_999_960} | {name: np.ones(10**6) for name in NAMES[1:]})
    with pq.ParquetWriter(path, piece.schema, compression="zstd", use_dictionary=list(NAMES[1:])) as writer:
        for _ in range(20):
            writer.write_table(piece, row_group_size=10**6)
    said, grown = outcome(path)
    # The same candles twenty times over are out of order.
    assert "row 1000001" in said
    assert ": unordered: " in said
    assert grown < 100


def test_a_row_group_that_memory_should_not_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    columns = {"time": np.arange(10**5) * 60 + 10**9} | {name: np.ones(10**5) for name in NAMES[1:]}
    pq.write_table(pa.table(columns), path, use_dictionary=False, compression="zstd")
    assert path.stat().st_size < 400_000
    monkeypatch.setattr(parquet_file, "_LARGEST_CHUNK", 500_000)
    with pytest.raises(
        DataError, match="row group 1 has 100,000 rows, 0 MiB in column time alone: write the file with"
    ):
        open_source(str(path), EURUSD)


def test_a_page_that_unfolds_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    rows = 80_000_000
    columns = {"time": np.zeros(rows, np.int64)}
    pq.write_table(
        pa.table(columns | dict.fromkeys(NAMES[1:], columns["time"])), path, use_dictionary=False,
        compression="zstd", data_page_size=2**30, row_group_size=rows,
    )  # fmt: skip
    assert path.stat().st_size < 3_000_000
    said, grown = outcome(path)
    assert "row group 1 has 67,108,864 rows, 512 MiB in column time alone" in said
    assert grown < 50


@pytest.mark.parametrize("cut", [1, 10, 100, 1_000])
def test_a_parquet_file_that_breaks_off_is_told(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({name: [1.0, 2.0] for name in NAMES}), path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        open_source(str(path), EURUSD)


def test_what_is_no_file_of_candles_in_gzip_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(b"not gzip at all")
    with pytest.raises(DataError, match="cannot be read: "):
        open_source(str(path), EURUSD)
