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
from sptrader_stream.kernels import device, kernel
from sptrader_stream.sources.source import NO_TIME
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


@device
def _digit(character: int) -> int:
    return character - 48 if 48 <= character <= 57 else -1


@device
def _days_of_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


@device
def _days_since_epoch(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the Gregorian calendar (H. Hinnant, chrono-compatible low-level date algorithms)."""
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@device
def _zone_seconds(text: Codes, at: int, end: int) -> int:
    """Read what stands behind a time as its zone's distance from UTC; a day and more for what is none."""
    while at < end and text[at] == 32:
        at += 1
    if at < end and (text[at] == 90 or text[at] == 122):
        return 0 if at + 1 == end else 86_400
    if at + 3 <= end and (
        (text[at] == 71 and text[at + 1] == 77 and text[at + 2] == 84)
        or (text[at] == 85 and text[at + 1] == 84 and text[at + 2] == 67)
    ):
        at += 3
        if at == end:
            return 0
    if at + 5 > end or (text[at] != 43 and text[at] != 45):
        return 86_400
    sign = 1 if text[at] == 43 else -1
    colon = 1 if text[at + 3] == 58 else 0
    if at + 5 + colon != end:
        return 86_400
    a, b = _digit(text[at + 1]), _digit(text[at + 2])
    c, d = _digit(text[at + 3 + colon]), _digit(text[at + 4 + colon])
    if a < 0 or b < 0 or c < 0 or d < 0 or 10 * a + b > 23 or 10 * c + d > 59:
        return 86_400
    return sign * (3600 * (10 * a + b) + 60 * (10 * c + d))


@kernel
def read_times(text: Codes, offsets: Ints, pattern: Codes, has_zone: int, first: int, times: Ints) -> int:
    """Read texts of one layout, until one is written otherwise.

    Args:
        text: the characters of all texts.
        offsets: where each of them begins, and where the last one ends.
        pattern: see ``TimeLayout``.
        has_zone: whether they say their zone.
        first: index of the text to begin with.
        times: filled from there on, nanoseconds.

    Returns:
        The index of the first text that is written otherwise; how many there are for none.
    """
    for i in range(first, len(times)):
        at, end = offsets[i], offsets[i + 1]
        if end - at < len(pattern):
            return i
        year = month = day = hour = minute = second = fraction = decimals = 0
        for k in range(len(pattern)):
            code = pattern[k]
            digit = _digit(text[at + k])
            if code == 89:
                year = 10 * year + digit
            elif code == 77:
                month = 10 * month + digit
            elif code == 68:
                day = 10 * day + digit
            elif code == 104:
                hour = 10 * hour + digit
            elif code == 109:
                minute = 10 * minute + digit
            elif code == 115:
                second = 10 * second + digit
            elif code == 102:
                fraction = 10 * fraction + digit
                decimals += 1
            else:
                digit = 0 if text[at + k] == code else -1
            if digit < 0:
                return i
        at += len(pattern)
        if at + 1 < end and text[at] == 46 and _digit(text[at + 1]) >= 0:
            at += 1
            while at < end and _digit(text[at]) >= 0:
                fraction = 10 * fraction + _digit(text[at])
                decimals += 1
                at += 1
                if decimals > 9:
                    return i
        offset = 0
        if has_zone == 1:
            offset = _zone_seconds(text, at, end)
        elif at != end:
            return i
        if offset >= 86_400 or not (1678 <= year <= 2261 and 1 <= month <= 12 and day >= 1):
            return i
        if day > _days_of_month(year, month) or hour > 23 or minute > 59 or second > 59:
            return i
        for _ in range(9 - decimals):
            fraction *= 10
        seconds = _days_since_epoch(year, month, day) * 86_400 + 3600 * hour + 60 * minute + second - offset
        times[i] = seconds * 1_000_000_000 + fraction
    return len(times)
