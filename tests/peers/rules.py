"""What other engines do instead of a rule of EXECUTION.md, by the rule's number in ``tests.execution.page``.

Each has a predicate that works out from the candles, the decisions and the shape what either engine has to do where
they differ, and says whether that is what they did.
"""

from __future__ import annotations

from fractions import Fraction

from tests.peers.comparing import NEAR, Group, Groups, Place, Rule, same_group
from tests.peers.shapes import PRICE_SCALE, WHOLE


def open_decides(place: Place) -> bool:
    """The open is beyond a target and the range reaches the stop: that target's part leaves ours at the open."""
    if place.ours is None or place.theirs is None:
        return False
    group, row = place.ours, place.row
    stop = place.stop(round(group.price), group.side)
    open_ = place.candles.open[row]
    if stop is None or group.side * (open_ - stop) <= 0 or not place.reaches_stop(group, row):
        return False
    ours, theirs = group.exits_in(row), place.theirs.exits_in(row)
    return (
        any(group.side * (open_ - each) >= 0 for each in place.targets(round(group.price), group.side))
        and {each.price for each in ours} in ({open_}, {open_, stop})
        and all(abs(each.price - stop) < NEAR for each in theirs)
        and sum(each.quantity for each in ours) == sum(each.quantity for each in theirs)
    )


def levels_of_the_fill(place: Place) -> bool:
    """The close before is beyond a level that the open sets: the order was refused with that level, and has none."""
    group = place.ours
    if group is None or place.theirs is None or place.row != group.row:
        return False
    price, side, close = round(group.price), group.side, place.candles.close[group.row - 1]
    refused = [each for each in place.targets(price, side) if side * (close - each) >= 0]
    stop = place.stop(price, side)
    if stop is not None and side * (close - stop) <= 0:
        refused.append(stop)
    ours = {each.price for each in group.exits_in(group.row)}
    theirs = {round(each.price) for each in place.theirs.exits_in(group.row)}
    low, high = place.candles.low[group.row], place.candles.high[group.row]
    return any(low <= each <= high and each in ours and each not in theirs for each in refused)


def quantity_of_the_decision(place: Place) -> bool:
    """The share is taken of the equity at the decision, by its close; theirs is taken at the fill, by its price."""
    ours, theirs, share = place.ours, place.theirs, place.shape.share
    if ours is None or theirs is None or share is None:
        return False
    scaled = theirs._replace(exits=tuple(each._replace(quantity=ours.quantity) for each in theirs.exits))
    close = place.candles.close[ours.row - 1]
    return (
        same_group(ours, scaled)
        and ours.quantity == _bought(_equity(place, place.all_ours, ours.row), share, close)
        and theirs.quantity == _bought(_equity(place, place.all_theirs, ours.row), share, round(theirs.price))
    )


def one_order_in_a_candle(place: Place) -> bool:
    """A level is reached in the candle whose close decides to enter: theirs spends its only order on the exit."""
    group = place.ours
    if group is None or place.theirs is not None or place.shape.fill != "close":
        return False
    before = _open_before(place.all_theirs, group.row)
    return (
        group.row in place.decided
        and before is not None
        and before.exits[-1].row == group.row
        and (place.reaches_stop(before, group.row) or place.reaches_target(before, group.row))
    )


def level_on_a_tick(place: Place) -> bool:
    """A trailing stop is rounded to a tick; theirs is not, and fills at what no market quotes or is not yet reached."""
    group = place.ours
    ours, theirs = place.first_exits
    if group is None or place.theirs is None or ours is None or theirs is None or place.shape.trail is None:
        return False
    exact = place.trailed(group, ours.row)
    if ours.price != round(exact):
        return False
    if ours.row == theirs.row and abs(theirs.price - float(exact)) < NEAR:
        return True
    # Rounded towards the market: the candle reaches the tick and turns short of the level.
    worst = place.range_of(ours.row, group.side)[2]
    return group.side * (round(exact) - exact) > 0 and worst == round(exact) and not 0 <= theirs.row < ours.row


def entry_takes_part(place: Place) -> bool:
    """The candle at whose open a position is entered reaches one of its levels; theirs looks from the next candle."""
    group = place.ours
    ours, theirs = place.first_exits
    if group is None or place.theirs is None or ours is None or place.shape.fill != "next_open":
        return False
    later = theirs is not None and not 0 <= theirs.row <= group.row
    return (
        ours.row == group.row
        and later
        and (place.reaches_stop(group, group.row) or place.reaches_target(group, group.row))
    )


def open_before_range(place: Place) -> bool:
    """What waits for the open comes before what the range reaches; theirs does the level instead of the order."""
    if place.ours is None or place.shape.fill != "next_open":
        return False
    if place.theirs is None:
        before, row = _open_before(place.all_theirs, place.ours.row), place.ours.row
    else:
        ours, theirs = place.first_exits
        if ours is None or theirs is None or ours.row != theirs.row or ours.price != place.candles.open[ours.row]:
            return False
        before, row = place.theirs, ours.row
    return (
        before is not None
        and before.exits[-1].row == row
        and row - 1 in place.decided
        and (place.reaches_stop(before, row) or place.reaches_target(before, row))
    )


def _open_before(all_groups: Groups, row: int) -> Group | None:
    """The entry that is open when a candle begins, the last one before it."""
    return max((each for each in all_groups.values() if each.row < row), default=None)


def _equity(place: Place, all_groups: Groups, row: int) -> Fraction:
    """Capital and what was won by entries before a candle, at which nothing is open; in units of a tick."""
    won = sum(
        each.side * (round(out.price) - round(each.price)) * out.quantity
        for each in all_groups.values()
        if each.row < row
        for out in each.exits
    )
    return Fraction(place.shape.capital * PRICE_SCALE + won)


def _bought(equity: Fraction, share: int, price: int) -> int:
    return int(equity * share / WHOLE // price)


BACKTESTING_RULES = {
    "3.2b": Rule("it takes the stop first, whatever the open has reached", open_decides),
    "6.1 fill price": Rule("an order is refused with a level that the last close has passed", levels_of_the_fill),
    "4.2 percent": Rule("a share is taken of what is there at the fill, at its price", quantity_of_the_decision),
}
VECTORBT_RULES = {
    "3.2b": Rule("it takes the stop first, whatever the open has reached", open_decides),
    "3.6 close": Rule("it has one order in a candle, and a level comes before a signal", one_order_in_a_candle),
    "1.2 levels": Rule("a trailing stop is not rounded", level_on_a_tick),
    "3.2 step 1": Rule("levels count from the candle after the entry's", entry_takes_part),
    "3": Rule("a level that the range reaches comes before an order at the open", open_before_range),
}
