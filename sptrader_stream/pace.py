"""How fast a run takes its candles: as the machine allows, so many a second, or as time passed between them."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from sptrader_stream.errors import UserError

_FORMS: Final = "`max`, candles a second (such as 100 or 0.5), or `realtime` with a factor (such as `realtime x60`)"
_REALTIME: Final = re.compile(r"realtime(?:\s*x\s*(\d{1,9}(?:\.\d{1,6})?))?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d{1,9}(?:\.\d{1,6})?")


class Pace(msgspec.Struct, frozen=True):
    """How fast candles are taken.

    Attributes:
        kind: ``max``; ``rate``: so many timestamps a second; ``realtime``: as time passed between the candles.
        value: timestamps a second, or the factor by which time is made faster; above zero.
    """

    kind: Literal["max", "rate", "realtime"] = "max"
    value: float = 1.0

    def __str__(self) -> str:
        match self.kind:
            case "max":
                return "max"
            case "rate":
                return f"{self.value:g}"
            case _:
                return f"realtime x{self.value:g}"


MAX: Final = Pace()


def parse_pace(said: str | float) -> Pace:
    """Read a pace: ``max``, a number of candles a second, or ``realtime xN``.

    Raises:
        UserError: it is none of them, or not above zero.
    """
    plain = f"{said:f}" if isinstance(said, float) else str(said).strip()
    if plain.lower() == "max":
        return MAX
    realtime = _REALTIME.fullmatch(plain)
    number = _NUMBER.fullmatch(plain)
    if realtime is not None:
        pace = Pace("realtime", float(realtime[1] or 1))
    elif number is not None:
        pace = Pace("rate", float(plain))
    else:
        raise UserError(f"{said!r} is not a pace: expected {_FORMS}")
    if pace.value <= 0:
        raise UserError(f"{said!r} is not a pace: it has to be above zero; to stop a run, pause it")
    return pace
