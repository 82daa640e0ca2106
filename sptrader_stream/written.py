"""What writing candles somewhere came to."""

from __future__ import annotations

import msgspec


class WrittenCandles(msgspec.Struct, frozen=True, kw_only=True):
    """Candles that were written.

    Attributes:
        read: how many candles came.
        new: how many were not there before.
        replaced: how many took the place of different ones.
        start, end: open times of the first and last one that came, nanoseconds since 1970 UTC.
    """

    read: int
    new: int
    replaced: int
    start: int
    end: int
