"""Replays decisions in vectorbt, by signals.

Its stops are fractions of the price, not rounded to ticks. Each is made here for its entry so that the level lies a
thousandth of a tick on the near side of the tick that section 1 rounds to, and is reached where that tick is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt  # type: ignore[import-not-found]

from tests.peers.engines.replay import Done, main
from tests.peers.shapes import PRICE_SCALE, VECTORBT, WHOLE, Columns, Decided, Shape, level, part_of

NEAR = 0.001
ADD, REMOVE = 2, 3


def replay(shape: Shape, candles: Columns, decided: dict[int, Decided]) -> Iterator[Done]:
    count = len(candles.time)
    signals = {name: np.zeros(count, bool) for name in ("entries", "exits", "short_entries", "short_exits")}
    size = np.full(count, float(shape.quantity))
    stop, target = np.full(count, np.nan), np.full(count, np.nan)
    scales_in = any(entry.most > 1 for entry in shape.entries)
    accumulate = np.full(count, ADD if scales_in else 0)
    book: list[int] = []
    # An order fills in the row of its signal, so for the next open the signal moves there.
    delay = 1 if shape.fill == "next_open" else 0
    prices = candles.open if delay else candles.close
    for each in decided.values():
        row = each.row + delay
        parts = [rule.part for number, rule in enumerate(shape.exits) if each.exits >> number & 1]
        sides = {entry.side for number, entry in enumerate(shape.entries) if each.entries >> number & 1}
        if None in parts:
            # To enter and to exit the same side at once is a conflict, and it would do neither.
            signals["exits"][row], signals["short_exits"][row] = 1 not in sides, -1 not in sides
            accumulate[row] = 0
            book.clear()
        elif parts and book:
            signals["exits"][row] = True
            accumulate[row] = REMOVE
            size[row] = amount = max(1, sum(part_of(sum(book), part) for part in parts if part is not None))
            take(book, amount)
        for number, entry in enumerate(shape.entries):
            if each.entries >> number & 1 and (not scales_in or len(book) < entry.most):
                signals["entries" if entry.side > 0 else "short_entries"][row] = True
                book.append(shape.quantity)
                near = NEAR / prices[row]
                if shape.trail is not None:
                    stop[row] = shape.trail / WHOLE - near
                elif shape.stop is not None:
                    stop[row] = abs(level(prices[row], -entry.side, shape.stop) / prices[row] - 1) - near
                for aim in shape.targets:
                    target[row] = abs(level(prices[row], entry.side, aim.distance) / prices[row] - 1) - near
    index = pd.DatetimeIndex(candles.time)
    open_, high, low, close = (pd.Series(column, index) / PRICE_SCALE for column in candles[1:])
    portfolio = vbt.Portfolio.from_signals(
        close,
        **signals,
        price=open_ if delay else close,
        open=open_,
        high=high,
        low=low,
        size=size,
        accumulate=accumulate,
        sl_stop=stop,
        sl_trail=shape.trail is not None,
        tp_stop=target,
        stop_entry_price="fillprice",
        init_cash=float(shape.capital),
        freq="1min",
    )
    yield from fills(portfolio) if scales_in else trades(portfolio)


def take(book: list[int], amount: int) -> None:
    """Take from the oldest first."""
    while amount:
        taken = min(amount, book[0])
        amount -= taken
        book[0] -= taken
        if not book[0]:
            del book[0]


def trades(portfolio: Any) -> Iterator[Done]:
    for row in portfolio.trades.records.itertuples():
        closed = row.status == 1
        yield Done(
            int(row.entry_idx),
            -1 if row.direction else 1,
            row.entry_price * PRICE_SCALE,
            int(row.exit_idx) if closed else -1,
            row.exit_price * PRICE_SCALE if closed else 0.0,
            round(row.size),
        )


def fills(portfolio: Any) -> Iterator[Done]:
    """Its trades have one average entry price, so that where positions add up the orders are what can be compared."""
    for row in portfolio.orders.records.itertuples():
        yield Done(int(row.idx), -1 if row.side else 1, row.price * PRICE_SCALE, -1, 0.0, round(row.size))


if __name__ == "__main__":
    main(replay, VECTORBT)
