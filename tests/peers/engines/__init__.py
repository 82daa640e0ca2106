"""Replays of decisions in other engines; each runs as a script in an environment of its own."""
