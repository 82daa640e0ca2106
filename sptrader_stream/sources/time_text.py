"""Times written as text, in whatever way a file writes them, to nanoseconds.

The first texts of a column say how it is written: the order of year, month and day, the separators, what stands for the
time of day. A kernel reads texts of that layout; one that is written otherwise is looked at by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from sptrader_stream.columns import Codes, Ints
from sptrader_stream.errors import DataError, UserError
from sptrader_stream.sources.source import NO_TIME
from sptrader_stream.sources.time_scan import read_times
from sptrader_stream.timeframes import parse_time

_DATE: Final = re.compile(r"(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})")
_COMPACT_DATE: Final = re.compile(r"\d{8}(?!\d)")
_CLOCK: Final = re.compile(r"([T ])\d{2}:\d{2}(:\d{2})?")
_COMPACT_CLOCK: Final = re.compile(r"([T ])\d{6}(\d{3})?(?!\d)")
_ZONE: Final = re.compile(r"\s*(?:Z|(?:GMT|UTC)?\s*([+-]\d{2}):?(\d{2})|GMT|UTC)$", re.IGNORECASE)
_LOOSE: Final = re.compile(
    r"(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?"
)
_CENTURY: Final = 4


class TimeLayout(msgspec.Struct, frozen=True):
    """How a column writes times.

    Attributes:
        pattern: a character for each of the text: Y, M, D, h, m, s and f (a decimal of a second) stand for a digit, any
            other for itself; a fraction and a zone may follow. Empty where every text is to be looked at by itself.
        is_month_first: whether the month stands before the day, where the year stands last.
        has_zone: whether the texts say their zone.
    """

    pattern: str
    is_month_first: bool
    has_zone: bool

    @property
    def is_date(self) -> bool:
        """Whether the texts say no time of day."""
        return bool(self.pattern) and "h" not in self.pattern


def find_layout(texts: Sequence[str], what: str) -> TimeLayout:
    """Tell how a column writes times.

    Args:
        texts: the first of it; empty ones say nothing.
        what: file and column, for the error.

    Raises:
        DataError: day and month cannot be told apart.
    """
    known = [text.strip() for text in texts if text and text.strip()]
    first = known[0] if known else ""
    is_month_first = False
    date = _DATE.match(first)
    compact = _COMPACT_DATE.match(first)
    pattern = ""
    if compact is not None:
        pattern = "YYYYMMDD"
    elif date is not None and len(date[1]) == _CENTURY:
        pattern = f"YYYY{date[2]}MM{date[2]}DD" if len(date[3]) == len(date[4]) == 2 else ""
    elif date is not None and len(date[4]) == _CENTURY:
        is_month_first = _is_month_first(known, date[2], what)
        order = ("MM", "DD") if is_month_first else ("DD", "MM")
        pattern = f"{order[0]}{date[2]}{order[1]}{date[2]}YYYY" if len(date[1]) == len(date[3]) == 2 else ""
    rest = first[len(pattern) :]
    clock, compact_clock = _CLOCK.match(rest), _COMPACT_CLOCK.match(rest)
    if pattern and clock is not None:
        pattern += f"{clock[1]}hh:mm{':ss' if clock[2] else ''}"
    elif pattern and compact_clock is not None:
        pattern += f"{compact_clock[1]}hhmmss{'fff' if compact_clock[2] else ''}"
    elif rest:
        pattern = ""
    return TimeLayout(pattern, is_month_first, _has_zone(first))


def read_texts(column: Any, layout: TimeLayout, what: str, place: Callable[[int], str], row: int) -> Ints:
    """Read times.

    Args:
        column: a pyarrow Array of strings.
        layout: how they are written.
        what: file and column, for errors, with ``{place}`` for where the row is.
        place: says where a row is, see ``CandleSource.place``.
        row: index of the first one among the rows of the file.

    Returns:
        Nanoseconds since 1970, UTC where they say their zone, else of wherever they were written; ``NO_TIME`` where
        there is none.

    Raises:
        DataError: a text is no time; names the row.
    """
    times: Ints = np.empty(len(column), np.int64)
    text, offsets = _text_of(column)
    pattern: Codes = np.frombuffer(layout.pattern.encode(), np.int8)
    done = 0
    while True:
        if layout.pattern:
            done = read_times(text, offsets, pattern, int(layout.has_zone), done, times)
        if done == len(times):
            return times
        value = column[done].as_py()
        times[done] = (
            NO_TIME
            if value is None or not value.strip()
            else _look_at(value, layout, what.format(place=place(row + done)))
        )
        done += 1


def _is_month_first(texts: Sequence[str], separator: str, what: str) -> bool:
    """Tell which of the first two numbers is the month, by numbers that can't be one."""
    found = [match for match in map(_DATE.match, texts) if match is not None]
    first, second = max(int(each[1]) for each in found), max(int(each[3]) for each in found)
    if first > 12 and second > 12:
        raise DataError(f"{what}: {texts[0]!r} and those below are in no order of day and month")
    if separator == "." or first > 12:
        return False
    if second > 12:
        return True
    raise DataError(
        f"{what}: is {texts[0]!r} day or month first? The first dates do not tell. Write them as 2025-03-31"
    )


def _has_zone(text: str) -> bool:
    return _ZONE.search(text) is not None and ":" in text


def _text_of(column: Any) -> tuple[Codes, Ints]:
    """Give the characters of all texts, and where each begins, with the end of the last."""
    _, places, data = column.buffers()
    kind = np.int64 if str(column.type) == "large_string" else np.int32
    offsets = np.frombuffer(places, kind)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    text: Codes = np.frombuffer(data, np.int8) if data is not None else np.empty(0, np.int8)
    return text, offsets


def _look_at(text: str, layout: TimeLayout, what: str) -> int:
    """Read a text that is not quite of the layout; ``what`` says file, row and column."""
    plain = text.strip()
    if plain.isdigit() or _has_zone(plain) != layout.has_zone:
        zone = "has" if layout.has_zone else "has no"
        other = f"is no such time as the first one, which {zone} zone" if not plain.isdigit() else "is not a time"
        raise DataError(f"{what}: {text!r} {other}")
    zone_found = _ZONE.search(plain) if layout.has_zone else None
    found = _LOOSE.fullmatch(plain if zone_found is None else plain[: zone_found.start()])
    try:
        if found is None:
            return parse_time(plain)
        first, _, second, third, hour, minute, clock_second, fraction = found.groups()
        if len(first) == _CENTURY:
            year, month, day = first, second, third
        else:
            year, (month, day) = third, ((first, second) if layout.is_month_first else (second, first))
        moment = f"{year:0>4}-{month:0>2}-{day:0>2}T{hour or 0:0>2}:{minute or 0:0>2}:{clock_second or 0:0>2}"
        zone = "Z" if zone_found is None or zone_found[1] is None else f"{zone_found[1]}:{zone_found[2]}"
        return parse_time(f"{moment}{f'.{fraction}' if fraction else ''}{zone}")
    except UserError as error:
        message = str(error).replace(repr(plain), repr(text))
        raise DataError(f"{what}: {message if repr(text) in message else f'{text!r} is not a time'}") from None
