"""Sections 1 and 5 of EXECUTION.md: amounts of money, commission, spread and slippage."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from sptrader_stream.execution.settings import InstrumentSettings

BUY = 1
SELL = -1


def percentage(parts: int) -> Fraction:
    """Section 1: percentages are parts per 10^8."""
    return Fraction(parts, 10**8)


def notional(instrument: InstrumentSettings, price: int, quantity: int) -> int:
    """Section 1: ticks * lots * 10^(8-p-q) is an exact amount of 10^-8 money."""
    tick_times_lot: int = 10 ** (8 - instrument.price_precision - instrument.quantity_precision)
    return price * quantity * tick_times_lot


def beyond(price: int, direction: int, parts: int) -> int:
    """Section 1: price * (1 +- pct), rounded half to even to a tick, which is how Python rounds a Fraction."""
    return max(0, round(price * (1 + direction * percentage(parts))))


def commission(instrument: InstrumentSettings, price: int, quantity: int) -> int:
    """Section 5: percent + per_unit + per_order, at least the minimum; each part rounded half to even to 10^-8."""
    rates = instrument.commission
    percent = round(notional(instrument, price, quantity) * percentage(rates.percent))
    per_unit = round(rates.per_unit * Fraction(quantity, 10**instrument.quantity_precision))
    return max(percent + per_unit + rates.per_order, rates.minimum)


def quote(side: int, bid: int, spread: int) -> int:
    """Section 5: candles are bid prices; a purchase is made at the ask, a sale at the bid."""
    return bid + spread if side == BUY else bid


def slipped(instrument: InstrumentSettings, side: int, price: int) -> int:
    """Section 5: slippage is rounded up to a tick and against the trader; a slipped price never crosses zero."""
    slippage = instrument.slippage_ticks + ceil(price * percentage(instrument.slippage_percent))
    return price + slippage if side == BUY else max(0, price - slippage)
