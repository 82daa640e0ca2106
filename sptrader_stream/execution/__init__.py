"""The position core: what a run does with one candle, in which order, at which price (EXECUTION.md)."""
