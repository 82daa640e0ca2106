"""Shapes of strategies that other engines have too, and what they decide on given candles.

The engines' scripts import this module under their own python: it needs nothing but the standard library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

WHOLE = 10**8
PRICE_SCALE = 10**5

Signal = Literal["golden", "death", "slow_golden", "slow_death"]
AVERAGES = {"golden": (10, 30), "death": (10, 30), "slow_golden": (30, 120), "slow_death": (30, 120)}


class Columns(NamedTuple):
    """Candles: nanoseconds since 1970 and ticks."""

    time: list[int]
    open: list[int]
    high: list[int]
    low: list[int]
    close: list[int]


class Decided(NamedTuple):
    """What is decided at the close of a row: bits of entries and exits, as in ``Shape``."""

    row: int
    entries: int
    exits: int


class Entry(NamedTuple):
    """Enter to a side where a signal comes, up to so many positions."""

    signal: Signal
    side: Literal[1, -1]
    most: int = 1


class Exit(NamedTuple):
    """Close a part of what is open, parts per 10^8, or all of it."""

    signal: Signal
    part: int | None = None


class Target(NamedTuple):
    """A distance from the entry and the part of the opened quantity it closes, parts per 10^8; None for the rest."""

    distance: int
    part: int | None = None


class Shape(NamedTuple):
    """A strategy; distances are parts per 10^8, and an activation of 0 lets the stop trail from the first candle.

    ``share`` takes that part of the equity, parts per 10^8, instead of ``quantity`` units.
    """

    entries: tuple[Entry, ...]
    exits: tuple[Exit, ...]
    fill: Literal["next_open", "close"] = "next_open"
    stop: int | None = None
    targets: tuple[Target, ...] = ()
    trail: int | None = None
    activation: int = 0
    holding: int | None = None
    quantity: int = 1000
    share: int | None = None
    capital: int = 10**9

    @property
    def both_sides(self) -> bool:
        return len({entry.side for entry in self.entries}) == 2


LONG, SHORT = (Entry("golden", 1),), (Entry("death", -1),)
BOTH = LONG + SHORT
ON_DEATH, ON_GOLDEN = (Exit("death"),), (Exit("golden"),)
ON_EITHER = ON_DEATH + ON_GOLDEN
THREE = (Entry("golden", 1, most=3),)
HALF_THEN_ALL = (Exit("slow_death"), Exit("death", part=WHOLE // 2))
STOP, TARGET = 100_000, 200_000
BRACKET = (Target(TARGET),)
LADDER = (Target(STOP, WHOLE // 2), Target(TARGET, WHOLE // 4), Target(3 * STOP))

BACKTESTING = {
    "long": Shape(LONG, ON_DEATH),
    "short": Shape(SHORT, ON_GOLDEN),
    "long and short": Shape(BOTH, ON_EITHER),
    "stop": Shape(LONG, ON_DEATH, stop=STOP),
    "target": Shape(SHORT, ON_GOLDEN, targets=BRACKET),
    "stop and target": Shape(BOTH, ON_EITHER, stop=STOP, targets=BRACKET),
    "stop and target only": Shape(LONG, (), stop=STOP, targets=BRACKET),
    "at the close": Shape(BOTH, ON_EITHER, fill="close", stop=STOP, targets=BRACKET),
    "list of targets": Shape(BOTH, ON_EITHER, stop=STOP, targets=LADDER),
    "trailing stop": Shape(BOTH, ON_EITHER, trail=STOP, activation=STOP // 2),
    "holding period": Shape(SHORT, ON_GOLDEN, holding=7),
    "three positions": Shape(THREE, HALF_THEN_ALL, quantity=1001),
    "three positions with stops": Shape(THREE, HALF_THEN_ALL, stop=2 * STOP, quantity=1001),
    "share of the equity": Shape(LONG, ON_DEATH, share=WHOLE // 2, capital=10**6),
}
VECTORBT = {
    "long": Shape(LONG, ON_DEATH, fill="close"),
    "short": Shape(SHORT, ON_GOLDEN, fill="close"),
    "long and short": Shape(BOTH, ON_EITHER, fill="close"),
    "stop": Shape(LONG, ON_DEATH, fill="close", stop=STOP),
    "target": Shape(SHORT, ON_GOLDEN, fill="close", targets=BRACKET),
    "stop and target": Shape(BOTH, ON_EITHER, fill="close", stop=STOP, targets=BRACKET),
    "trailing stop": Shape(BOTH, ON_EITHER, fill="close", stop=STOP, trail=STOP),
    "three positions": Shape(THREE, HALF_THEN_ALL, fill="close", quantity=1001),
    "at the next open": Shape(BOTH, ON_EITHER, stop=STOP, targets=BRACKET),
}


def decide(shapes: dict[str, Shape], candles: Columns) -> dict[str, list[Decided]]:
    """What each shape decides where averages of closes cross.

    Nothing is decided at the last close: an engine that fills at the next candle would not fill it.
    """
    crossed = {signal: _crossings(candles.close[:-1], signal) for signal in AVERAGES}

    def rows(shape: Shape) -> Iterator[Decided]:
        signals = {each.signal for each in shape.entries} | {each.signal for each in shape.exits}
        for row in sorted(set[int]().union(*(crossed[signal] for signal in signals))):
            entries = sum(1 << rule for rule, each in enumerate(shape.entries) if row in crossed[each.signal])
            exits = sum(1 << rule for rule, each in enumerate(shape.exits) if row in crossed[each.signal])
            yield Decided(row, entries, exits)

    return {name: list(rows(shape)) for name, shape in shapes.items()}


def _crossings(closes: Sequence[int], signal: str) -> set[int]:
    """In integers: averages that are equal do not differ by rounding."""
    fast, slow = AVERAGES[signal]
    sums = list(accumulate(closes, initial=0))
    above = [
        (sums[row + 1] - sums[row + 1 - fast]) * slow > (sums[row + 1] - sums[row + 1 - slow]) * fast
        for row in range(slow - 1, len(closes))
    ]
    rises = signal.endswith("golden")
    return {row for row, (before, after) in enumerate(pairwise(above), slow) if before != after == rises}


def level(price: int, direction: int, distance: int) -> int:
    """Section 1: a level above (1) or below (-1) a price, rounded half to even to a tick."""
    return round(exact_level(price, direction, distance))


def exact_level(price: int, direction: int, distance: int) -> Fraction:
    return price * Fraction(WHOLE + direction * distance, WHOLE)


def part_of(quantity: int, part: int) -> int:
    """Section 6: floored to a lot."""
    return quantity * part // WHOLE
