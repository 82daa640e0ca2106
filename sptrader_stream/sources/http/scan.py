"""The kernel that reads candles written the usual way: JSON objects of plain numbers, straight into columns.

It takes what is beyond doubt and leaves the rest to a whole JSON decoder: other keys, a key twice, exponents, escapes,
numbers of more than 15 digits. A number of at most 15 digits and 22 decimals is exact: both its digits and the power of
ten are whole numbers that a float64 holds, and IEEE 754 division rounds their quotient correctly, so that it is the
same float that any correct decoder gives.
"""

from __future__ import annotations

from typing import Final

from sptrader_stream.columns import Codes, Floats, Ints
from sptrader_stream.kernels import device, kernel

UNUSUAL: Final = -1

_MOST_DIGITS: Final = 15
_MOST_DECIMALS: Final = 22
_TIME: Final = 0
_VOLUME: Final = 5
# The fields that have to be there, a bit each: all but the volume.
_NEEDED: Final = 31


@device
def _skip_blanks(text: Codes, at: int) -> int:
    while at < len(text) and (text[at] == 32 or text[at] == 9 or text[at] == 10 or text[at] == 13):
        at += 1
    return at


@device
def _is_at(text: Codes, at: int, character: int) -> bool:
    return at < len(text) and text[at] == character


@device
def _field(text: Codes, at: int) -> int:
    """Tell which field's key, in quotes, begins at a place: 0 time, 1 open, 2 high, 3 low, 4 close, 5 volume."""
    if at + 8 > len(text) or text[at] != 34:
        return UNUSUAL
    a, b, c, d, e = text[at + 1], text[at + 2], text[at + 3], text[at + 4], text[at + 5]
    if e == 34:
        if a == 116 and b == 105 and c == 109 and d == 101:
            return 0
        if a == 111 and b == 112 and c == 101 and d == 110:
            return 1
        if a == 104 and b == 105 and c == 103 and d == 104:
            return 2
    if a == 108 and b == 111 and c == 119 and d == 34:
        return 3
    if a == 99 and b == 108 and c == 111 and d == 115 and e == 101 and text[at + 6] == 34:
        return 4
    if a == 118 and b == 111 and c == 108 and d == 117 and e == 109 and text[at + 6] == 101 and text[at + 7] == 34:
        return 5
    return UNUSUAL


@device
def _key_length(field: int) -> int:
    if field == 3:
        return 5
    return 6 if field < 4 else field + 3


@device
def _number(text: Codes, at: int, row: Floats, field: int) -> int:
    """Read a number into its field of ``row`` and answer where it ends; ``UNUSUAL`` where a decoder has to look."""
    negative = _is_at(text, at, 45)
    if negative:
        at += 1
    first = at
    mantissa = 0
    digits = 0
    decimals = 0
    point = -1
    while at < len(text):
        code = text[at]
        if 48 <= code <= 57:
            digits += 1 if mantissa > 0 or code != 48 else 0
            if digits > _MOST_DIGITS:
                return UNUSUAL
            mantissa = 10 * mantissa + (code - 48)
            decimals += 1 if point >= 0 else 0
        elif code == 46 and point < 0:
            point = at
        else:
            break
        at += 1
    whole = (at if point < 0 else point) - first
    if whole == 0 or (whole > 1 and text[first] == 48) or (point >= 0 and decimals == 0):
        return UNUSUAL
    if decimals > _MOST_DECIMALS or (field == _TIME and point >= 0):
        return UNUSUAL
    scale = 1.0
    for _ in range(decimals):
        scale *= 10.0
    value = mantissa / scale
    row[field] = -value if negative else value
    return at


@device
def _candle(text: Codes, at: int, row: Floats) -> int:
    """Read the object that begins at a place and answer where it ends."""
    if not _is_at(text, at, 123):
        return UNUSUAL
    seen = 0
    row[_VOLUME] = 0.0
    while True:
        at = _skip_blanks(text, at + 1)
        field = _field(text, at)
        if field == UNUSUAL or (seen >> field) & 1 == 1:
            return UNUSUAL
        seen |= 1 << field
        at = _skip_blanks(text, at + _key_length(field))
        if not _is_at(text, at, 58):
            return UNUSUAL
        at = _number(text, _skip_blanks(text, at + 1), row, field)
        if at == UNUSUAL:
            return UNUSUAL
        at = _skip_blanks(text, at)
        if _is_at(text, at, 125):
            return at + 1 if seen & _NEEDED == _NEEDED else UNUSUAL
        if not _is_at(text, at, 44):
            return UNUSUAL


@kernel
def scan(
    text: Codes,
    time: Ints,
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    row: Floats,
) -> int:
    """Read a JSON array of candles.

    Args:
        text: its bytes.
        time: filled from the start with what ``time`` says.
        open_, high, low, close, volume: filled likewise, as long as ``time``; a missing volume is 0.
        row: for 6 values, to work with.

    Returns:
        How many candles there are; ``UNUSUAL`` where it holds something else, more of them than ``time`` takes, or
        is no JSON.
    """
    at = _skip_blanks(text, 0)
    if not _is_at(text, at, 91):
        return UNUSUAL
    count = 0
    at = _skip_blanks(text, at + 1)
    if not _is_at(text, at, 93):
        while True:
            at = _candle(text, at, row)
            if at == UNUSUAL or count == len(time):
                return UNUSUAL
            time[count] = int(row[0])
            open_[count], high[count], low[count], close[count] = row[1], row[2], row[3], row[4]
            volume[count] = row[5]
            count += 1
            at = _skip_blanks(text, at)
            if not _is_at(text, at, 44):
                break
            at = _skip_blanks(text, at + 1)
    if not _is_at(text, at, 93) or _skip_blanks(text, at + 1) != len(text):
        return UNUSUAL
    return count
