"""Section 2 of EXECUTION.md: days, and when the candles of the strategy's timeframe close."""

from __future__ import annotations

from collections.abc import Sequence

from sptrader_stream.execution.settings import ExecutionSettings
from tests.reference.state import Candle, Moment

DAY = 24 * 60 * 60 * 10**9
WEEK = 7 * DAY
MONDAY = 4 * DAY  # 1970-01-05


def day(time: int, session: int) -> int:
    """A day is a UTC date, or begins at the session's offset."""
    return (time - session) // DAY


def span_end(time: int, timeframe: int, session: int) -> int:
    """Where the strategy candle that holds ``time`` ends; candles are counted from the session, weeks from Mondays."""
    origin = session + (MONDAY if timeframe % WEEK == 0 else 0)
    return origin + ((time - origin) // timeframe + 1) * timeframe


def closes(settings: ExecutionSettings, instrument: int, candles: Sequence[Candle]) -> dict[Moment, int]:
    """The moments at which an instrument's strategy candles close, in order, each with the instant of it.

    One closes with the data candle that ends its span or, where that is missing, just before the next data candle.
    """
    data, strategy = settings.timeframe, settings.strategy_timeframe
    session = settings.instruments[instrument].session
    if strategy == data:
        return {Moment(row): candle.time + data for row, candle in enumerate(candles)}
    found: dict[Moment, int] = {}
    open_until: int | None = None
    for row, candle in enumerate(candles):
        if open_until is not None and candle.time >= open_until:
            found[Moment(row, late=True)] = open_until
        end = span_end(candle.time, strategy, session)
        if candle.time + data >= end:
            found[Moment(row)] = candle.time + data
            open_until = None
        else:
            open_until = end
    return found
