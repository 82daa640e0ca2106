"""Collecting everything that is wrong in a strategy file before saying so."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from sptrader_stream.errors import Finding, StrategyError
from sptrader_stream.rules.document import Node

SHORTEST_BEGINNING: Final = 3


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """The most similar of ``names``, None if none is near."""
    by_folded = {each.casefold(): each for each in names}
    folded = name.casefold()
    # A name that was cut short stands for the one that it begins, however much is missing.
    if len(folded) >= SHORTEST_BEGINNING and (begun := [each for each in by_folded if each.startswith(folded)]):
        return by_folded[min(begun, key=len)]
    close = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.55)
    return by_folded[close[0]] if close else None


def nearest(name: str, names: Iterable[str]) -> str:
    """A question to append to an error, such as ``; did you mean 'stop_loss'?``; empty if no name is near."""
    found = nearest_name(name, names)
    return "" if found is None else f"; did you mean {found!r}?"


def listed(names: Iterable[str]) -> str:
    """Names for an error: ``a, b or c``."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


class Findings:
    """The findings in one file so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Finding] = []

    def add(self, node: Node, message: str) -> None:
        """Add a finding about ``node``."""
        self.at(node.line, node.path, message)

    def at(self, line: int, path: str, message: str) -> None:
        """Add a finding at a line (0 for none) and key path."""
        self.found.append(Finding(file=self.file, line=line, path=path, message=message))

    def refuse(self) -> None:
        """End the compilation if anything was found.

        Raises:
            StrategyError: with all findings, in the order of the file.
        """
        if self.found:
            raise StrategyError(sorted(dict.fromkeys(self.found), key=lambda each: each.line))
