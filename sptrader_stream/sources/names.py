"""What the names of sources say: words that stand for what is no file, and symbol and timeframe in a file's name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sptrader_stream.instruments import normalise_symbol

SYNTHETIC: Final = "synthetic"
CATALOG: Final = "catalog"
DATABASE: Final = "database"
HTTP: Final = "http"
# What is no file. What the catalog has is found first, and then opened by its path.
NAMED: Final = (SYNTHETIC, CATALOG, DATABASE, HTTP)

_TIMEFRAME: Final = re.compile(r"[1-9]\d{0,2}[smhdw]")


def guess_symbol(spec: str) -> str | None:
    """Tell from a file's name which symbol it holds: ``EURUSD-1m.parquet`` and ``data/EUR_USD 1h.csv`` hold EURUSD.

    Args:
        spec: a path, or a word of ``NAMED``, which say nothing.
    """
    if spec in NAMED:
        return None
    parts = re.split(r"[-_ .]+", Path(spec).stem)
    if len(parts) > 1 and all(len(part) == 3 and part.isalpha() for part in parts[:2]):
        return normalise_symbol(parts[0] + parts[1])
    first = parts[0]
    return normalise_symbol(first) if first.isalnum() and not first.isdigit() else None


def guess_timeframe(spec: str) -> str | None:
    """Tell from a file's name which timeframe it holds: ``EURUSD-1m.parquet`` holds ``1m``."""
    parts = re.split(r"[-_ .]+", Path(spec).stem.lower())
    return next((part for part in parts[1:] if _TIMEFRAME.fullmatch(part)), None)
