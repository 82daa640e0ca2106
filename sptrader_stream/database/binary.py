"""PostgreSQL's binary format for columns of candles, made and read by numpy: no candle is touched by itself.

Everything is big endian. A row for COPY is a count of fields, then for each the length of its value and the value. A
time is in microseconds since 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.columns import Floats, Ints

# Between 1970 and 2000, microseconds.
_SHIFT: Final = 946_684_800_000_000
_MICROSECOND: Final = 1_000

Column: TypeAlias = npt.NDArray[np.int32] | Ints | Floats

COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_END: Final = b"\xff\xff"
# In the order in which candles are copied; the spread only where there is one.
CANDLE_COLUMNS: Final = ("time", "open", "high", "low", "close", "volume", "spread")


def is_whole_microseconds(time: Ints) -> npt.NDArray[np.bool_]:
    """Tell of nanoseconds since 1970 whether the database can keep them exactly."""
    whole: npt.NDArray[np.bool_] = time % _MICROSECOND == 0
    return whole


def copy_rows(columns: Sequence[Column]) -> bytes:
    """Make rows for COPY.

    Args:
        columns: int32, int64 or float64, equally long, in the order of the table's columns.
    """
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for index, column in enumerate(columns):
        fields += [(f"length_{index}", ">i4"), (f"value_{index}", column.dtype.newbyteorder(">").str)]
    rows = np.empty(len(columns[0]), np.dtype(fields))
    rows["count"] = len(columns)
    for index, column in enumerate(columns):
        rows[f"length_{index}"] = column.itemsize
        rows[f"value_{index}"] = column
    return rows.tobytes()


def copied_times(time: Ints) -> Ints:
    """Give nanoseconds since 1970 as the value of a column of times."""
    return time // _MICROSECOND - _SHIFT


def candle_values(candles: ReadyCandles, factor: int = 1, divisor: int = 1) -> list[Column]:
    """Give candles as ``CANDLE_COLUMNS``, without the spread where they have none.

    Args:
        candles: in ticks of the instrument.
        factor, divisor: from those to ticks of the series; the quotients are whole.
    """
    prices: list[Column] = [
        each * factor // divisor for each in (candles.open, candles.high, candles.low, candles.close)
    ]
    values: list[Column] = [copied_times(candles.time), *prices, candles.volume]
    if candles.spread is not None:
        values.append(candles.spread * factor // divisor)
    return values


def read_packed(data: bytes, *, has_spread: bool) -> dict[str, npt.NDArray[Any]]:
    """Read candles that the server packed, value behind value, as ``CANDLE_COLUMNS``, 8 bytes each.

    Args:
        data: as many candles as there are.
        has_spread: whether each ends with its spread.

    Returns:
        The columns by name: int64, the volume float64; ``time`` in nanoseconds since 1970.
    """
    names = CANDLE_COLUMNS if has_spread else CANDLE_COLUMNS[:-1]
    rows = np.frombuffer(data, [(name, ">f8" if name == "volume" else ">i8") for name in names])
    columns = {name: rows[name].astype(rows.dtype[name].newbyteorder("=")) for name in names}
    columns["time"] = (columns["time"] + _SHIFT) * _MICROSECOND
    return columns
