"""Stops and targets for those who show them: the arithmetic of the position core, told in settings."""

from __future__ import annotations

from typing import Final

from sptrader_stream.execution import layout
from sptrader_stream.execution.arithmetic import level
from sptrader_stream.execution.settings import Distance

DISTANCE_KINDS: Final = {"percentage": layout.PERCENTAGE, "offset": layout.OFFSET, "atr": layout.ATR}


def distance_level(price: int, side: int, distance: Distance, atr: int | None) -> int | None:
    """The level above (side 1) or below (side -1) a price, ticks; None where it depends on an ATR that is None.

    Args:
        price: ticks.
        side: see above.
        distance: between the two.
        atr: the average true range at the decision, 10^-4 ticks.
    """
    if distance.kind == "atr" and atr is None:
        return None
    return level(price, side, DISTANCE_KINDS[distance.kind], distance.value, atr or 0)
