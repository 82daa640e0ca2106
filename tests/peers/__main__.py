"""Builds the environments of the engines that the tests compare with: ``python -m tests.peers``."""

from __future__ import annotations

import sys

from benchmarks.peers import PEERS, build
from benchmarks.process import ChildError

ENGINES = ("backtesting", "vectorbt")


def main() -> None:
    for engine in PEERS:
        if engine.name in ENGINES:
            build(engine, lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    try:
        main()
    except ChildError as error:
        sys.exit(f"error: {error}")
