"""Exact arithmetic of fills in int64: rounding, costs, sizes and levels, without a product that could wrap.

Every amount stays below LARGEST_AMOUNT (2^62), so that the sum of two never wraps. Where a formula could leave that
range, the function answers LARGEST_AMOUNT, and its caller treats that as "does not fit" or as an overflow. ``book`` is
where an instrument's book starts in the state.
"""

from __future__ import annotations

from typing import Final

from sptrader_stream.columns import Ints
from sptrader_stream.execution.layout import (
    COMMISSION_MINIMUM,
    COMMISSION_PER_ORDER,
    COMMISSION_PER_UNIT,
    COMMISSION_PERCENT,
    LOTS_PER_UNIT,
    OFFSET,
    PERCENTAGE,
    SLIPPAGE_PERCENT,
    SLIPPAGE_TICKS,
    UNIT,
)
from sptrader_stream.execution.settings import ATR_DIGITS
from sptrader_stream.kernels import device
from sptrader_stream.money import LARGEST_AMOUNT, PERCENT_SCALE

_PRODUCT_BOUND: Final = LARGEST_AMOUNT * 1.5
_ATR_SCALE: Final = 10**ATR_DIGITS


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
    """The floor of amount * part / 10^8 for non-negative numbers; part stays below 2^63 / 10^8.

    Splitting the amount by 10^8 keeps every product in range, and dividing by a constant costs a multiplication.
    """
    high = product(amount // PERCENT_SCALE, part)
    return min(high + (amount % PERCENT_SCALE) * part // PERCENT_SCALE, LARGEST_AMOUNT)


@device
def percent_half_even(amount: int, part: int) -> int:
    """amount * part / 10^8 for non-negative numbers, rounded half to even; part stays below 2^63 / 10^8."""
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
def share_half_even(amount: int, part: int, whole: int) -> int:
    """amount * part / whole for part <= whole, rounded half to even."""
    if part == whole:
        return amount
    if float(amount) * float(part) < _PRODUCT_BOUND:
        whole_product = amount * part
        return rounded_half_even(whole_product // whole, whole_product % whole, whole)
    # Long multiplication, bit by bit, keeping quotient and remainder: a product of 124 bits is never made.
    quotient = 0
    remainder = 0
    for bit in range(61, -1, -1):
        quotient *= 2
        remainder *= 2
        if remainder >= whole:
            remainder -= whole
            quotient += 1
        if part >> bit & 1:
            quotient += amount // whole
            remainder += amount % whole
            if remainder >= whole:
                remainder -= whole
                quotient += 1
    return rounded_half_even(quotient, remainder, whole)


@device
def rounded_half_even(floor: int, remainder: int, whole: int) -> int:
    """Round a quotient, given as its floor and remainder; LARGEST_AMOUNT stays what it is."""
    twice = 2 * remainder
    if floor < LARGEST_AMOUNT and (twice > whole or (twice == whole and floor % 2 == 1)):
        return floor + 1
    return floor


@device
def percent_level(price: int, side: int, distance: int) -> int:
    """The price that lies ``distance`` (parts per 10^8) above (side 1) or below (side -1), to a tick."""
    part = PERCENT_SCALE + side * distance
    if part <= 0:
        return 0
    return percent_half_even(price, part)


@device
def level(price: int, side: int, kind: int, value: int, atr: int) -> int:
    """The level above (side 1) or below (side -1) a price; never below zero.

    Args:
        price: ticks.
        side: see above.
        kind: PERCENTAGE, OFFSET or ATR.
        value: what the kind says: parts per 10^8, ticks, or a multiple in parts per 10^8.
        atr: 10^-4 ticks.
    """
    if kind == PERCENTAGE:
        return percent_level(price, side, value)
    if kind == OFFSET:
        return max(price + side * value, 0)
    high = percent_floor(atr, value)
    remainder = high % _ATR_SCALE * PERCENT_SCALE + (atr % PERCENT_SCALE) * value % PERCENT_SCALE
    distance = rounded_half_even(high // _ATR_SCALE, remainder, _ATR_SCALE * PERCENT_SCALE)
    return max(price + side * distance, 0)


@device
def slipped(price: int, side: int, state: Ints, book: int) -> int:
    """The price that a purchase (side 1) or sale (side -1) gets after slippage; never below zero."""
    part = state[book + SLIPPAGE_PERCENT]
    distance: int = state[book + SLIPPAGE_TICKS]
    if part > 0:
        percent = percent_floor(price, part)
        if (price % PERCENT_SCALE) * part % PERCENT_SCALE != 0:
            percent += 1
        distance += percent
    return max(price + side * distance, 0)


@device
def notional(price: int, quantity: int, state: Ints, book: int) -> int:
    """Price times quantity as money."""
    return product(product(price, state[book + UNIT]), quantity)


@device
def commission(price: int, quantity: int, state: Ints, book: int) -> int:
    """What a fill costs: EXECUTION.md, section 5; each part that needs it is rounded half to even to 10^-8."""
    percent = state[book + COMMISSION_PERCENT]
    per_unit = state[book + COMMISSION_PER_UNIT]
    total: int = state[book + COMMISSION_PER_ORDER]
    if percent > 0:
        total = min(total + percent_half_even(notional(price, quantity, state, book), percent), LARGEST_AMOUNT)
    if per_unit > 0:
        total = min(total + units_half_even(quantity, per_unit, state[book + LOTS_PER_UNIT]), LARGEST_AMOUNT)
    minimum: int = state[book + COMMISSION_MINIMUM]
    return max(total, minimum)


@device
def fits(price: int, quantity: int, available: int, state: Ints, book: int) -> bool:
    """Whether notional and commission of an entry stay within what is available."""
    amount = notional(price, quantity, state, book)
    return amount <= available and commission(price, quantity, state, book) <= available - amount


@device
def largest_that_fits(price: int, wanted: int, available: int, state: Ints, book: int) -> int:
    """The largest quantity up to ``wanted`` (lots) whose notional and commission fit, by bisection; 0 for none."""
    if fits(price, wanted, available, state, book):
        return wanted
    low = 0
    high = wanted
    while high - low > 1:
        middle = low + (high - low) // 2
        if fits(price, middle, available, state, book):
            low = middle
        else:
            high = middle
    return low
