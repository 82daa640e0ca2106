"""The files of a series: a month of candles as Parquet, written whole and named by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sptrader_stream.catalog.manifest import MonthFile
from sptrader_stream.catalog.rows import TIME, VOLUME, Column, Rows, joined
from sptrader_stream.columns import Ints
from sptrader_stream.errors import DataError
from sptrader_stream.files import written_whole
from sptrader_stream.sources.arrow_columns import plain_values
from sptrader_stream.sources.gaps import Gaps
from sptrader_stream.sources.source import LARGE_CHUNK_ROWS
from sptrader_stream.timeframes import format_time

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

# Differences of neighbouring candles take a twelfth of the room, and nothing that pyarrow has is read faster.
_DIFFERENCES: Final = "DELTA_BINARY_PACKED"
_DIGITS: Final = 12
# Decimal places of a price fit, and every int64 of ticks that the data contract allows.
_DECIMAL_DIGITS: Final = 18


def write_month(folder: Path, month: str, rows: Rows, precision: int, gaps: Gaps) -> MonthFile:
    """Write the file of a month, if it is not there already; prices stand in it as decimals.

    Args:
        folder: the series'.
        month: such as ``2025-03``.
        rows: all that it has, at least one.
        precision: decimal places of its prices.
        gaps: those between the rows.

    Raises:
        StorageError: it cannot be written.
    """
    import pyarrow as pa
    from pyarrow.parquet import write_table

    price = pa.decimal64(_DECIMAL_DIGITS, precision)
    columns = {TIME: _array(rows.time, pa.timestamp("ns", "UTC"))} | {
        name: _array(column, pa.float64() if name == VOLUME else price) for name, column in rows.values.items()
    }
    content = pa.BufferOutputStream()
    write_table(
        pa.table(columns),
        content,
        compression="none",
        row_group_size=len(rows),
        store_decimal_as_integer=True,
        use_dictionary=[VOLUME],
        column_encoding={name: _DIFFERENCES for name in columns if name != VOLUME},
        write_page_checksum=True,
    )
    data = content.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    path = folder / f"{month}-{digest[:_DIGITS]}.parquet"
    if not path.is_file():
        with written_whole(path) as temporary:
            temporary.write_bytes(data)
    return MonthFile(
        month=month,
        file=path.name,
        rows=len(rows),
        start=format_time(int(rows.time[0])),
        end=format_time(int(rows.time[-1])),
        gaps=len(gaps.starts),
        missing=int(gaps.missing.sum()),
        sha256=digest,
    )


def file_checksum(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_month(folder: Path, month: MonthFile, columns: list[str]) -> Rows:
    """Read a month as a whole.

    Raises:
        DataError: its file is gone or broken.
    """
    return joined(list(read_blocks(folder, month, columns)))


def read_blocks(folder: Path, month: MonthFile, columns: list[str]) -> Iterator[Rows]:
    """Read a month, at most ``LARGE_CHUNK_ROWS`` rows at a time.

    Args:
        folder: the series'.
        month: which.
        columns: names of those wanted, without the time, in order.

    Raises:
        DataError: its file is gone or broken.
    """
    import pyarrow as pa

    path = folder / month.file
    try:
        with _open(path) as file:
            for batch in file.iter_batches(LARGE_CHUNK_ROWS, columns=[TIME, *columns], use_threads=False):
                yield Rows(_numbers(batch, TIME), {name: _numbers(batch, name) for name in columns})
    except FileNotFoundError:
        raise DataError(
            f"{path}: is gone: the series was changed twice while it was read, or somebody removed the file; try "
            f"again, and see what is there with `sptrader data check`"
        ) from None
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataError(
            f"{path}: is damaged: {str(error).strip().splitlines()[0]}. Remove the file and import its month again"
        ) from None


def _open(path: Path) -> ParquetFile:
    from pyarrow.parquet import ParquetFile

    return ParquetFile(path, page_checksum_verification=True)


def _array(column: Column, kind: Any) -> Any:
    import pyarrow as pa

    return pa.Array.from_buffers(kind, len(column), [None, pa.py_buffer(np.ascontiguousarray(column))])


def _numbers(batch: Any, name: str) -> Any:
    """Give the numbers of a column as ``write_month`` had them, not copied."""
    return plain_values(batch.column(name), "float64" if name == VOLUME else "int64")[0]


def times_of(folder: Path, month: MonthFile) -> Ints:
    """Read the open times of a month, nanoseconds since 1970 UTC.

    Raises:
        DataError: its file is gone or broken.
    """
    return read_month(folder, month, []).time
