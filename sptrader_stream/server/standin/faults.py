"""Faults to order, the ways in which a server spoils its answers: their names, and how they are ordered.

The command line shows them in its help, so nothing is imported here that it would have to wait for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sptrader_stream.errors import UserError, did_you_mean

LONGEST_DELAY: Final = 3.0

FAULTS: Final[Mapping[str, str]] = {
    "delay": f"answers up to {LONGEST_DELAY:g} s late",
    "error": "500, 502, 503 or 504 instead of an answer",
    "busy": "429 with Retry-After",
    "cut": "closes the connection in the middle of an answer",
    "truncate": "leaves the end of an answer out",
    "trickle": "gives an answer in drops",
    "page": "a web page instead of an answer",
    "order": "candles out of order",
    "double": "a candle twice",
    "range": "a candle outside of what was asked for",
}


def parse_faults(words: list[str]) -> dict[str, float]:
    """Read faults and how often they come: ``cut`` or ``cut=0.1``; by default one request in ten.

    Raises:
        UserError: there is no such fault, or its share is none from 0 to 1.
    """
    found: dict[str, float] = {}
    for word in words:
        name, _, share = word.partition("=")
        if name not in FAULTS:
            raise UserError(f"--fault {word}: no such fault{did_you_mean(name, FAULTS)}; there are {', '.join(FAULTS)}")
        try:
            found[name] = float(share or "0.1")
        except ValueError:
            found[name] = -1.0
        if not 0 <= found[name] <= 1:
            raise UserError(f"--fault {word}: expected a share from 0 to 1, such as {name}=0.1")
    return found
