"""One script for each engine, run by that engine's own python as ``-m benchmarks.engines.NAME FILE``."""
