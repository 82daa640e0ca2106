"""The metrics of a run, written from their definitions: whole lists, Fractions, no streaming; and rows for the core."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

import msgspec
import numpy as np

from sptrader_stream.events import Executions
from sptrader_stream.execution.records import (
    ASSUMPTIONS,
    EXIT_REASONS,
    KIND_FILL,
    KIND_HALT,
    KIND_REJECTION,
    KIND_TRADE,
    REJECTION_REASONS,
    Assumption,
    ExecutionEvent,
    Fill,
    Rejection,
    Trade,
    pack_head,
)

MINUTE = 60_000_000_000
DAY = 1440 * MINUTE


class Candle(NamedTuple):
    """What happened at one time; ``rows`` is how many instruments have a candle then."""

    time: int
    equity: int
    open_positions: int = 0
    events: tuple[ExecutionEvent, ...] = ()
    rows: int = 1


def trade(
    pnl: int = 1,
    side: int = 1,
    time: int = 0,
    entry_time: int = 0,
    entry: int = 100,
    best: int = 100,
    worst: int = 100,
    assumption: Assumption = "none",
) -> Trade:
    return Trade(
        candle=0, time=time, instrument=3, position=9, rule=2, side=side, entry_candle=0, entry_time=entry_time,
        entry_price=entry, price=entry, quantity=1, commission=7, pnl=pnl, best=best, worst=worst, reason="signal",
        assumption=assumption,
    )  # fmt: skip


def fill(commission: int) -> Fill:
    return Fill(
        candle=0, time=0, instrument=3, position=9, rule=2, side=1, price=5, quantity=1, commission=commission,
        reason="entry",
    )  # fmt: skip


def _row(event: ExecutionEvent) -> list[int]:
    if isinstance(event, Fill):
        reason = -1 if event.reason == "entry" else EXIT_REASONS.index(event.reason)
        head = pack_head(KIND_FILL, reason, event.side, event.rule, event.instrument, 0)
        return [head, event.candle, event.time, event.position, event.price, event.quantity, event.commission, *[0] * 6]
    if isinstance(event, Trade):
        reason, assumption = EXIT_REASONS.index(event.reason), ASSUMPTIONS.index(event.assumption)
        head = pack_head(KIND_TRADE, reason, event.side, event.rule, event.instrument, assumption)
        return [
            head, event.candle, event.time, event.position, event.price, event.quantity, event.commission, event.pnl,
            event.entry_candle, event.entry_time, event.entry_price, event.best, event.worst,
        ]  # fmt: skip
    if isinstance(event, Rejection):
        head = pack_head(KIND_REJECTION, REJECTION_REASONS.index(event.reason), event.side, event.rule, 3, 0)
        return [head, event.candle, event.time, 0, event.price, event.quantity, *[0] * 7]
    head = pack_head(KIND_HALT, EXIT_REASONS.index(event.reason), 0, 0, 0, 0)
    return [head, event.candle, event.time, 0, event.equity, event.reference, *[0] * 7]


def executions(candles: Sequence[Candle], first: int = 0, *, settles: bool = False) -> Executions:
    """One batch, its columns read-only as they are after decoding."""
    rows = [_row(event) for candle in candles for event in candle.events]
    batch = Executions(
        first=first,
        candles=0 if settles else sum(candle.rows for candle in candles),
        generated=0,
        time=np.array([candle.time for candle in candles], np.int64),
        equity=np.array([candle.equity for candle in candles], np.int64),
        open_positions=np.array([candle.open_positions for candle in candles], np.uint32),
        records=np.array(rows, np.int64).ravel(),
        settles=settles,
    )
    for column in (batch.time, batch.equity, batch.open_positions, batch.records):
        column.flags.writeable = False
    return batch


def round_half_even(numerator: int, denominator: int) -> int:
    return round(Fraction(numerator, denominator))


def longest_run(flags: Sequence[bool]) -> int:
    return max((len(list(group)) for flag, group in groupby(flags) if flag), default=0)


class Drawdown(NamedTuple):
    fraction: Fraction
    peak: int
    trough: int


def worst_drawdown(start_capital: int, candles: Sequence[Candle]) -> Drawdown:
    """The first of the largest falls from the highest equity before, as a fraction of it."""
    worst, peak = Drawdown(Fraction(0), start_capital, start_capital), start_capital
    for candle in candles:
        peak = max(peak, candle.equity)
        if Fraction(peak - candle.equity, peak) > worst.fraction:
            worst = Drawdown(Fraction(peak - candle.equity, peak), peak, candle.equity)
    return worst


def largest_fall(start_capital: int, candles: Sequence[Candle]) -> int:
    equities = [start_capital, *(candle.equity for candle in candles)]
    return max(max(equities[: i + 1]) - equity for i, equity in enumerate(equities))


def time_below_peak(start_capital: int, candles: Sequence[Candle], timeframe: int) -> tuple[int, int, int | None]:
    """The longest time from a peak to the return to it: nanoseconds, candles, and when the peak's candle closed."""
    moments = [candles[0].time, *(candle.time + timeframe for candle in candles)]
    equities = [start_capital, *(candle.equity for candle in candles)]
    found: tuple[int, int, int | None] = (0, 0, None)
    for peak in range(len(equities)):
        if any(earlier > equities[peak] for earlier in equities[:peak]):
            continue
        back = next((i for i in range(peak + 1, len(equities)) if equities[i] >= equities[peak]), len(equities) - 1)
        below = any(equity < equities[peak] for equity in equities[peak:back])
        if back == len(equities) - 1 and equities[back] < equities[peak]:
            below = True
        if below and moments[back] - moments[peak] > found[0]:
            found = (moments[back] - moments[peak], back - peak, moments[peak])
    return found


def day_ends(candles: Sequence[Candle], session: int = 0) -> list[tuple[date, int]]:
    """Each day that has candles, with the last of its equities: UTC dates, or what begins at ``session``."""

    def day(candle: Candle) -> date:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=(candle.time - session) // 1000)).date()

    return [(key, list(group)[-1].equity) for key, group in groupby(candles, day)]


def same_state(value: msgspec.Struct) -> bytes:
    """Everything in a Struct, bit for bit."""
    return msgspec.msgpack.encode(msgspec.structs.astuple(value))
