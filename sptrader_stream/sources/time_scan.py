"""The kernel that reads times of one layout out of text."""

from __future__ import annotations

from sptrader_stream.columns import Codes, Ints
from sptrader_stream.kernels import device, kernel


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
