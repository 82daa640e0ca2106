"""A run's trades and equity as tables for other programs, written row by row: CSV and Parquet.

CSV has exact decimal text and RFC 3339 times. Parquet has decimal128 for prices, quantities and money and UTC
timestamps in nanoseconds, so that pandas and polars read exact numbers.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from sptrader_stream.errors import StorageError
from sptrader_stream.events import RunStarted
from sptrader_stream.execution.records import Trade
from sptrader_stream.files import cannot_write, written_whole
from sptrader_stream.money import MONEY_DIGITS, PERCENT_DIGITS, format_money
from sptrader_stream.store.equity import read_equity
from sptrader_stream.store.journal import read_events
from sptrader_stream.store.rows import TradeRow, trade_rows
from sptrader_stream.timeframes import format_time, parse_time

_ROWS_AT_A_TIME: Final = 16_384
_EQUITY_COLUMNS: Final = ("time", "equity")
# What a column of a trade is; those that are not named are text.
_TIMES: Final = ("entry_time", "exit_time")
_PRICES: Final = ("entry_price", "exit_price")
_MONEY: Final = ("pnl", "commission")
_PERCENT: Final = ("pnl_percent", "mae", "mfe")
# Wide enough for every int64 whatever its scale, and for a percentage of the smallest notional.
_DIGITS: Final = 38


def read_trade_rows(folder: Path, started: RunStarted) -> Iterator[TradeRow]:
    """Read a run's trades, one by one, in constant memory."""
    return trade_rows((each for each in read_events(folder) if isinstance(each, Trade)), started)


def trades_csv(folder: Path, started: RunStarted) -> Iterator[str]:
    """Write a run's trades as CSV, in pieces of many rows, the names of the columns first."""
    return _csv_pieces(TradeRow.__struct_fields__, map(msgspec.structs.astuple, read_trade_rows(folder, started)))


def write_csv(folder: Path, started: RunStarted, target: Path) -> list[Path]:
    """Write ``trades.csv`` and ``equity.csv``.

    Args:
        folder: the run's.
        started: its first event.
        target: the folder to write to, made where it is missing; files of these names are replaced.

    Returns:
        What was written.

    Raises:
        StorageError: it cannot be written.
    """
    equity = ((format_time(time), format_money(value)) for time, value in _equity(folder))
    return [
        _write_csv(_made(target) / "trades.csv", trades_csv(folder, started)),
        _write_csv(target / "equity.csv", _csv_pieces(_EQUITY_COLUMNS, equity)),
    ]


def write_parquet(folder: Path, started: RunStarted, target: Path) -> list[Path]:
    """Write ``trades.parquet`` and ``equity.parquet``; see :func:`write_csv`.

    Raises:
        StorageError: it cannot be written.
    """
    import pyarrow as pa

    instruments = [market.instrument for market in started.markets]
    scales = {name: max(each.price_precision for each in instruments) for name in _PRICES}
    scales["quantity"] = max(each.quantity_precision for each in instruments)
    scales |= dict.fromkeys(_MONEY, MONEY_DIGITS) | dict.fromkeys(_PERCENT, PERCENT_DIGITS)

    def kind(name: str) -> Any:
        if name in scales:
            return pa.decimal128(_DIGITS, scales[name])
        if name in _TIMES:
            return pa.timestamp("ns", "UTC")
        return {"id": pa.int64(), "position": pa.int64(), "holding_period_hours": pa.float64()}.get(name, pa.string())

    def values(row: TradeRow) -> tuple[Any, ...]:
        return tuple(
            Decimal(value) if name in scales else parse_time(value) if name in _TIMES else value
            for name, value in zip(TradeRow.__struct_fields__, msgspec.structs.astuple(row), strict=True)
        )

    trades = pa.schema([(name, kind(name)) for name in TradeRow.__struct_fields__])
    equity = pa.schema([("time", pa.timestamp("ns", "UTC")), ("equity", pa.decimal128(_DIGITS, MONEY_DIGITS))])
    changes = ((time, Decimal(value).scaleb(-MONEY_DIGITS)) for time, value in _equity(folder))
    return [
        _write_parquet(_made(target) / "trades.parquet", trades, map(values, read_trade_rows(folder, started))),
        _write_parquet(target / "equity.parquet", equity, changes),
    ]


def _equity(folder: Path) -> Iterator[tuple[int, int]]:
    for times, values in read_equity(folder):
        yield from zip(times.tolist(), values.tolist(), strict=True)


def _made(target: Path) -> Path:
    try:
        target.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise StorageError(f"{target}: is a file; name a folder to write to") from None
    except OSError as error:
        raise cannot_write(target, error) from error
    return target


def _csv_pieces(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    iterator = itertools.chain([columns], rows)
    while portion := list(itertools.islice(iterator, _ROWS_AT_A_TIME)):
        piece = io.StringIO(newline="")
        csv.writer(piece).writerows(portion)
        yield piece.getvalue()


def _write_csv(file: Path, pieces: Iterable[str]) -> Path:
    with written_whole(file) as target, target.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(pieces)
    return file


def _write_parquet(file: Path, schema: Any, rows: Iterable[tuple[Any, ...]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    iterator = iter(rows)
    with written_whole(file) as target, pq.ParquetWriter(target, schema) as writer:
        while portion := list(itertools.islice(iterator, _ROWS_AT_A_TIME)):
            columns = zip(*portion, strict=True)
            arrays = [pa.array(each, field.type) for each, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return file
