"""Replays decisions in backtesting.py.

Its stops and targets are given with the order. They are computed here from the price at which it will fill, which a
strategy could not know: so they are those of the fill, unless the order is refused with them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from backtesting import Backtest, Strategy  # type: ignore[import-not-found]

from tests.peers.engines.replay import Done, main
from tests.peers.shapes import BACKTESTING, PRICE_SCALE, WHOLE, Columns, Decided, Entry, Shape, level, part_of


@dataclass
class Wanted:
    """What a trade's levels are to be, in ticks, and the best price since its entry."""

    stop: int | None
    target: int | None
    best: int


class Decisions(Strategy):  # type: ignore[misc]
    shape: Shape
    candles: Columns
    decided: dict[int, Decided]

    def init(self) -> None:
        pass

    def next(self) -> None:
        row = len(self.data) - 1
        for trade in self.trades:
            self.keep_levels(trade, row)
        decided = self.decided.get(row, Decided(row, 0, 0))
        remaining = self.exit(decided)
        for rule, entry in enumerate(self.shape.entries):
            against = any((trade.size > 0) != (entry.side > 0) for trade in remaining)
            if decided.entries >> rule & 1 and len(remaining) < entry.most and not against:
                self.enter(entry, row)

    def keep_levels(self, trade: Any, row: int) -> None:
        """Set what the order could not be given, and let the stop trail."""
        wanted, shape, side = trade.tag, self.shape, 1 if trade.size > 0 else -1
        stop = wanted.stop
        wanted.best = max(wanted.best, self.candles.high[row]) if side > 0 else min(wanted.best, self.candles.low[row])
        if shape.trail is not None:
            entry_price = round(trade.entry_price * PRICE_SCALE)
            if side * (wanted.best - level(entry_price, side, shape.activation)) >= 0:
                candidate = level(wanted.best, -side, shape.trail)
                stop = candidate if stop is None else side * max(side * stop, side * candidate)
        if stop is not None and (trade.sl is None or stop != wanted.stop):
            wanted.stop = stop
            trade.sl = stop / PRICE_SCALE
        if wanted.target is not None and trade.tp is None:
            trade.tp = wanted.target / PRICE_SCALE

    def exit(self, decided: Decided) -> list[Any]:
        """Put up what is to be closed; answer what remains."""
        shape, remaining = self.shape, list(self.trades)
        at_open = shape.fill == "next_open"
        if shape.holding is not None:
            for trade in list(remaining):
                if decided.row - trade.entry_bar + at_open >= shape.holding:
                    trade.close()
                    remaining.remove(trade)
        parts = [each.part for rule, each in enumerate(shape.exits) if decided.exits >> rule & 1]
        if not parts or not remaining:
            return remaining
        if None in parts:
            # An exclusive order closes what is open by itself.
            if not (exclusive(shape) and decided.entries):
                for trade in remaining:
                    trade.close()
            return []
        quantity = sum(int(trade.size) for trade in remaining)
        amount = max(1, sum(part_of(quantity, part) for part in parts if part is not None))
        if shape.stop is None:
            # Its own first in, first out; at the end of its queue, behind stops.
            self.sell(size=amount, tag=Wanted(None, None, 0))
        while remaining and amount >= remaining[0].size:
            trade = remaining.pop(0)
            amount -= int(trade.size)
            if shape.stop is not None:
                trade.close()
        if amount and shape.stop is not None:
            remaining[0].close(amount / remaining[0].size)
        return remaining

    def enter(self, entry: Entry, row: int) -> None:
        shape, close = self.shape, self.candles.close[row]
        price = self.candles.open[row + 1] if shape.fill == "next_open" else close
        order = self.buy if entry.side > 0 else self.sell
        stop = None if shape.stop is None else level(price, -entry.side, shape.stop)
        if shape.share is not None:
            order(size=shape.share / WHOLE, tag=Wanted(stop, None, price))
            return
        left = shape.quantity
        for each in shape.targets or (None,):
            target = None if each is None else level(price, entry.side, each.distance)
            quantity = left if each is None or each.part is None else part_of(shape.quantity, each.part)
            left -= quantity
            # Refused unless the last close is between them.
            order(
                size=quantity,
                sl=None if stop is None or entry.side * (close - stop) <= 0 else stop / PRICE_SCALE,
                tp=None if target is None or entry.side * (target - close) <= 0 else target / PRICE_SCALE,
                tag=Wanted(stop, target, price),
            )


def exclusive(shape: Shape) -> bool:
    """Whether an order closes what is open before; with a list of targets an entry is several orders."""
    return shape.both_sides and len(shape.targets) < 2


def replay(shape: Shape, candles: Columns, decided: dict[int, Decided]) -> Iterator[Done]:
    prices = {
        name.title(): [price / PRICE_SCALE for price in getattr(candles, name)]
        for name in ("open", "high", "low", "close")
    }
    backtest = Backtest(
        pd.DataFrame(prices, index=pd.DatetimeIndex(candles.time)),
        type("Replayed", (Decisions,), {"shape": shape, "candles": candles, "decided": decided}),
        cash=shape.capital,
        trade_on_close=shape.fill == "close",
        exclusive_orders=exclusive(shape),
    )
    strategy = backtest.run()["_strategy"]
    for trade in (*strategy.closed_trades, *strategy.trades):
        closed = trade.exit_bar is not None
        yield Done(
            int(trade.entry_bar),
            1 if trade.size > 0 else -1,
            float(trade.entry_price) * PRICE_SCALE,
            int(trade.exit_bar) if closed else -1,
            float(trade.exit_price) * PRICE_SCALE if closed else 0.0,
            abs(int(trade.size)),
        )


if __name__ == "__main__":
    # It warns of trades that are open at the end, which is wanted.
    warnings.simplefilter("ignore")
    main(replay, BACKTESTING)
