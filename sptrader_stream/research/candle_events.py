"""The part of a run's journal that one of its candles concerns: what was open then, and what happened around it."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

import msgspec

from sptrader_stream.execution.records import ExecutionEvent, Fill, Halt, Rejection, Trade
from sptrader_stream.research.windows import StrategyCandle

# What closes positions behind the last candle.
ENDINGS: Final = frozenset({"cancelled", "end_of_data"})


class Holding(msgspec.Struct):
    """An open position: the fill that opened it, what is left of it, and how many of its targets were taken."""

    opened: Fill
    quantity: int
    targets_taken: int = 0


class CandleEvents(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a run's events that a candle's outcome depends on, for one instrument.

    Attributes:
        waiting: what was open just before decisions on the candle could fill, by position.
        events: from the candle's open until its decisions could fill, in order.
        halts: the last halt of each kind before the decision.
    """

    waiting: dict[int, Holding]
    events: list[Fill | Trade | Rejection]
    halts: list[Halt]


def read_candle_events(
    events: Iterable[ExecutionEvent], instrument: int, candle: StrategyCandle, fills: int | None
) -> CandleEvents:
    """Pick out of a run's events what concerns a candle.

    Args:
        events: all of them, in order; read no further than needed.
        instrument: index in the run.
        candle: the strategy's candle.
        fills: open time of the data candle at which its decisions fill; None where the candles end before.
    """
    open_now: dict[int, Holding] = {}
    waiting: dict[int, Holding] | None = None
    around: list[Fill | Trade | Rejection] = []
    halts: dict[str, Halt] = {}
    for event in events:
        at_the_end = isinstance(event, Trade) and event.reason in ENDINGS
        if waiting is None and (at_the_end if fills is None else event.time >= fills):
            waiting = copied(open_now)
        if fills is not None and event.time > fills:
            break
        if isinstance(event, Halt):
            if event.time < candle.decided or (event.time == candle.decided and not candle.late):
                halts[event.reason] = event
        elif event.instrument == instrument:
            if not isinstance(event, Rejection):
                apply(event, open_now)
            if event.time >= candle.open:
                around.append(event)
    return CandleEvents(
        waiting=open_now if waiting is None else waiting,
        events=around,
        halts=list(halts.values()),
    )


def divided(
    found: CandleEvents, candle: StrategyCandle, late_entries: Container[int], late_exits: bool
) -> CandleEvents:
    """Keep what belongs to one of two candles whose decisions are recorded at the same data candle.

    That is so with fills at the close, where a candle closes late and the data candle after it closes the next one.
    The late decisions come first: exits, then entries in the order of the rules.

    Args:
        found: what concerns the candle.
        candle: one of the two.
        late_entries: the entry rules that were met at the late one.
        late_exits: whether an exit rule was met there.
    """
    before = [each for each in found.events if each.time != candle.decided]
    then = found.events[len(before) :]
    count, last_rule = 0, -1
    for event in then:
        if isinstance(event, Rejection) or event.reason == "entry":
            if event.rule <= last_rule or event.rule not in late_entries:
                break
            last_rule = event.rule
        elif last_rule >= 0 or not (event.reason == "time" or (event.reason == "signal" and late_exits)):
            break
        count += 1
    if candle.late:
        return msgspec.structs.replace(found, events=before + then[:count])
    waiting = copied(found.waiting)
    for event in then[:count]:
        if not isinstance(event, Rejection):
            apply(event, waiting)
    return msgspec.structs.replace(found, waiting=waiting, events=before + then[count:])


def open_positions(events: Iterable[ExecutionEvent], instrument: int, until: int) -> list[Holding]:
    """Give what was open of an instrument, oldest first, after the data candle that opened at ``until``."""
    found: dict[int, Holding] = {}
    for event in events:
        if event.time > until:
            break
        if isinstance(event, Fill | Trade) and event.instrument == instrument:
            apply(event, found)
    return list(found.values())


def apply(event: Fill | Trade, holdings: dict[int, Holding]) -> None:
    """Let a fill or a trade change what is open."""
    if isinstance(event, Fill):
        if event.reason == "entry":
            holdings[event.position] = Holding(event, event.quantity)
        return
    found = holdings.get(event.position)
    if found is not None:
        found.quantity -= event.quantity
        found.targets_taken += event.reason == "take_profit"
        if found.quantity <= 0:
            del holdings[event.position]


def copied(holdings: dict[int, Holding]) -> dict[int, Holding]:
    """The same positions, for changes that do not reach these."""
    return {number: msgspec.structs.replace(each) for number, each in holdings.items()}
