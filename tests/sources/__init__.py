"""Candle sources and the data contract."""
