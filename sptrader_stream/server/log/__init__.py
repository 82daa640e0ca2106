"""Runs' events for everybody who watches: numbered, encoded once, in pages."""
