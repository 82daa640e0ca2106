"""Writing candles or ticks to a file of one's own: CSV, Parquet or lines of JSON, prices as exact decimals."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.catalog.rows import BID, PRICES, SPREAD, TIME, VOLUME, Rows, rows_of
from sptrader_stream.errors import DataError, EmptyRangeError, UserError
from sptrader_stream.files import written_whole
from sptrader_stream.money import format_scaled
from sptrader_stream.timeframes import NANOSECONDS, format_time

CSV: Final = ".csv"
PARQUET: Final = ".parquet"
JSON_LINES: Final = ".jsonl"
_DECIMAL_DIGITS: Final = 18
_CHUNKS_TOGETHER: Final = 16


def export_candles(chunks: Iterator[ReadyCandles], precision: int, out: Path, name: str) -> int:
    """Write candles to a file, see :func:`export_rows`.

    Args:
        chunks: checked candles, in order.
        precision: decimal places of the instrument's price.
        out, name: see :func:`export_rows`.
    """
    return export_rows((_of_candles(each, precision) for each in chunks), precision, out, name)


def export_rows(chunks: Iterator[Rows], precision: int, out: Path, name: str) -> int:
    """Write candles or ticks to a file, whole or not at all.

    Args:
        chunks: in order; their columns come in the order that they have.
        precision: decimal places of prices.
        out: its ending says in which format: ``.csv``, ``.parquet`` or ``.jsonl``.
        name: of the source, for errors.

    Returns:
        How many were written.

    Raises:
        UserError: the ending says nothing.
        DataError: there are none, or the time of a candle is finer than the seconds that CSV and JSON say.
        StorageError: the file cannot be written.
    """
    ending = out.suffix.lower()
    if ending not in (CSV, PARQUET, JSON_LINES):
        raise UserError(f"{out}: in which format? Give it the ending {CSV}, {PARQUET} or {JSON_LINES}")
    if not out.parent.is_dir():
        raise UserError(f"{out}: there is no folder {out.parent}")
    write = _write_lines if ending == JSON_LINES else _write_table
    with written_whole(out) as temporary:
        count = write(chunks, precision, temporary, ending)
        if not count:
            raise EmptyRangeError(f"{name}: nothing to export in this range")
    return count


def _of_candles(candles: ReadyCandles, precision: int) -> Rows:
    rows = rows_of(candles, precision, precision)
    order = (*PRICES, VOLUME, SPREAD)
    return Rows(rows.time, {name: rows.values[name] for name in order if name in rows.values})


def _write_lines(chunks: Iterator[Rows], precision: int, out: Path, _: str) -> int:
    count = 0
    with out.open("w", encoding="ascii") as file:
        for chunk in chunks:
            count += len(chunk)
            file.writelines(_json_lines(chunk, precision))
    return count


def _json_lines(chunk: Rows, precision: int) -> Iterator[str]:
    columns = [
        [
            f'"{name}":{each!r}' if name == VOLUME else f'"{name}":{format_scaled(each, precision)}'
            for each in column.tolist()
        ]
        for name, column in chunk.values.items()
    ]
    for time, *values in zip(_json_times(chunk), *columns, strict=True):
        yield f'{{"time":{time},{",".join(values)}}}\n'


def _json_times(chunk: Rows) -> list[str] | list[int]:
    """Seconds for candles, as the market-data server has them; text for ticks, which fall within seconds."""
    if BID in chunk.values:
        return [f'"{format_time(each)}"' for each in chunk.time.tolist()]
    _check_seconds(chunk)
    seconds: list[int] = (chunk.time // NANOSECONDS).tolist()
    return seconds


def _write_table(chunks: Iterator[Rows], precision: int, out: Path, ending: str) -> int:
    import pyarrow as pa

    count = 0
    writer: Any = None
    try:
        # A row group for every few chunks: smaller ones are slow to read.
        while portion := [
            _record_batch(each, precision, ending) for each in itertools.islice(chunks, _CHUNKS_TOGETHER)
        ]:
            writer = writer or _writer(out, portion[0].schema, ending)
            table = pa.Table.from_batches(portion).combine_chunks()
            writer.write_table(table)
            count += table.num_rows
    finally:
        if writer is not None:
            writer.close()
    return count


def _writer(out: Path, schema: Any, ending: str) -> Any:
    if ending == PARQUET:
        from pyarrow.parquet import ParquetWriter

        return ParquetWriter(out, schema, compression="zstd", store_decimal_as_integer=True)
    from pyarrow.csv import CSVWriter, WriteOptions

    return CSVWriter(str(out), schema, write_options=WriteOptions(quoting_style="none"))


def _record_batch(chunk: Rows, precision: int, ending: str) -> Any:
    import pyarrow as pa

    def array(column: Any, kind: Any) -> Any:
        return pa.Array.from_buffers(kind, len(column), [None, pa.py_buffer(np.array(column))])

    price = pa.decimal64(_DECIMAL_DIGITS, precision)
    if ending == PARQUET or BID in chunk.values:
        time = array(chunk.time, pa.timestamp("ns", "UTC"))
    else:
        _check_seconds(chunk)
        time = array(chunk.time // NANOSECONDS, pa.timestamp("s", "UTC"))
    return pa.record_batch(
        {TIME: time}
        | {name: array(column, pa.float64() if name == VOLUME else price) for name, column in chunk.values.items()}
    )


def _check_seconds(chunk: Rows) -> None:
    fine = chunk.time % NANOSECONDS != 0
    if fine.any():
        when = format_time(int(chunk.time[int(fine.argmax())]))
        raise DataError(f"the candle of {when} opens within a second, which only {PARQUET} says: export it as that")
