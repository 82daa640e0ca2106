"""Section 7 of EXECUTION.md from the core's own events: nothing but its fills and trades explains its money."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings

from sptrader_stream.execution.records import ExecutionEvent, Fill, Trade
from tests.execution.driver import cuts_by_rows, run_core
from tests.execution.strategies import World, worlds
from tests.reference import Candle


class Book:
    """What the fills and trades of a run amount to, by position: nothing else may explain its cash and equity."""

    def __init__(self) -> None:
        self.entries: dict[int, Fill] = {}
        self.left: dict[int, int] = {}
        self.charged: dict[int, int] = {}
        self.pnl = 0
        self.last_exit: Fill | None = None

    def take(self, event: ExecutionEvent) -> None:
        if isinstance(event, Fill) and event.reason == "entry":
            assert event.position == len(self.entries) + 1
            self.entries[event.position] = event
            self.left[event.position] = event.quantity
            self.charged[event.position] = 0
        elif isinstance(event, Fill):
            self.last_exit = event
        elif isinstance(event, Trade):
            assert self.last_exit is not None
            self.left[event.position] -= event.quantity
            self.charged[event.position] += event.commission - self.last_exit.commission
            self.pnl += event.pnl

    def still_open(self) -> list[tuple[Fill, int, int]]:
        """Entries, what is left of them, and what of their commission was not charged yet."""
        return [
            (entry, self.left[number], entry.commission - self.charged[number])
            for number, entry in self.entries.items()
            if self.left[number]
        ]


def assert_books_balance(
    world: World, book: Book, mark: Callable[[int, int], int], cash: int, equity: int, open_positions: int
) -> None:
    """Section 7; ``mark`` gives an instrument's price for a side."""
    start, still_open = world.settings.start_capital, book.still_open()
    unallocated = sum(commission for _, _, commission in still_open)
    cost = unrealised = 0
    for entry, left, _ in still_open:
        worth = entry.side * left * world.unit(entry.instrument)
        cost += worth * entry.price
        unrealised += worth * (mark(entry.instrument, entry.side) - entry.price)
    assert open_positions == len(still_open)
    assert cash == start + book.pnl - unallocated - cost
    assert equity - start == book.pnl + unrealised - unallocated


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_accounting_identities_at_every_timestamp(world: World) -> None:
    """Section 7 from the core's own events, with several positions and instruments and parts of positions."""
    result = run_core(world.settings, world.markets, cuts_by_rows(world.markets, 1))
    by_candle: list[list[ExecutionEvent]] = [[] for _ in result.times]
    for event in result.events:
        by_candle[event.candle].append(event)
    book = Book()
    last: dict[int, Candle] = {}
    candles = [{candle.time: candle for candle in market.candles} for market in world.markets]

    def mark(instrument: int, side: int) -> int:
        candle = last[instrument]
        return candle.close + (world.spread(instrument, candle) if side < 0 else 0)

    for index, time in enumerate(result.times):
        last |= {number: by_time[time] for number, by_time in enumerate(candles) if time in by_time}
        for event in by_candle[index]:
            book.take(event)
        assert_books_balance(world, book, mark, result.cash[index], result.equity[index], result.open_positions[index])
    if result.settlement is not None:
        for event in result.settlement.events:
            book.take(event)
        end = result.settlement
        assert_books_balance(world, book, mark, end.cash, end.equity, end.open_positions)
        assert end.open_positions == 0


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_trades_are_made_of_their_fills(world: World) -> None:
    """A trade follows its exit fill and joins the entry's; the parts of a position add up exactly."""
    result = run_core(world.settings, world.markets)
    book = Book()
    before: ExecutionEvent | None = None
    for each in [*result.events, *(result.settlement.events if result.settlement else [])]:
        book.take(each)
        if isinstance(each, Trade):
            assert isinstance(before, Fill)
            entry = book.entries[each.position]
            assert (each.entry_candle, each.entry_time, each.entry_price) == (entry.candle, entry.time, entry.price)
            assert (each.side, each.rule, each.instrument) == (entry.side, entry.rule, entry.instrument)
            assert (each.position, each.price, -each.side) == (before.position, before.price, before.side)
            assert (each.quantity, each.rule, each.reason) == (before.quantity, before.rule, before.reason)
            moved = each.side * (each.price - each.entry_price) * each.quantity * world.unit(each.instrument)
            assert each.pnl == moved - each.commission
            low, high = sorted((each.best, each.worst))
            assert low <= min(entry.price, each.price) <= max(entry.price, each.price) <= high
            # What closed parts have been charged is their share, to half a unit of the smallest money.
            closed = entry.quantity - book.left[each.position]
            assert abs(book.charged[each.position] * entry.quantity - entry.commission * closed) * 2 <= entry.quantity
            assert book.left[each.position] >= 0
            if book.left[each.position] == 0:
                assert book.charged[each.position] == entry.commission
        elif isinstance(each, Fill) and each.reason == "entry":
            assert each.quantity > 0
        before = each
