"""Local times to UTC: files that write times without a zone, in a place that changes its clocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from sptrader_stream.columns import Flags, Ints
from sptrader_stream.errors import DataError, UserError
from sptrader_stream.sources.source import NO_TIME
from sptrader_stream.timeframes import MINUTE, format_time

_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_MOST_MINUTES: Final = 18 * 60


class LocalTimes:
    """Turns local times into UTC, chunk by chunk.

    An hour that the clocks repeat is the first of the two until the times go back, and then the second.

    Args:
        zone: an IANA name such as ``Europe/Berlin``, ``UTC``, or a distance such as ``-05:00``.
        what: file and column, for errors.
        place: says where a row is, see ``CandleSource.place``.
        is_unique: whether no two are of the same time, so that one that comes again is of the second hour.

    Raises:
        UserError: there is no such zone.
    """

    def __init__(self, zone: str, what: str, place: Callable[[int], str], *, is_unique: bool = True) -> None:
        self._zone = zone.strip()
        self._what = what
        self._place = place
        self._is_unique = is_unique
        self._shift = fixed_offset(self._zone)
        self._last = NO_TIME
        self._last_was_repeated = False
        self._is_second = False

    def to_utc(self, local: Ints, row: int) -> Ints:
        """Convert a chunk.

        Args:
            local: nanoseconds since 1970 of the local clock; ``NO_TIME`` stays.
            row: index of the first one among the rows of the file.

        Raises:
            DataError: a time that the clocks leave out; names the row.
        """
        if self._shift is not None:
            return np.where(local == NO_TIME, NO_TIME, local - self._shift)
        import pandas as pd

        known = local != NO_TIME
        stamps = pd.DatetimeIndex(np.where(known, local, 0))
        first = stamps.tz_localize(self._zone, ambiguous=np.ones(len(local), np.bool_), nonexistent="NaT")
        absent = np.asarray(first.isna()) & known
        if absent.any():
            index = int(absent.argmax())
            raise DataError(
                f"{self._what}, {self._place(row + index)}: the clocks of {self._zone} leave out "
                f"{format_time(int(local[index]))[:-1]}: is it the right --timezone?"
            )
        second = stamps.tz_localize(self._zone, ambiguous=np.zeros(len(local), np.bool_), nonexistent="NaT")
        early, late = (each.tz_convert("UTC").as_unit("ns").asi8 for each in (first, second))
        utc = np.where(self._second_of_two(local, early != late), late, early)
        return np.where(known, utc, NO_TIME)

    def _second_of_two(self, local: Ints, is_repeated: Flags) -> Flags:
        """Tell for the hours that the clocks repeat which times are of the second one."""
        found: Flags = np.zeros(len(local), np.bool_)
        for index in np.flatnonzero(is_repeated).tolist():
            before = int(local[index - 1]) if index else self._last
            was_repeated = bool(is_repeated[index - 1]) if index else self._last_was_repeated
            if not was_repeated:
                self._is_second = False
            elif int(local[index]) < before + self._is_unique:
                self._is_second = True
            found[index] = self._is_second
        if len(local):
            self._last, self._last_was_repeated = int(local[-1]), bool(is_repeated[-1])
        return found


def fixed_offset(zone: str) -> int | None:
    """Give the distance of a zone from UTC that never changes, nanoseconds; None for one that changes its clocks.

    Raises:
        UserError: there is no such zone.
    """
    if zone.upper() in ("UTC", "GMT", "Z"):
        return 0
    found = _OFFSET.fullmatch(zone)
    if found is not None:
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        if minutes <= _MOST_MINUTES:
            return (minutes if found[1] == "+" else -minutes) * MINUTE
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(
            f"--timezone {zone}: there is no such time zone: expected a name such as Europe/Berlin or "
            "America/New_York, or a distance from UTC such as -05:00"
        ) from None
    return None
