"""What came of a candle's rules, as the journal tells: fills, rejections, and entries that were passed over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from sptrader_stream.execution.records import SIDE_NAMES, Fill, Halt, Rejection, Trade
from sptrader_stream.execution.settings import Entry
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import format_money, format_scaled
from sptrader_stream.research.candle_events import ENDINGS, CandleEvents, Holding, apply, copied
from sptrader_stream.research.windows import StrategyCandle
from sptrader_stream.timeframes import DAY, format_time

# Exits that fill like an entry, at the open or the close; the others happen inside of a candle.
_MARKET: Final = frozenset({"signal", "time", "max_drawdown", "daily_loss"})
_AT_THE_FILL: Final = frozenset({"insufficient_funds", "halted"})
_REJECTIONS: Final = {
    "below_minimum": "its size came to {quantity}, less than the instrument's smallest order (at the close {price})",
    "insufficient_funds": "the equity had no room for any of the {quantity} that were decided (it would have filled "
    "at {price})",
    "atr_undefined": "a level or the size depends on ATR(14), which is not defined yet (at the close {price})",
    "no_stop_distance": "its size is a risk, and the stop lies at the price itself (at the close {price})",
    "halted": "a limit was passed before it could fill ({quantity} were decided; the last close was {price})",
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a rule that was met, or what happened to a position.

    Attributes:
        kind: what it came to; ``waits`` where the candles end before it could fill.
        message: the same in words.
        reason: of an exit or a rejection; for a skipped entry ``position_open``, ``other_side``, ``max_positions``, or
            the limit that was passed.
        time: of the fill, the rejection or the halt, RFC 3339: the open time of its candle.
        price, quantity, commission, pnl: exact decimal text.
        positions: which it is about.
    """

    kind: Literal["filled", "rejected", "skipped", "waits", "closed", "nothing_open", "unknown"]
    message: str
    reason: str | None = None
    time: str | None = None
    price: str | None = None
    quantity: str | None = None
    commission: str | None = None
    pnl: str | None = None
    positions: tuple[int, ...] = ()


