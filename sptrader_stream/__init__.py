"""SPTrader Stream: an event-driven trading engine over candles; this package holds what the actors stand on."""

from __future__ import annotations

__version__ = "0.1.0"
