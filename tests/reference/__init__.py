"""EXECUTION.md in plain Python: integers and fractions, written from the page alone, to be read next to it.

It knows nothing of the compiled core that it is held against; only the settings and the event Structs are shared.
The page's sections are found in: ``costs`` (1 and 5), ``spans`` (2), ``execution`` (3), ``limits`` (3, step 5),
``levels`` (3, steps 2 and 3, and 6), ``entries`` (4), ``exits`` (6), and ``account``, what happens at any fill.
"""

from __future__ import annotations

from tests.reference.execution import run
from tests.reference.spans import closes
from tests.reference.state import Candle, Decision, Market, Moment, Position, Result, Settlement

__all__ = ["Candle", "Decision", "Market", "Moment", "Position", "Result", "Settlement", "closes", "run"]
