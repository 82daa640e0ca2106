"""The signals that a strategy names: found, or told to be missing or broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sptrader_stream.errors import SignalError
from sptrader_stream.signals.loader import find_signal, user_signals
from sptrader_stream.signals.registry import SignalInfo


class SignalBook:
    """The signals that a strategy may name, each looked up once.

    Args:
        folder: where the user's own signals are, None for none.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._known: dict[str, SignalInfo | str] = {}
        self._told: set[str] = set()

    def find(self, name: str, note: Callable[[str], None]) -> SignalInfo | None:
        """The signal of that name; None if there is none or its file is broken.

        Args:
            name: as the strategy writes it.
            note: told why there is none: at each place that names it if the name is wrong, but only once if the
                signal's file is, for that is one mistake.
        """
        if name not in self._known:
            try:
                self._known[name] = find_signal(name, self.folder)
            except SignalError as error:
                self._known[name] = str(error)
        found = self._known[name]
        if not isinstance(found, str):
            return found
        if name not in self._told:
            note(found)
        if name in user_signals(self.folder):
            self._told.add(name)
        return None
