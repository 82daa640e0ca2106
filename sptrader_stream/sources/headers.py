"""Which column of a file is which: names as users have them, in any case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from sptrader_stream.errors import DataError

# The first of a list that a file has is taken.
_NAMES: Final = {
    "time": (
        "timestamp",
        "datetime",
        "time",
        "date",
        "open_time",
        "date_time",
        "gmt_time",
        "ts",
        "t",
        "__index_level_0__",
    ),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v", "tick_volume", "tickvol"),
    "spread": ("spread",),
}
_OPTIONAL: Final = ("volume", "spread")


class CandleHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The names of a file's columns, as the file spells them; None for an optional one that it lacks."""

    time: str
    open: str
    high: str
    low: str
    close: str
    volume: str | None
    spread: str | None

    @property
    def columns(self) -> list[str]:
        """All that are there, in a fixed order."""
        names = (self.time, self.open, self.high, self.low, self.close, self.volume, self.spread)
        return [name for name in names if name is not None]


def match_header(names: Sequence[str], file: str) -> CandleHeader:
    """Find the columns of candles among those of a file.

    Args:
        names: the file's columns.
        file: for the error.

    Raises:
        DataError: one is missing, or date and time of day are in two columns; names found and expected ones.
    """
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(name.strip().strip("<>").lower().replace(" ", "_"), name)
    if "date" in plain and "time" in plain and not {"timestamp", "datetime"} & plain.keys():
        raise DataError(
            f"{file}: date and time are in two columns ({plain['date']}, {plain['time']}). Join them into one, "
            f"such as 2025-03-31 14:30"
        )
    found = {field: next((plain[each] for each in known if each in plain), None) for field, known in _NAMES.items()}
    missing = [field for field, name in found.items() if name is None and field not in _OPTIONAL]
    if missing:
        expected = "; ".join(f"{field}: {' or '.join(_NAMES[field][:4])}" for field in missing)
        raise DataError(
            f"{file}: no column for {', '.join(missing)}. Found: {', '.join(names) or 'none'}. "
            f"Expected, in any case: {expected}"
        )
    return CandleHeader(**found)  # type: ignore[arg-type]
