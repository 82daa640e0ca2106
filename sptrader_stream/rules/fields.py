"""What may stand at a key of a strategy file: how its text is read and bounded, as annotations of ``schema``'s fields.

``Number``, ``ByType`` and ``Special`` carry what a type alone cannot say.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from typing import Annotated, NamedTuple

import msgspec


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """How a number's decimal text is read and bounded.

    Attributes:
        what: in an error, what is expected here.
        digits: the value becomes an integer count of 10^-digits; None keeps an exact Decimal.
        above: the value is larger than this, if given.
        least: the value is at least this, if given.
        below: the value is smaller than this, if given.
        most: the value is at most this, if given.
        leveraged: the value is at most the strategy's leverage, which is 1 unless it says otherwise.
        hint: said when the value is out of bounds.
    """

    what: str
    digits: int | None = 8
    above: int | None = None
    least: int | None = None
    below: int | None = None
    most: int | None = None
    leveraged: bool = False
    hint: str = ""


class ByType(msgspec.Struct, frozen=True):
    """A number whose meaning depends on what the section's ``type`` says: one of ``numbers``, or ``any`` without it."""

    numbers: dict[str, Number]
    any: Number


class Special(Enum):
    """Values that need more than a type to be read."""

    CONDITION = "a list of conditions, or a mapping with all, any, not, signal or expr"
    SIGNAL = "the name of a signal"
    SIGNAL_CONFIG = "a mapping of signals to their settings"
    PARAMETERS = "a mapping of names to values"
    TIMEFRAME = "a timeframe such as 1m, 15m, 4h or 1d"
    DURATION = "a whole number of candles such as 48, or a duration such as 12h or 20d, at most 10 years"


PERCENT_HINT = "1 stands for 100 %, so 2 % is 0.02"
MOST_LEVERAGE = 500


def _fraction(example: str, *, above: int | None = None, least: int | None = None, most: int) -> Number:
    return Number(what=f"a fraction such as {example}", above=above, least=least, most=most, hint=PERCENT_HINT)


def _part(example: str, *, above: int | None = None, least: int | None = None) -> Number:
    return Number(what=f"a fraction such as {example}", above=above, least=least, below=1, hint=PERCENT_HINT)


def _exact(what: str, most: int | None = None, hint: str = "") -> Number:
    return Number(what=what, digits=None, above=0, most=most, hint=hint)


_STOP = Number(what="a fraction such as 0.02", digits=None, above=0, below=1, hint=PERCENT_HINT)
_NUMBER = _exact("a number")
_BY_PRICE = {"offset": _exact("a distance in price units such as 0.0025"), "atr": _exact("a multiple such as 2", 100)}

Fraction = Annotated[int, _fraction("0.02", above=0, most=1)]
TrailDistance = Annotated[int, _part("0.01", above=0)]
Activation = Annotated[int, _fraction("0.01", least=0, most=10)]
Trigger = Annotated[int, _fraction("0.01", above=0, most=10)]
PositionShare = Annotated[int, _fraction("0.1", above=0, most=100)]
CostFraction = Annotated[int, _part("0.001", least=0)]
StopDistance = Annotated[Decimal, ByType({"percentage": _STOP, **_BY_PRICE}, _NUMBER)]
TargetDistance = Annotated[
    Decimal, ByType({"percentage": _exact("a fraction such as 0.04", 10, PERCENT_HINT), **_BY_PRICE}, _NUMBER)
]
Amount = Annotated[int, Number(what="an amount of money such as 2.50", least=0)]
Ticks = Annotated[int, Number(what="a whole number of ticks", digits=0, least=0, most=1_000_000)]
Positions = Annotated[int, Number(what="a whole number of positions", digits=0, least=2, most=100)]
CandleCount = Annotated[int, Number(what="a whole number of candles", digits=0, least=1, most=1_000_000_000)]
Leverage = Annotated[int, Number(what="a number such as 30", least=1, most=MOST_LEVERAGE, hint="1 is no leverage")]
_SHARE_OF_EQUITY = Number(
    what="a fraction of equity such as 0.02",
    digits=None,
    above=0,
    leveraged=True,
    hint=f"{PERCENT_HINT}; more than 1 needs `execution.leverage`",
)
SizeFraction = Annotated[Decimal, _SHARE_OF_EQUITY]
SizeValue = Annotated[
    Decimal,
    ByType(
        {
            "percent": _SHARE_OF_EQUITY,
            "notional": _exact("an amount of money such as 1000"),
            "quantity": _exact("a quantity in units such as 100"),
            "risk": _exact("a fraction of equity such as 0.01", 1, PERCENT_HINT),
        },
        _NUMBER,
    ),
]


class Mismatch(NamedTuple):
    """Values that do not go together: said in words, at the key that ``keys`` lead to from the section."""

    message: str
    keys: tuple[str | int, ...] = ()


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a strategy file."""

    def mismatches(self) -> Iterator[Mismatch]:
        """Say what does not go together, everything at once."""
        return iter(())
