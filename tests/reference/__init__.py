"""EXECUTION.md in plain Python: integers and fractions, written from the page alone, to be read next to it.

It knows nothing of the compiled core that it is held against; only the settings and the event Structs are shared.
"""

from __future__ import annotations

from tests.reference.execution import run
from tests.reference.state import Candle, Decision, Position, Result

__all__ = ["Candle", "Decision", "Position", "Result", "run"]
