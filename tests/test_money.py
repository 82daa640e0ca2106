"""Decimal text in, whole numbers inside, the same text out: held against Python's decimal module."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.errors import AmountError
from sptrader_stream.money import (
    LARGEST_AMOUNT,
    MONEY_DIGITS,
    divide_half_even,
    format_money,
    format_scaled,
    parse_scaled,
)

WIDE = Context(prec=200)
amounts = st.integers(-LARGEST_AMOUNT + 1, LARGEST_AMOUNT - 1)
digits_kept = st.integers(0, 8)


@given(amounts, digits_kept)
def test_what_is_written_is_read_back(count: int, digits: int) -> None:
    text = format_scaled(count, digits)
    assert Decimal(text) == Decimal(count).scaleb(-digits, WIDE)
    assert len(text.partition(".")[2]) == digits
    assert parse_scaled(text, digits, "price") == count


@given(amounts)
def test_money_is_written_exactly_with_cents_at_least(count: int) -> None:
    text = format_money(count)
    assert Decimal(text) == Decimal(count).scaleb(-MONEY_DIGITS, WIDE)
    decimals = text.partition(".")[2]
    assert 2 <= len(decimals) <= 8
    assert len(decimals) == 2 or not decimals.endswith("0")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0.00"), (5, "0.00000005"), (-150_000_000, "-1.50"), (-1, "-0.00000001"), (10**16, "100000000.00")],
)
def test_money_as_it_is_read(count: int, text: str) -> None:
    assert format_money(count) == text


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6),
    digits_kept,
)
def test_a_number_is_read_exactly_or_refused(number: Decimal, digits: int) -> None:
    exact = Fraction(number) * 10**digits
    if exact.denominator == 1:
        assert parse_scaled(str(number), digits, "price") == parse_scaled(number, digits, "price") == exact
    else:
        with pytest.raises(AmountError, match=f"more than {digits} decimal places"):
            parse_scaled(number, digits, "price")


@given(st.integers(-(10**12), 10**12), st.integers(0, 5))
def test_a_float_is_the_decimal_that_it_is_written_as(count: int, digits: int) -> None:
    assert parse_scaled(count / 10**digits, digits, "price") == count


@pytest.mark.parametrize("value", [0, 7, -3, "1e3", "1.50", "1.5000000000000000000000000000000000000000000", 0.1])
def test_readable_numbers(value: str | int | float) -> None:
    assert parse_scaled(value, 2, "price") == Fraction(str(value)) * 100


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("abc", "price: 'abc' is not a decimal number"),
        ("", "price: '' is not a decimal number"),
        ("1.2.3", "not a decimal number"),
        ("NaN", "price: NaN is not a finite number"),
        ("Infinity", "not a finite number"),
        (float("inf"), "not a finite number"),
        ("1.234", "price: 1.234 has more than 2 decimal places"),
        (0.001, "more than 2 decimal places"),
        ("1.00000000000000000000000000000000000000000000000001", "more than 2 decimal places"),
        ("0.0000000000000000000000000000000000000000000000001", "more than 2 decimal places"),
        ("1e-2000000", "more than 2 decimal places"),
        ("46116860184273879.04", "too large for exact arithmetic"),
        ("-46116860184273879.04", "too large for exact arithmetic"),
        ("1e19", "too large for exact arithmetic"),
        ("1e999999", "too large for exact arithmetic"),
    ],
)
def test_unreadable_numbers_are_refused_by_name(value: str | float, message: str) -> None:
    with pytest.raises(AmountError, match=message.replace(".", r"\.")):
        parse_scaled(value, 2, "price")


def test_the_largest_amount_is_just_below_the_border() -> None:
    assert parse_scaled("46116860184273879.03", 2, "price") == LARGEST_AMOUNT - 1


wide = st.integers(-(10**30), 10**30)


@given(wide, st.integers(1, 10**20) | st.integers(1, 12))
def test_division_rounds_half_to_even(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    assert divide_half_even(numerator, denominator) == round(exact)


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**10))
def test_division_of_halves_agrees_with_decimal(quotient: int, half: int) -> None:
    numerator = (2 * quotient + 1) * half
    wanted = (Decimal(2 * quotient + 1) / 2).quantize(Decimal(1), ROUND_HALF_EVEN, WIDE)
    assert divide_half_even(numerator, 2 * half) == wanted
