"""Timeframes and points in time: text at the edges, int64 nanoseconds (since 1970, UTC) inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from sptrader_stream.errors import UserError

# in a second
NANOSECONDS: Final = 1_000_000_000
MINUTE: Final = 60 * NANOSECONDS
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
# Stands for a timeframe where ticks are meant, bid and ask, and no candles.
TICK: Final = "tick"

_UNITS: Final = {"s": NANOSECONDS, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_TIMEFRAME: Final = re.compile(r"([1-9]\d{0,5})([smhdw])")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE
)
_UNIX: Final = re.compile(r"-?\d{9,19}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 3650 * DAY
# 1970-01-01 was a Thursday; weekly candles open on Mondays.
FIRST_MONDAY: Final = 4 * DAY

# A time beyond these (years 1678 to 2262) does not fit in int64 nanoseconds.
_FURTHEST: Final = 2**63 - 1


def parse_timeframe(text: str) -> int:
    """Read a timeframe such as ``1m``, ``5m``, ``1h``, ``4h``, ``1d`` or ``1w`` as nanoseconds.

    Raises:
        UserError: it is not one, or is longer than ten years.
    """
    found = _TIMEFRAME.fullmatch(text.strip())
    if found is None:
        raise UserError(
            f"{text!r} is not a timeframe: expected a whole number and s, m, h, d or w (seconds, minutes, hours, days, "
            f"weeks), such as 1m, 5m, 1h, 4h, 1d or 1w"
        )
    nanoseconds = int(found[1]) * _UNITS[found[2]]
    if nanoseconds > _LONGEST:
        raise UserError(f"{text!r} is too long for a timeframe: 10 years (3650d) are the most")
    return nanoseconds


def format_timeframe(nanoseconds: int) -> str:
    """Write a timeframe in its largest whole unit: 3,600 seconds are ``1h``."""
    for unit in "wdhms":
        if nanoseconds % _UNITS[unit] == 0:
            return f"{nanoseconds // _UNITS[unit]}{unit}"
    return f"{nanoseconds / NANOSECONDS:g}s"


def span_origin(timeframe: int, session: int) -> int:
    """Give a time at which a candle of this timeframe opens; all others open a multiple of it away.

    Args:
        timeframe: nanoseconds. Candles of whole weeks open on Mondays, others are counted from 1970.
        session: where the instrument's day begins, nanoseconds after midnight UTC; may be negative.
    """
    return session + (FIRST_MONDAY if timeframe % WEEK == 0 else 0)


def is_made_of(timeframe: int, finer: int) -> bool:
    """Whether every candle of ``timeframe`` spans whole candles of ``finer``; both are nanoseconds."""
    return timeframe % finer == 0 and (span_origin(timeframe, 0) - span_origin(finer, 0)) % finer == 0


def unix_unit(value: int) -> int:
    """Tell by its magnitude what a Unix time counts.

    Args:
        value: seconds up to the year 5138, milliseconds from 1973 on, microseconds or nanoseconds.

    Returns:
        Nanoseconds in one of them.
    """
    size = abs(value)
    if size < 10**11:
        return NANOSECONDS
    if size < 10**14:
        return 1_000_000
    return 1_000 if size < 10**17 else 1


def parse_time(text: str) -> int:
    """Read a point in time as nanoseconds since 1970 UTC.

    Args:
        text: RFC 3339 (``2025-03-31T14:30:00Z``; a space for the T, missing seconds and a missing zone, which is UTC,
            are accepted), a date (its midnight), or Unix seconds, milli-, micro- or nanoseconds of nine digits or more.

    Raises:
        UserError: it is none of them, or beyond the years 1678 to 2262.
    """
    plain = text.strip()
    if _UNIX.fullmatch(plain):
        return _checked(int(plain) * unix_unit(int(plain)), text)
    found = _TIME.fullmatch(plain)
    try:
        if _DATE.fullmatch(plain):
            return _checked(_since_epoch(datetime.fromisoformat(plain)), text)
        if found is not None:
            date, clock, fraction, zone = found.groups()
            when = datetime.fromisoformat(f"{date}T{clock}{(zone or 'Z').upper().replace('Z', '+00:00')}")
            return _checked(_since_epoch(when) + int((fraction or "0").ljust(9, "0")), text)
    except ValueError as error:
        raise UserError(f"{text!r} is not a time: {error}") from None
    raise UserError(
        f"{text!r} is not a time: expected a date (2025-03-31), RFC 3339 (2025-03-31T14:30:00Z) or Unix seconds "
        f"(1743431400)"
    )


def parse_end(text: str) -> int:
    """Read the end of a range, which is inclusive: a date stands for the whole of that day.

    Raises:
        UserError: see :func:`parse_time`.
    """
    start = parse_time(text)
    return start + DAY - 1 if _DATE.fullmatch(text.strip()) else start


def format_time(nanoseconds: int) -> str:
    """Write nanoseconds since 1970 UTC as RFC 3339 text, with a fraction only where there is one."""
    seconds, fraction = divmod(nanoseconds, NANOSECONDS)
    when = _EPOCH + timedelta(seconds=seconds)
    tail = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{when:%Y-%m-%dT%H:%M:%S}{tail}Z"


def _since_epoch(when: datetime) -> int:
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * NANOSECONDS


def _checked(nanoseconds: int, text: str) -> int:
    if abs(nanoseconds) > _FURTHEST:
        raise UserError(f"{text!r} is out of range: expected a time in the years 1678 to 2261")
    return nanoseconds
