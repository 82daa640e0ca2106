"""How a file of comma-separated values is written, told from its first lines: whose it is, or that it is a general one.

===============  ===================================================  ==================================================
written by       looks like                                           what is special
===============  ===================================================  ==================================================
MetaTrader 4     ``2024.01.02,00:00,1.1034,1.1036,1.1030,1.1035,12``  no header, date and time in two columns
MetaTrader 5     ``<DATE> <TIME> <OPEN> ... <TICKVOL> <VOL> <SPREAD>``  tabs; the spread counts points
... for Python   ``time,...,tick_volume,spread,real_volume``          the spread counts points
HistData         ``20120201 000000;1.3066;1.3066;1.3065;1.3065;0``    no header; hours of New York's winter, all year
Dukascopy        ``Gmt time,Open,...`` ``01.02.2024 00:00:00.000``    the day stands first
Binance          twelve columns, the first in milli- or microseconds  no header
TrueFX           ``EUR/USD,20090501 00:00:00.056,1.32262,1.32267``    ticks; no header
===============  ===================================================  ==================================================
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from sptrader_stream.errors import DataError
from sptrader_stream.sources.headers import plain_name

_DELIMITERS: Final = (";", "\t", "|")
_LEAST_COLUMNS: Final = 3
_SHOWN: Final = 80
_DATE: Final = r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4}|\d{8})"
_CLOCK: Final = r"(?:\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?|\d{6}(?:\d{3})?)"
_ONLY_DATE: Final = re.compile(_DATE)
_ONLY_CLOCK: Final = re.compile(_CLOCK)
_STAMP: Final = re.compile(rf"{_DATE}(?:[T ]+{_CLOCK}(?:\s*(?:Z|(?:GMT|UTC)?[+-]\d{{2}}:?\d{{2}}))?)?", re.IGNORECASE)
_COMPACT_STAMP: Final = re.compile(r"\d{8} \d{6}(?:\d{3})?")
_UNIX: Final = re.compile(r"\d{9,19}(?:\.\d+)?")
_SYMBOL: Final = re.compile(r"[A-Za-z]{3}/?[A-Za-z]{3}")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMA_NUMBER: Final = re.compile(r"[+-]?\d+,\d+")
# Of a file without a header, behind the time.
_CANDLE_COLUMNS: Final = ("open", "high", "low", "close", "volume")
_TICK_COLUMNS: Final = ("bid", "ask", "volume")
_BINANCE_COLUMNS: Final = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades", "taker_base",
    "taker_quote", "ignore",
)  # fmt: skip
# HistData's hours: Eastern Standard Time without daylight saving.
_EASTERN_STANDARD: Final = "-05:00"


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is written.

    Attributes:
        delimiter: between values.
        decimal: mark, a point or a comma.
        names: of the columns, each once.
        skipped: lines before the first values, the header among them.
        zone: of the times, where whoever writes such files has one of his own; else None.
        says_zone: whether the column of times says by its name which zone that is, or that it is UTC.
        digits: decimal places of the prices, where a spread counts points of these; None where it is a price.
    """

    delimiter: str
    decimal: str
    names: tuple[str, ...]
    skipped: int
    zone: str | None = None
    says_zone: bool = False
    digits: int | None = None


