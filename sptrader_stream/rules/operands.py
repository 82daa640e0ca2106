"""The columns a strategy's rules read: a candle field, an indicator's output or a signal's output.

The compiled strategy lists its operands once each; the signal engine computes one array per operand and batch, and the
rule matcher evaluates the conditions over these arrays. Operands are plain values, so equal ones are computed once.
"""

from __future__ import annotations

import msgspec


class FieldOperand(msgspec.Struct, frozen=True, tag="field"):
    """A candle field (open, high, low, close, volume, hl2, hlc3 or ohlc4) as float64 in the user's units."""

    field: str


class IndicatorOperand(msgspec.Struct, frozen=True, tag="indicator"):
    """One output of an indicator as float64, NaN while it warms up.

    ``parameters`` is complete, validated and in the indicator's declared order. ``source`` is the series the indicator
    is computed over; indicators that read fixed candle fields (such as high, low and close) ignore it.
    """

    name: str
    parameters: tuple[tuple[str, int | float], ...]
    output: str
    source: FieldOperand | IndicatorOperand


class SignalOperand(msgspec.Struct, frozen=True, tag="signal"):
    """One output of a configured signal: int8 codes (0 is none) where it has choices, else float64."""

    signal: str
    output: str


Operand = FieldOperand | IndicatorOperand | SignalOperand
