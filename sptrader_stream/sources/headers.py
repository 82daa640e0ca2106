"""Which column of a file is which: names as users have them, in any case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from sptrader_stream.errors import DataError

# The first of a list that a file has is taken.
_TIMES: Final = (
    "timestamp",
    "datetime",
    "time",
    "date",
    "open_time",
    "opentime",
    "date_time",
    "gmt_time",
    "local_time",
    "time_(utc)",
    "time_(eet)",
    "time_(gmt)",
    "utc",
    "ts",
    "t",
    "__index_level_0__",
)
_NAMES: Final = {
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    # MetaTrader 5 has both TICKVOL and VOL, of which the latter is zero for currencies.
    "volume": ("volume", "tick_volume", "tickvol", "vol", "v"),
    "spread": ("spread",),
}
_OPTIONAL: Final = ("volume", "spread")
_TICK_VOLUMES: Final = ("volume", "vol", "askvolume", "ask_volume", "bidvolume", "bid_volume", "askvol", "bidvol")


class CandleHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The names of a file's columns, as the file spells them; None for an optional one that it lacks.

    ``clock`` is the time of day, where ``time`` is only the date.
    """

    time: str
    clock: str | None
    open: str
    high: str
    low: str
    close: str
    volume: str | None
    spread: str | None

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers that are there, in a fixed order."""
        names = (self.open, self.high, self.low, self.close, self.volume, self.spread)
        return [name for name in names if name is not None]


class TickHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The names of the columns of a file of ticks; ``volumes`` are added up, and none of them counts a tick as one."""

    time: str
    clock: str | None
    bid: str
    ask: str
    volumes: tuple[str, ...]

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers, in a fixed order."""
        return [self.bid, self.ask, *self.volumes]


def match_header(names: Sequence[str], file: str) -> CandleHeader:
    """Find the columns of candles among those of a file.

    Args:
        names: the file's columns.
        file: for the error.

    Raises:
        DataError: one is missing; names found and expected ones.
    """
    plain = _plain(names)
    time, clock = _times(plain)
    found = {field: next((plain[each] for each in known if each in plain), None) for field, known in _NAMES.items()}
    missing = [field for field, name in found.items() if name is None and field not in _OPTIONAL]
    if time is None or missing:
        absent = [*(["time"] if time is None else []), *missing]
        expected = "; ".join(f"{field}: {' or '.join(_NAMES.get(field, _TIMES)[:4])}" for field in absent)
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20:,} more" if len(names) > 20 else "")
        raise DataError(
            f"{file}: no column for {', '.join(absent)}. Found: {shown or 'none'}. "
            f"Expected, in any case: {expected}; or bid and ask for ticks"
        )
    return CandleHeader(time=time, clock=clock, **found)  # type: ignore[arg-type]


def match_ticks(names: Sequence[str]) -> TickHeader | None:
    """Find the columns of ticks among those of a file; None where it has none."""
    plain = _plain(names)
    time, clock = _times(plain)
    if time is None or "open" in plain or "bid" not in plain or "ask" not in plain:
        return None
    volumes = tuple(plain[each] for each in _TICK_VOLUMES if each in plain)
    return TickHeader(time=time, clock=clock, bid=plain["bid"], ask=plain["ask"], volumes=volumes)


def _plain(names: Sequence[str]) -> dict[str, str]:
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(plain_name(name), name)
    return plain


def plain_name(name: str) -> str:
    """Write a column's name the way that names are compared: ``<DATE>`` is ``date``, ``Gmt time`` is ``gmt_time``."""
    return name.strip().strip("<>").lower().replace(" ", "_")


def _times(plain: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Find the column of times; of dates and the one of times of day where these are two."""
    if "date" in plain and "time" in plain and not {"timestamp", "datetime"} & plain.keys():
        return plain["date"], plain["time"]
    return next((plain[each] for each in _TIMES if each in plain), None), None
