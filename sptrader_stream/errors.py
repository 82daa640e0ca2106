"""What can go wrong, and whose mistake it is.

    SPTraderError
    └── UserError            something given to us is wrong: shown as one message, exit code 2
        ├── StrategyError    a strategy file, with all findings (file, line, path of the key)
        ├── SignalError      a user's own signal, with the file and line of it
        ├── DataError        candles that break the data contract, or a source that cannot be read
        ├── ConfigError      a configuration file or environment variable
        ├── StorageError     results cannot be written: folder in use, no permission, disk full
        └── AmountError      a number that is too fine or too large for exact arithmetic

Anything else that escapes is a bug of ours and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class SPTraderError(Exception):
    """Root of all errors that this project raises on purpose."""


class UserError(SPTraderError):
    """Something given to us is wrong; ``str(error)`` says what, where and what to do."""


class ConfigError(UserError):
    """A configuration file or environment variable is wrong."""


class DataError(UserError):
    """Candles break the data contract, or a source cannot be read."""


class StorageError(UserError):
    """Results cannot be written: the folder is in use or not writable, or the disk is full."""


class AmountError(UserError):
    """A price, quantity or amount is too fine or too large for exact arithmetic (EXECUTION.md, section 1)."""


class SignalError(UserError):
    """A user's own signal cannot be loaded or failed; names file and line."""


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


def innermost(error: BaseException) -> BaseException:
    """Take an exception out of the groups that nurseries wrap around it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
