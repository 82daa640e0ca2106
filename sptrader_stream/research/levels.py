"""The stop and the target of an open position, and how they came about."""

from __future__ import annotations

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.execution.arithmetic import percent_level
from sptrader_stream.execution.levels import distance_level
from sptrader_stream.execution.records import SIDE_NAMES
from sptrader_stream.execution.settings import ATR_DIGITS, Distance, ExecutionSettings
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import PERCENT_DIGITS, PERCENT_SCALE, format_scaled
from sptrader_stream.research.candle_events import Holding
from sptrader_stream.timeframes import format_time


class Level(msgspec.Struct, frozen=True):
    """A price at which a position is closed: ``reason`` is what the exit would be recorded as."""

    price: str
    reason: str
    message: str


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position that is open; amounts are exact decimal text, ``since`` is RFC 3339."""

    position: int
    side: str
    rule: str
    since: str
    entry_price: str
    opened: str
    quantity: str
    best: str
    stop: Level | None
    target: Level | None


class Watch(msgspec.Struct):
    """What the levels of one position depend on beside its entry.

    Attributes:
        holding: the position.
        best: the best price that it has seen, ticks.
        atr: at the decision, 10^-4 ticks; None where it is not known.
        from_open: whether the position met the candle that its entry is recorded at.
    """

    holding: Holding
    best: int
    atr: int | None = None
    from_open: bool = False


def see(watch: Watch, chunk: ReadyCandles, start: int, end: int, spread: int | None) -> None:
    """Let a position see candles.

    Args:
        watch: the position.
        chunk: data candles.
        start, end: open times of the first and last one that it meets, inclusive.
        spread: ticks, None for each candle's own.
    """
    rows = slice(int(np.searchsorted(chunk.time, start)), int(np.searchsorted(chunk.time, end, side="right")))
    if rows.start >= rows.stop:
        return
    if watch.holding.opened.side == 1:
        watch.best = max(watch.best, int(chunk.high[rows].max()))
        return
    asked = chunk.low[rows]
    if spread is not None:
        asked = asked + spread
    elif chunk.spread is not None:
        asked = asked + chunk.spread[rows]
    watch.best = min(watch.best, int(asked.min()))


def held_position(
    watch: Watch, number: int, rule: str, settings: ExecutionSettings, instrument: Instrument
) -> HeldPosition:
    """Say where a position stands.

    Args:
        watch: the position.
        number: the instrument's index in the run.
        rule: the name of the entry rule.
        settings: of the run.
        instrument: what the position is in.
    """
    fill, writer = watch.holding.opened, _Writer(watch, settings, number, instrument)
    return HeldPosition(
        position=fill.position,
        side=SIDE_NAMES[fill.side],
        rule=rule,
        since=format_time(fill.time),
        entry_price=writer.price(fill.price),
        opened=writer.quantity(fill.quantity),
        quantity=writer.quantity(watch.holding.quantity),
        best=writer.price(watch.best),
        stop=writer.stop(),
        target=writer.target(),
    )


class _Writer:
    def __init__(self, watch: Watch, settings: ExecutionSettings, number: int, instrument: Instrument) -> None:
        self._watch = watch
        self._entry, self._side = watch.holding.opened.price, watch.holding.opened.side
        self._settings = settings
        self._own = settings.instruments[number]
        self._instrument = instrument

    def price(self, ticks: int) -> str:
        return format_scaled(ticks, self._instrument.price_precision)

    def quantity(self, lots: int) -> str:
        return format_scaled(lots, self._instrument.quantity_precision)

    def stop(self) -> Level | None:
        """The stop in force for the next candle: it only ever tightens, so that the best price alone decides."""
        found: list[tuple[int, str, str]] = []
        if self._own.stop_loss is not None:
            ticks = self._level(self._own.stop_loss, -1)
            if ticks is not None:
                found.append((ticks, "stop_loss", self._distance(self._own.stop_loss, -1)))
        best, trailing = self._watch.best, self._settings.trailing_stop
        if trailing is not None and self._reached(trailing.activation):
            message = f"{_percent(trailing.trail)} {self._word(-1)} the best price so far, {self.price(best)}"
            found.append((self._moved(best, -trailing.trail), "trailing_stop", message))
        if self._settings.break_even is not None and self._reached(self._settings.break_even):
            message = (
                f"at the entry, since the best price so far, {self.price(best)}, is "
                f"{_percent(self._settings.break_even)} or more beyond it"
            )
            found.append((self._entry, "break_even", message))
        if not found:
            return None
        ticks, reason, message = max(found, key=lambda each: each[0] * self._side)
        return Level(self.price(ticks), reason, message)

    def target(self) -> Level | None:
        """The next target: those that were taken, and those whose part is less than a lot, are passed over."""
        taken, opened = self._watch.holding.targets_taken, self._watch.holding.opened.quantity
        for number, target in enumerate(self._own.targets, start=1):
            part = None if target.close is None else opened * target.close // PERCENT_SCALE
            if part == 0:
                continue
            if taken:
                taken -= 1
                continue
            ticks = self._level(target.distance, 1)
            if ticks is None:
                return None
            amount = "all that is left" if part is None else self.quantity(min(part, self._watch.holding.quantity))
            place = f"target {number} of {len(self._own.targets)}, " if len(self._own.targets) > 1 else ""
            message = f"{place}{self._distance(target.distance, 1)}; closes {amount}"
            return Level(self.price(ticks), "take_profit", message)
        return None

    def _reached(self, part: int) -> bool:
        return (self._watch.best - self._moved(self._entry, part)) * self._side >= 0

    def _moved(self, price: int, part: int) -> int:
        """A price moved in the position's favour by parts per 10^8 of it."""
        return percent_level(price, self._side, part)

    def _level(self, distance: Distance, direction: int) -> int | None:
        """The level in ticks, ``direction`` 1 for the favourable side; None where the ATR is not known."""
        return distance_level(self._entry, direction * self._side, distance, self._watch.atr)

    def _distance(self, distance: Distance, direction: int) -> str:
        where = f"{self._word(direction)} the entry at {self.price(self._entry)}"
        if distance.kind == "percentage":
            return f"{_percent(distance.value)} {where}"
        if distance.kind == "offset":
            return f"{self.price(distance.value)} {where}"
        atr = format_scaled(self._watch.atr or 0, self._instrument.price_precision + ATR_DIGITS)
        return f"{_plain(distance.value)} times ATR(14), {atr} at the decision, {where}"

    def _word(self, direction: int) -> str:
        return "above" if direction * self._side > 0 else "below"


def _plain(parts: int) -> str:
    return format_scaled(parts, PERCENT_DIGITS).rstrip("0").rstrip(".")


def _percent(parts: int) -> str:
    return f"{_plain(parts * 100)} %"
