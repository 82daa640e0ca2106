"""Signals: what happens in the candles, said in words that rules can ask for.

The built-in ones are in ``registry`` (what they are) and ``builtin`` (how they work); the user's own are Python files
written against ``api`` and loaded by ``loader``; ``engine`` computes all columns that a strategy asks for.
"""

from __future__ import annotations

from sptrader_stream.signals.registry import SIGNALS, Parameter, ParameterValue, SignalInfo, SignalOutput

__all__ = ["SIGNALS", "Parameter", "ParameterValue", "SignalInfo", "SignalOutput"]
