"""Signals by name: the built-in ones, and the user's own files in a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from sptrader_stream.errors import SignalError
from sptrader_stream.signals.registry import SIGNALS, ParameterValue, SignalInfo
from sptrader_stream.signals.settings import Problem, complete, nearest, problems_of
from sptrader_stream.signals.signal import Signal

if TYPE_CHECKING:
    from sptrader_stream.signals.userfile import UserFile


class ConfiguredSignal(msgspec.Struct, frozen=True):
    """A signal with its parameters, ready to be made as often as needed.

    Attributes:
        info: the signal.
        parameters: complete, in the declared order.
        make: makes one for an instrument, from its scale (ticks per price unit, 10^price_precision).
    """

    info: SignalInfo
    parameters: Mapping[str, ParameterValue]
    make: Callable[[float], Signal]


def find_signal(name: str, folder: Path | None) -> SignalInfo:
    """What is known about a signal, built-in or from ``folder``.

    Args:
        name: as strategies write it.
        folder: where the user's own signals are, None for none.

    Raises:
        SignalError: there is none of that name (the nearest one is offered), or its file has a mistake.
    """
    path = _user_path(name, folder)
    if path is None:
        return SIGNALS[name]
    from sptrader_stream.signals.userfile import read_user_file

    return read_user_file(path).info


def check_config(name: str, config: Mapping[str, object], folder: Path | None) -> list[Problem]:
    """Everything that is wrong with a signal's configuration; empty if it is right.

    Args:
        name: as for :func:`find_signal`.
        config: parameter names and values, as parsed from the strategy.
        folder: as for :func:`find_signal`.
    """
    try:
        return problems_of(find_signal(name, folder), config)
    except SignalError as error:
        return [Problem("", str(error))]


def load_signal(name: str, config: Mapping[str, object], folder: Path | None) -> ConfiguredSignal:
    """A signal with its configuration.

    Args:
        name: as for :func:`find_signal`.
        config: parameter names and values.
        folder: as for :func:`find_signal`.

    Raises:
        SignalError: no such signal, a mistake in its file, or a wrong configuration.
    """
    path = _user_path(name, folder)
    if path is None:
        from sptrader_stream.signals.builtin import make_builtin

        parameters = complete(SIGNALS[name], config)
        return ConfiguredSignal(SIGNALS[name], parameters, lambda scale: make_builtin(name, parameters, scale))
    from sptrader_stream.signals.userfile import read_user_file

    file = read_user_file(path)
    parameters = complete(file.info, config)
    return ConfiguredSignal(file.info, parameters, lambda scale: _make_user_signal(file, parameters, scale))


def user_signals(folder: Path | None) -> list[str]:
    """Names of the user's own signals in a folder, sorted."""
    if folder is None or not folder.is_dir():
        return []
    return sorted(each.stem for each in folder.glob("*.py") if each.stem.isidentifier() and each.stem[0] != "_")


def _make_user_signal(file: UserFile, parameters: Mapping[str, ParameterValue], scale: float) -> Signal:
    from sptrader_stream.signals.api import StatefulSignal
    from sptrader_stream.signals.stateful import StatefulAdapter
    from sptrader_stream.signals.usercode import UserIndicators
    from sptrader_stream.signals.window import WindowAdapter

    signal = file.make(parameters)
    indicators = UserIndicators(file, signal, scale)
    if isinstance(signal, StatefulSignal):
        twin = cast(StatefulSignal, file.make(parameters))
        return StatefulAdapter(file, signal, twin, indicators)
    return WindowAdapter(file, signal, indicators)


def _user_path(name: str, folder: Path | None) -> Path | None:
    """The user's file of that name, None for a built-in signal."""
    own = user_signals(folder)
    if name in SIGNALS:
        if folder is not None and name in own:
            raise SignalError(f"{folder / name}.py: there is a built-in signal {name}; give the file another name")
        return None
    if folder is None or name not in own:
        place = f"; your own go into {folder}/{name}.py" if folder is not None and name.isidentifier() else ""
        raise SignalError(f"there is no signal {name!r}{nearest(name, [*SIGNALS, *own])}{place}")
    return folder / f"{name}.py"