class Outcomes:
    """Tells what came of the rules of one candle.

    Args:
        instrument: what the candle is of.
        candle: the strategy's candle.
        fills: see :func:`read_candle_events`.
        around: what the journal says around it.
        entries: the entry rules.
        at_close: whether decisions fill at the close that made them.
        session: where the run's day begins, nanoseconds after midnight UTC.
    """

    def __init__(
        self,
        instrument: Instrument,
        candle: StrategyCandle,
        fills: int | None,
        around: CandleEvents,
        *,
        entries: Sequence[Entry],
        at_close: bool,
        session: int,
    ) -> None:
        self._instrument = instrument
        self._candle = candle
        self._fills = fills
        self._around = around
        self._entries = entries
        # Stops and targets of this timestamp come before a close that is decided there, but after an open.
        self._ranges_first = at_close and not candle.late
        self._session = session

    def entry(self, rule: int) -> Outcome:
        """What came of an entry rule that was met."""
        for event in self._around.events:
            if isinstance(event, Fill) and (event.reason, event.rule, event.time) == ("entry", rule, self._fills):
                return self._filled(event)
            if isinstance(event, Rejection) and event.rule == rule and self._is_of_this(event):
                return self._rejected(event)
        halt = self._halt()
        if halt is not None:
            message = f"skipped: no entries after the {halt.reason} halt at {format_time(halt.time)}"
            return Outcome(kind="skipped", message=message, reason=halt.reason, time=format_time(halt.time))
        if self._fills is None:
            return _WAITS
        return self._skipped(rule)

    def exit(self) -> Outcome:
        """What came of exit rules that were met: they close what is open together."""
        closed = [each for each in self._trades_then() if each.reason == "signal"]
        if closed:
            message = "; ".join(self.closed(each).message for each in closed)
            return Outcome(kind="closed", message=message, positions=tuple(each.position for each in closed))
        if not self._around.waiting:
            return Outcome(kind="nothing_open", message="nothing was open")
        if self._fills is None:
            return _WAITS
        others = [each for each in self._trades_then() if each.reason in _MARKET]
        if others:
            reasons = ", ".join(dict.fromkeys(each.reason for each in others))
            message = f"what was open was put up for closing before, for the reason {reasons}"
            return Outcome(kind="skipped", message=message, positions=tuple(each.position for each in others))
        if self._ranges_first:
            return Outcome(kind="nothing_open", message="what was open had been closed inside the candle")
        return _UNKNOWN

    def exits(self) -> list[Outcome]:
        """All exits in the candle, and those that its close decided, in order."""
        return [
            self.closed(each)
            for each in self._around.events
            if isinstance(each, Trade)
            and (each.time < self._candle.close or (each.time == self._fills and each.reason in _MARKET))
        ]

    def closed(self, trade: Trade) -> Outcome:
        """Say of a trade what it was."""
        price, quantity = self._price(trade.price), self._quantity(trade.quantity)
        assumed = "" if trade.assumption == "none" else f", which assumes {trade.assumption}"
        message = (
            f"position {trade.position} ({SIDE_NAMES[trade.side]}): {quantity} out at {price} in the candle of "
            f"{format_time(trade.time)}, reason {trade.reason}{assumed}, P&L {format_money(trade.pnl)}"
        )
        return Outcome(
            kind="closed", message=message, reason=trade.reason, time=format_time(trade.time), price=price,
            quantity=quantity, commission=format_money(trade.commission), pnl=format_money(trade.pnl),
            positions=(trade.position,),
        )  # fmt: skip

    def _filled(self, fill: Fill) -> Outcome:
        price, quantity = self._price(fill.price), self._quantity(fill.quantity)
        commission = format_money(fill.commission)
        message = (
            f"filled: position {fill.position}, {quantity} {SIDE_NAMES[fill.side]} at {price} in the candle of "
            f"{format_time(fill.time)}, commission {commission}"
        )
        return Outcome(
            kind="filled", message=message, time=format_time(fill.time), price=price, quantity=quantity,
            commission=commission, positions=(fill.position,),
        )  # fmt: skip

    def _is_of_this(self, event: Rejection) -> bool:
        """Whether what was decided here was rejected, and not an older decision."""
        if event.reason not in _AT_THE_FILL:
            return event.time == self._candle.decided
        return event.time == self._fills or (event.reason == "halted" and event.time > self._candle.decided)

    def _rejected(self, event: Rejection) -> Outcome:
        price, quantity = self._price(event.price), self._quantity(event.quantity)
        why = _REJECTIONS[event.reason].format(price=price, quantity=quantity)
        return Outcome(
            kind="rejected", message=f"rejected, {event.reason}: {why}", reason=event.reason,
            time=format_time(event.time), price=price, quantity=quantity,
        )  # fmt: skip

    def _halt(self) -> Halt | None:
        """The limit that kept entries from being decided."""
        for halt in self._around.halts:
            if halt.reason == "max_drawdown" or self._day(halt.time) >= self._day(self._candle.last):
                return halt
        return None

    def _day(self, time: int) -> int:
        return (time - self._session) // DAY

    def _skipped(self, rule: int) -> Outcome:
        entry = self._entries[rule]
        there = self._open_at_turn(rule)
        others = [each for each in there if each.opened.side != entry.side]
        if others:
            return _passed_over("other_side", "a position of the other side is open", others)
        if there and entry.max_positions == 1:
            return _passed_over("position_open", "a position is open", there)
        if len(there) >= entry.max_positions:
            return _passed_over("max_positions", f"max_positions of {entry.max_positions} is reached", there)
        return _UNKNOWN

    def _open_at_turn(self, rule: int) -> list[Holding]:
        """What was open when it was the rule's turn: after the exits of that moment and the entries before it."""
        holdings = copied(self._around.waiting)
        for event in self._around.events:
            if event.time != self._fills or isinstance(event, Rejection):
                continue
            if isinstance(event, Fill):
                counts = event.reason == "entry" and event.rule < rule
            else:
                counts = event.reason not in ENDINGS and (self._ranges_first or event.reason in _MARKET)
            if counts:
                apply(event, holdings)
        return list(holdings.values())

    def _trades_then(self) -> list[Trade]:
        return [each for each in self._around.events if isinstance(each, Trade) and each.time == self._fills]

    def _price(self, ticks: int) -> str:
        return format_scaled(ticks, self._instrument.price_precision)

    def _quantity(self, lots: int) -> str:
        return format_scaled(lots, self._instrument.quantity_precision)


_WAITS: Final = Outcome(kind="waits", message="waits: the run's candles end before it could fill")
_UNKNOWN: Final = Outcome(kind="unknown", message="the journal does not tell")


def _passed_over(reason: str, message: str, holdings: Sequence[Holding]) -> Outcome:
    listed = ", ".join(
        f"position {each.opened.position}, {SIDE_NAMES[each.opened.side]} since {format_time(each.opened.time)}"
        for each in holdings
    )
    return Outcome(
        kind="skipped",
        message=f"skipped: {message} ({listed})",
        reason=reason,
        positions=tuple(each.opened.position for each in holdings),
    )
