"""Finds where two engines' trades differ; a difference that no rule explains fails, and is told with its candle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from sptrader_stream.timeframes import format_time
from tests.peers.engines.replay import Done
from tests.peers.shapes import Columns, Decided, Shape, exact_level, level

# A thousandth of a tick is what a replay may put between a level and its tick; no level is nearer to the next.
NEAR = 0.01


class Exit(NamedTuple):
    """All that was closed of an entry in one candle at one price (ticks); row -1 for what is open in the end."""

    row: int
    price: float
    quantity: int


class Group(NamedTuple):
    """What became of the entry of one candle."""

    row: int
    side: int
    price: float
    exits: tuple[Exit, ...]

    @property
    def quantity(self) -> int:
        return sum(each.quantity for each in self.exits)

    def exits_in(self, row: int) -> list[Exit]:
        return [each for each in self.exits if each.row == row]


Groups = dict[tuple[int, int], Group]


class Place(NamedTuple):
    """A difference and where it is: ``ours`` and ``theirs`` are what became of one entry, None for nothing."""

    shape: Shape
    candles: Columns
    decided: dict[int, Decided]
    ours: Group | None
    theirs: Group | None
    all_ours: Groups
    all_theirs: Groups

    @property
    def row(self) -> int:
        """The first candle at which the two differ."""
        if self.ours is None or self.theirs is None:
            group = self.ours or self.theirs
            assert group is not None
            return group.row
        return min((each.row for each in self.first_exits if each is not None and each.row >= 0), default=self.ours.row)

    @property
    def first_exits(self) -> tuple[Exit | None, Exit | None]:
        """The first exits that are not the same, ours and theirs."""
        ours = self.ours.exits if self.ours else ()
        theirs = self.theirs.exits if self.theirs else ()
        same = sum(1 for _ in _leading(zip(ours, theirs, strict=False)))
        return (ours[same] if same < len(ours) else None), (theirs[same] if same < len(theirs) else None)

    def range_of(self, row: int, side: int) -> tuple[int, int, int]:
        """A candle as a position of a side sees it: its open, its best and its worst price."""
        high, low = self.candles.high[row], self.candles.low[row]
        return (self.candles.open[row], high, low) if side > 0 else (self.candles.open[row], low, high)

    def stop(self, price: int, side: int) -> int | None:
        return None if self.shape.stop is None else level(price, -side, self.shape.stop)

    def targets(self, price: int, side: int) -> list[int]:
        return [level(price, side, each.distance) for each in self.shape.targets]

    def reaches_stop(self, group: Group, row: int) -> bool:
        """Whether a candle reaches the stop of an entry, as it rests before the candle."""
        stop = self.stop(round(group.price), group.side)
        if self.shape.trail is not None:
            stop = round(self.trailed(group, row))
        return stop is not None and group.side * (self.range_of(row, group.side)[2] - stop) <= 0

    def trailed(self, group: Group, row: int) -> Fraction:
        """Where the stop of an entry has trailed to before a candle, not rounded."""
        assert self.shape.trail is not None
        first = group.row if self.shape.fill == "next_open" else group.row + 1
        prices = [round(group.price), *(self.range_of(each, group.side)[1] for each in range(first, row))]
        best = max(prices) if group.side > 0 else min(prices)
        return exact_level(best, -group.side, self.shape.trail)

    def reaches_target(self, group: Group, row: int) -> bool:
        best = self.range_of(row, group.side)[1]
        return any(group.side * (best - each) >= 0 for each in self.targets(round(group.price), group.side))


class Rule(NamedTuple):
    """Why engines differ: what the other one does instead of a rule of the page, and how to tell."""

    theirs: str
    holds: Callable[[Place], bool]


class Difference(NamedTuple):
    """An explained difference: its candle, and its rule by the number of ``tests.execution.page``."""

    row: int
    time: str
    rule: str


def groups(done: Iterable[Done]) -> Groups:
    """Join what was closed of an entry at one price: whether in one trade or in several is not compared."""
    entries: dict[tuple[int, int], list[Done]] = defaultdict(list)
    for each in done:
        entries[each.entry_row, each.side].append(each)
    found = {}
    for (row, side), parts in entries.items():
        assert max(each.entry_price for each in parts) - min(each.entry_price for each in parts) < NEAR
        closed: dict[tuple[float, float], list[Done]] = defaultdict(list)
        for each in parts:
            # What is open in the end comes last.
            closed[each.exit_row if each.exit_row >= 0 else float("inf"), round(each.exit_price, 2)].append(each)
        exits = tuple(
            Exit(same[0].exit_row, same[0].exit_price, sum(each.quantity for each in same))
            for _, same in sorted(closed.items())
        )
        found[row, side] = Group(row, side, parts[0].entry_price, exits)
    return found


def fills(done: Iterable[Done]) -> dict[tuple[int, int], dict[float, int]]:
    """What was bought (1) and sold (-1) in each candle, by price."""
    found: dict[tuple[int, int], dict[float, int]] = defaultdict(lambda: defaultdict(int))
    for each in done:
        found[each.entry_row, each.side][round(each.entry_price, 2)] += each.quantity
        if each.exit_row >= 0:
            found[each.exit_row, -each.side][round(each.exit_price, 2)] += each.quantity
    return found


def compare(
    shape: Shape,
    candles: Columns,
    decisions: Iterable[Decided],
    ours: Iterable[Done],
    theirs: Iterable[Done],
    rules: Mapping[str, Rule],
) -> list[Difference]:
    """Name the rule of every difference.

    Raises:
        AssertionError: some have none; tells the first of them.
    """
    decided = {each.row: each for each in decisions}
    mine, yours = groups(ours), groups(theirs)
    explained, unexplained = [], []
    for key in sorted(mine.keys() | yours.keys()):
        place = Place(shape, candles, decided, mine.get(key), yours.get(key), mine, yours)
        if place.ours and place.theirs and same_group(place.ours, place.theirs):
            continue
        name = next((name for name, rule in rules.items() if rule.holds(place)), None)
        if name is None:
            unexplained.append(place)
        else:
            explained.append(Difference(place.row, format_time(candles.time[place.row]), name))
    assert not unexplained, f"{len(unexplained)} differences without a rule:\n" + "\n".join(map(_told, unexplained[:3]))
    return explained


def same_group(ours: Group, theirs: Group) -> bool:
    return (
        abs(ours.price - theirs.price) < NEAR
        and len(ours.exits) == len(theirs.exits)
        and all(map(same_exit, ours.exits, theirs.exits))
    )


def same_exit(ours: Exit, theirs: Exit) -> bool:
    return ours.row == theirs.row and ours.quantity == theirs.quantity and abs(ours.price - theirs.price) < NEAR


def _leading(pairs: Iterable[tuple[Exit, Exit]]) -> Iterable[tuple[Exit, Exit]]:
    for ours, theirs in pairs:
        if not same_exit(ours, theirs):
            return
        yield ours, theirs


def _told(place: Place) -> str:
    row = place.row
    candle = ", ".join(f"{name} {getattr(place.candles, name)[row]}" for name in ("open", "high", "low", "close"))
    return (
        f"candle {row} ({format_time(place.candles.time[row])}; {candle}):"
        f"\n  ours   {place.ours}\n  theirs {place.theirs}"
    )
