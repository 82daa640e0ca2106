"""Exact arithmetic of fills in int64: rounding, costs, sizes and levels, without a product that could wrap.

Every amount stays below LARGEST_AMOUNT (2^62), so that the sum of two never wraps. Where a formula could leave that
range, the function answers LARGEST_AMOUNT, and its caller treats that as "does not fit" or as an overflow.
"""

from __future__ import annotations

from sptrader_stream.columns import Ints
from sptrader_stream.execution.layout import (
    RULE_SIZE,
    RULE_SIZING,
    RULE_WIDTH,
    RULES,
    SET_COMMISSION_MINIMUM,
    SET_COMMISSION_PER_ORDER,
    SET_COMMISSION_PER_UNIT,
    SET_COMMISSION_PERCENT,
    SET_LOTS_PER_UNIT,
    SET_MAX_POSITION,
    SET_SLIPPAGE_PERCENT,
    SET_SLIPPAGE_TICKS,
    SET_UNIT,
    SIZING_NOTIONAL,
    SIZING_PERCENT,
)
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT, PERCENT_SCALE

_PRODUCT_BOUND = LARGEST_AMOUNT * 1.5


@device
def product(first: int, second: int) -> int:
    """Multiply two non-negative numbers; LARGEST_AMOUNT where the product would reach it."""
    # The float only asks whether the integers' product is in range: a test that an integer division would answer
    # ten times slower.
    if float(first) * float(second) >= _PRODUCT_BOUND:
        return LARGEST_AMOUNT
    return min(first * second, LARGEST_AMOUNT)


@device
def percent_floor(amount: int, part: int) -> int:
    """The floor of amount * part / 10^8 for non-negative numbers; part stays below 2^62 / 10^8.

    Splitting the amount by 10^8 keeps every product in range, and dividing by a constant costs a multiplication.
    """
    high = product(amount // PERCENT_SCALE, part)
    return min(high + (amount % PERCENT_SCALE) * part // PERCENT_SCALE, LARGEST_AMOUNT)


@device
def percent_half_even(amount: int, part: int) -> int:
    """amount * part / 10^8 for non-negative numbers, rounded half to even; part stays below 2^62 / 10^8."""
    remainder = (amount % PERCENT_SCALE) * part % PERCENT_SCALE
    return rounded_half_even(percent_floor(amount, part), remainder, PERCENT_SCALE)


@device
def units_half_even(quantity: int, per_unit: int, lots_per_unit: int) -> int:
    """What ``quantity`` lots cost at a price for a whole unit, rounded half to even."""
    high = product(quantity // lots_per_unit, per_unit)
    rest = (quantity % lots_per_unit) * per_unit
    floor = min(high + rest // lots_per_unit, LARGEST_AMOUNT)
    return rounded_half_even(floor, rest % lots_per_unit, lots_per_unit)


@device
def rounded_half_even(floor: int, remainder: int, whole: int) -> int:
    """Round a quotient, given as its floor and remainder; LARGEST_AMOUNT stays what it is."""
    twice = 2 * remainder
    if floor < LARGEST_AMOUNT and (twice > whole or (twice == whole and floor % 2 == 1)):
        return floor + 1
    return floor


@device
def level(price: int, side: int, distance: int) -> int:
    """The price that lies ``distance`` (parts per 10^8) above (side 1) or below (side -1), to a tick."""
    part = PERCENT_SCALE + side * distance
    if part <= 0:
        return 0
    return percent_half_even(price, part)


@device
def slipped(price: int, side: int, state: Ints) -> int:
    """The price that a purchase (side 1) or sale (side -1) gets after slippage; never below zero."""
    part = state[SET_SLIPPAGE_PERCENT]
    distance: int = state[SET_SLIPPAGE_TICKS]
    if part > 0:
        percent = percent_floor(price, part)
        if (price % PERCENT_SCALE) * part % PERCENT_SCALE != 0:
            percent += 1
        distance += percent
    return max(price + side * distance, 0)


@device
def commission(price: int, quantity: int, state: Ints) -> int:
    """What a fill costs: EXECUTION.md, section 5; each part that needs it is rounded half to even to 10^-8."""
    notional = product(product(price, state[SET_UNIT]), quantity)
    percent = state[SET_COMMISSION_PERCENT]
    per_unit = state[SET_COMMISSION_PER_UNIT]
    total: int = state[SET_COMMISSION_PER_ORDER]
    if percent > 0:
        total = min(total + percent_half_even(notional, percent), LARGEST_AMOUNT)
    if per_unit > 0:
        total = min(total + units_half_even(quantity, per_unit, state[SET_LOTS_PER_UNIT]), LARGEST_AMOUNT)
    minimum: int = state[SET_COMMISSION_MINIMUM]
    return max(total, minimum)


@device
def fits(price: int, quantity: int, available: int, state: Ints) -> bool:
    """Whether notional and commission of an entry stay within what is available."""
    notional = product(product(price, state[SET_UNIT]), quantity)
    return notional <= available and commission(price, quantity, state) <= available - notional


@device
def largest_that_fits(price: int, wanted: int, available: int, state: Ints) -> int:
    """The largest quantity up to ``wanted`` (lots) whose notional and commission fit, by bisection; 0 for none."""
    if fits(price, wanted, available, state):
        return wanted
    low = 0
    high = wanted
    while high - low > 1:
        middle = low + (high - low) // 2
        if fits(price, middle, available, state):
            low = middle
        else:
            high = middle
    return low


@device
def decided_quantity(state: Ints, rule: int, equity: int, close: int) -> int:
    """The quantity (lots) of an entry, fixed at the decision's close: EXECUTION.md, section 4.

    Answers -1 where an amount leaves the exact range.
    """
    lot = product(close, state[SET_UNIT])
    if lot >= LARGEST_AMOUNT or lot <= 0:
        return -1
    means = max(equity, 0)
    sizing = state[RULES + rule * RULE_WIDTH + RULE_SIZING]
    size: int = state[RULES + rule * RULE_WIDTH + RULE_SIZE]
    if sizing == SIZING_PERCENT:
        amount = percent_floor(means, size)
        if amount >= LARGEST_AMOUNT:
            return -1
        quantity = amount // lot
    elif sizing == SIZING_NOTIONAL:
        quantity = size // lot
    else:
        quantity = size
    if state[SET_MAX_POSITION] >= 0:
        allowed = percent_floor(means, state[SET_MAX_POSITION])
        if allowed >= LARGEST_AMOUNT and quantity > allowed // lot:
            return -1
        quantity = min(quantity, allowed // lot)
    return quantity
