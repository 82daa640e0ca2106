"""Candles and results in a PostgreSQL database, with the extension TimescaleDB where it is there."""
