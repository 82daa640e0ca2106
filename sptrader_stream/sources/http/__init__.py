"""Candles from a market-data server, asked for in pieces ahead of the run that computes on them."""