def find_dialect(head: str, file: str, *, is_whole: bool) -> Dialect:
    """Tell how a file is written.

    Args:
        head: its beginning.
        file: for errors.
        is_whole: whether that is all of it.

    Raises:
        DataError: it is empty, its first line is too long for one of candles, or its columns cannot be told.
    """
    lines = head.splitlines()
    if not is_whole and lines:
        lines.pop()
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None:
        if head.strip():
            raise DataError(f"{file}, line 1: longer than {len(head):,} characters: not a file of candles")
        raise DataError(f"{file}: the file is empty")
    delimiter = next((each for each in _DELIMITERS if lines[first].count(each) >= _LEAST_COLUMNS), ",")
    rows = [row for row in csv.reader(lines[first:], delimiter=delimiter) if row]
    decimal = _decimal(rows, file)
    if any(_is_number(value, decimal) for value in rows[0]) or _STAMP.fullmatch(rows[0][0].strip()):
        names, zone = _without_header(
            [value.strip() for value in rows[0]], decimal, lines[first], f"{file}, line {first + 1}"
        )
        return Dialect(delimiter=delimiter, decimal=decimal, names=names, skipped=first, zone=zone)
    names = _once(rows[0])
    plain = [plain_name(name) for name in names]
    time = next((name for name in plain if name.startswith(("time", "gmt", "utc"))), "")
    is_eastern_european = "(eet)" in time
    return Dialect(
        delimiter=delimiter,
        decimal=decimal,
        names=names,
        skipped=first + 1,
        zone="EET" if is_eastern_european else None,
        says_zone=is_eastern_european or "gmt" in time or "utc" in time,
        digits=_digits_of_points(plain, rows[1:], decimal),
    )


def _decimal(rows: Sequence[Sequence[str]], file: str) -> str:
    """Tell whether decimals follow a point or a comma."""
    values = [value.strip() for row in rows for value in row]
    has_commas = any(_COMMA_NUMBER.fullmatch(value) for value in values)
    if has_commas and any("." in value and _NUMBER.fullmatch(value) for value in values):
        wrong = next(value for value in values if _COMMA_NUMBER.fullmatch(value))
        raise DataError(f"{file}: some numbers have a decimal point and others, such as {wrong}, a comma: use one")
    return "," if has_commas else "."


def _is_number(value: str, decimal: str) -> bool:
    return _NUMBER.fullmatch(value.strip().replace(decimal, ".")) is not None


def _without_header(values: Sequence[str], decimal: str, line: str, place: str) -> tuple[tuple[str, ...], str | None]:
    """Name the columns of a file that does not, by its first values; and give its zone, where that is known."""
    if len(values) == len(_BINANCE_COLUMNS) and _UNIX.fullmatch(values[0]):
        return _BINANCE_COLUMNS, None
    names = ["symbol"] if _SYMBOL.fullmatch(values[0]) else []
    rest = values[len(names) :]
    zone = None
    if len(rest) > 1 and _ONLY_DATE.fullmatch(rest[0]) and _ONLY_CLOCK.fullmatch(rest[1]):
        names += ["date", "time"]
    elif rest and (_STAMP.fullmatch(rest[0]) or _UNIX.fullmatch(rest[0])):
        zone = _EASTERN_STANDARD if not names and _COMPACT_STAMP.fullmatch(rest[0]) else None
        names.append("time")
    numbers = values[len(names) :]
    known = _TICK_COLUMNS if len(numbers) < len(_CANDLE_COLUMNS) - 1 else _CANDLE_COLUMNS
    if "time" in names and 1 < len(numbers) <= len(known) and all(_is_number(each, decimal) for each in numbers):
        return (*names, *known[: len(numbers)]), zone
    raise DataError(
        f"{place}: no header, but values: {line[:_SHOWN]}. Put the names of the columns into the first line, such as "
        f"time,open,high,low,close,volume"
    )


def _once(names: Sequence[str]) -> tuple[str, ...]:
    """Tell columns of the same name apart."""
    counts: dict[str, int] = {}
    found = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        found.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return tuple(found)


def _digits_of_points(plain: Sequence[str], rows: Sequence[Sequence[str]], decimal: str) -> int | None:
    """Give the decimal places of prices where spreads are whole numbers of points, as MetaTrader 5 has them.

    Args:
        plain: the names of the columns, as names are compared.
        rows: the first values.
        decimal: their mark.
    """
    # Who counts ticks gives a spread in points.
    if "spread" not in plain or not {"tick_volume", "tickvol"} & set(plain):
        return None
    whole = [row for row in rows if len(row) == len(plain)]
    if not all(row[plain.index("spread")].strip().isdigit() for row in whole):
        return None
    prices = [index for index, name in enumerate(plain) if name in ("open", "high", "low", "close")]
    return max((len(row[index].strip().partition(decimal)[2]) for row in whole for index in prices), default=0)
