"""The paces that the keys + and - go through."""

from __future__ import annotations

from typing import Final

from sptrader_stream.pace import MAX, Pace

_STEPS: Final = tuple(digit * 10**power for power in range(6) for digit in (1, 2, 5))


def faster(pace: Pace) -> Pace:
    """The next faster pace: of a rate the next of 1, 2, 5, 10 and so on, beyond the last of them as fast as can be."""
    match pace.kind:
        case "max":
            return pace
        case "realtime":
            return Pace("realtime", pace.value * 2)
        case _:
            above = next((each for each in _STEPS if each > pace.value), None)
            return MAX if above is None else Pace("rate", above)


def slower(pace: Pace, candles_per_second: float) -> Pace:
    """The next slower pace; of full speed, the next below what the run does.

    Args:
        pace: now.
        candles_per_second: what the run does at it.
    """
    if pace.kind == "realtime":
        return Pace("realtime", pace.value / 2)
    value = candles_per_second if pace.kind == "max" else pace.value
    below = next((each for each in reversed(_STEPS) if each < value), None)
    if below is None:
        # Slower than one candle a second only by halves.
        return Pace("rate", value / 2) if pace.kind == "rate" else Pace("rate", 1)
    return Pace("rate", below)
