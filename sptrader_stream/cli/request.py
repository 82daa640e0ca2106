"""What a command line asks to run, as it was written, and what its words mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.errors import UserError
from sptrader_stream.money import MONEY_DIGITS, parse_scaled

DEFAULT_CAPITAL = "10000"
DEFAULT_BATCH = 8192
DATA_NEEDED: Final = (
    "give the path of a file, 'catalog', 'synthetic', 'database' or 'http', in several markets each as SYMBOL=FILE"
)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_NEEDED = {
    "STRATEGY": "give a strategy's name or the path of its file",
    "--data": DATA_NEEDED,
    "--out": "give a new folder, or leave it out for one in backtests",
}


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for, as it was written; None where it said nothing."""

    strategy: str
    data: Sequence[str]
    symbol: str | None = None
    timeframe: str | None = None
    timezone: str | None = None
    start: str | None = None
    end: str | None = None
    capital: str = DEFAULT_CAPITAL
    overrides: Sequence[str] = ()
    batch_size: int = DEFAULT_BATCH
    out: str | None = None
    bounds: bool = False
    mode: str = "research"


def check_words(request: RunRequest) -> None:
    """Make sure that what is given says something.

    Raises:
        UserError: the strategy, ``--data`` or ``--out`` is an empty text, as an unset variable of a shell gives.
    """
    words = (("STRATEGY", request.strategy), *(("--data", each) for each in request.data), ("--out", request.out))
    for name, word in words:
        if word is not None and not word.strip():
            raise UserError(f"{name} is empty: {_NEEDED[name]}")


def parse_overrides(words: Sequence[str]) -> dict[str, str]:
    """Read ``NAME=VALUE`` words.

    Raises:
        UserError: one is not of that form, or names a parameter a second time.
    """
    overrides: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise UserError(f"-p {word}: expected NAME=VALUE, such as -p stop_loss=0.01")
        if name.strip() in overrides:
            raise UserError(f"-p {word}: {name.strip()} is given twice")
        overrides[name.strip()] = value.strip()
    return overrides


def parse_capital(text: str) -> int:
    """Read the start capital as money (10^-8).

    Raises:
        UserError: it is no amount above zero, or has commas elsewhere than between thousands.
    """
    if "," in text and not _THOUSANDS.fullmatch(text.strip()):
        raise UserError(
            f"--capital: {text} is not an amount: decimals follow a point, and commas only separate thousands, "
            "as in 10,000.50"
        )
    capital = parse_scaled(text.replace(",", "").replace("_", ""), MONEY_DIGITS, "--capital")
    if capital <= 0:
        raise UserError(f"--capital: expected an amount above zero, found {text}")
    return capital


def check_out(folder: Path) -> Path:
    """Make sure that a run can have a folder for its own.

    Raises:
        UserError: there is something in it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"--out {folder}: is there already and not an empty folder; results would be mixed up")
    return folder
