"""What can go wrong, and whose mistake it is.

    SPTraderError
    └── UserError            something given to us is wrong: shown as one message, exit code 2
        ├── StrategyError    a strategy file, with all findings (file, line, path of the key)
        ├── SignalError      a user's own signal, with the file and line of it
        │   └── ContradictionError   one that says two things of the same candle
        ├── DataError        candles that break the data contract, or a source that cannot be read
        │   ├── NoCandlesError       a market-data server that does not know the symbol
        │   └── EmptyRangeError      a source that has no candles in the range
        ├── ConfigError      a configuration file or environment variable
        ├── StorageError     results cannot be written or read: folder in use, no permission, disk full, no result there
        └── AmountError      a number that is too fine or too large for exact arithmetic

Anything else that escapes is a bug of ours and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

Contradiction: TypeAlias = Literal["looks_ahead", "depends_on_batches"]


class SPTraderError(Exception):
    """Root of all errors that this project raises on purpose."""


class UserError(SPTraderError):
    """Something given to us is wrong; ``str(error)`` says what, where and what to do."""


class ConfigError(UserError):
    """A configuration file or environment variable is wrong."""


class DataError(UserError):
    """Candles break the data contract, or a source cannot be read."""


class NoCandlesError(DataError):
    """A market-data server does not know a symbol."""


class EmptyRangeError(DataError):
    """A source has no candles in the range that was asked for."""


class StorageError(UserError):
    """Results cannot be written (the folder is in use or not writable, the disk is full), or not be read again."""


class AmountError(UserError):
    """A price, quantity or amount is too fine or too large for exact arithmetic (EXECUTION.md, section 1)."""


class SignalError(UserError):
    """A user's own signal cannot be loaded or failed; names file and line.

    Attributes:
        file: the signal's file; None where the mistake is in none.
        symbol, timeframe: of the candles that the signal was given, where a run has several series of them.
    """

    def __init__(self, message: str, file: str | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.symbol: str | None = None
        self.timeframe: str | None = None

    def __str__(self) -> str:
        message = super().__str__()
        return message if self.symbol is None else f"{message} ({self.symbol}, {self.timeframe} candles)"


class ContradictionError(SignalError):
    """A user's own signal said one thing of a candle and then another.

    Attributes:
        kind: ``looks_ahead``: the second value was said when later candles were known; ``depends_on_batches``: when
            the candles came one at a time.
        output: of the signal.
        candle: index among the candles that the signal was given, from 0.
        said, then: both values, in words.
    """

    def __init__(
        self,
        message: str,
        file: str,
        *,
        kind: Contradiction,
        output: str,
        candle: int,
        said: str,
        then: str,
    ) -> None:
        super().__init__(message, file)
        self.kind = kind
        self.output = output
        self.candle = candle
        self.said = said
        self.then = then


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong in a file.

    Attributes:
        file: the file's path as the user gave it.
        line: one-based, 0 where there is none.
        path: the keys from the top, such as ``exit.stop_loss.value`` or ``entries[1].when``.
        message: what was found and what is expected, with the nearest valid name where there is one.
    """

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class StrategyError(UserError):
    """A strategy file is wrong; carries every finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(each) for each in findings))
        self.findings = tuple(findings)


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Ask for the nearest of the known names, to be put into an error: `` (did you mean EURUSD?)``, or nothing.

    Args:
        name: as the user wrote it.
        known: what could be meant.
        cutoff: how much of a name has to be the same, from 0 to 1.
    """
    import difflib

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f" (did you mean {near[0]}?)" if near else ""


def innermost(error: BaseException) -> BaseException:
    """Take an exception out of the groups that nurseries wrap around it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
