"""Metrics: what a run's candles and trades come to, kept while they stream by, and the statistics made of them."""
