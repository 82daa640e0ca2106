"""Fixed-point numbers: decimal text at the edges, scaled integers inside (EXECUTION.md, section 1).

A price counts ticks, a quantity counts lots, money counts 10^-8 of the account currency, a percentage counts parts
per 10^8. No binary float takes part.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final

from sptrader_stream.errors import AmountError

MONEY_DIGITS = 8
MONEY_SCALE: Final[int] = 10**MONEY_DIGITS
PERCENT_DIGITS = 8
PERCENT_SCALE: Final[int] = 10**PERCENT_DIGITS

# Every single amount stays below 2^62, so that the sum or difference of any two fits in an int64.
LARGEST_AMOUNT: Final[int] = 2**62

# Wide enough for every amount; what does not fit is refused instead of rounded.
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])


def parse_scaled(value: str | int | float | Decimal, digits: int, what: str) -> int:
    """Read a decimal number as an integer count of 10^-digits.

    A float is read by its shortest decimal text (the text that a YAML or JSON file held).

    Args:
        value: the number.
        digits: decimal places kept.
        what: how to call the number in an error.

    Raises:
        AmountError: not a number, finer than 10^-digits, or beyond 2^62.
    """
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        raise AmountError(f"{what}: {value!r} is not a decimal number") from None
    if not number.is_finite():
        raise AmountError(f"{what}: {value} is not a finite number")
    if number.adjusted() + digits > 19:
        raise AmountError(f"{what}: {value} is too large for exact arithmetic")
    try:
        whole = int(number.quantize(Decimal((0, (1,), -digits)), context=_EXACT).scaleb(digits, context=_EXACT))
    except Inexact:
        raise AmountError(f"{what}: {value} has more than {digits} decimal places") from None
    if abs(whole) >= LARGEST_AMOUNT:
        raise AmountError(f"{what}: {value} is too large for exact arithmetic")
    return whole


def format_scaled(count: int, digits: int) -> str:
    """Write a count of 10^-digits as exact decimal text, all digits: ``format_scaled(103503, 5)`` is ``1.03503``."""
    if digits == 0:
        return str(count)
    whole, part = divmod(abs(count), 10**digits)
    return f"{'-' if count < 0 else ''}{whole}.{part:0{digits}d}"


def format_money(count: int) -> str:
    """Write money as exact decimal text, at least cents, no needless zeros behind them."""
    whole, part = divmod(abs(count), MONEY_SCALE)
    return f"{'-' if count < 0 else ''}{whole}.{f'{part:08d}'.rstrip('0').ljust(2, '0')}"


def divide_half_even(numerator: int, denominator: int) -> int:
    """Divide integers, the quotient rounded half to even; the denominator is positive."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))
