"""SPTrader Stream: an event-driven trading engine over candles; this package holds what the actors stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sptrader_stream.frames import LoadedRun

__version__ = "0.1.0"


def load(run: str | Path = "last", *, exact: bool = False, workspace: str | Path | None = None) -> LoadedRun:
    """Open a recorded run as pandas objects; see :func:`sptrader_stream.frames.load`."""
    from sptrader_stream.frames import load as load_run

    return load_run(run, exact=exact, workspace=workspace)
