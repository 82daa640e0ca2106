"""From what a strategy writes under ``signal_config`` to a signal's complete parameters."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from sptrader_stream.errors import SignalError
from sptrader_stream.signals.registry import Parameter, ParameterValue, SignalInfo

_SHORTEST_BEGINNING: Final = 3


class Problem(NamedTuple):
    """What is wrong with one key of a signal's configuration; ``key`` is empty if it concerns the signal itself."""

    key: str
    message: str


def nearest(name: str, names: Iterable[str]) -> str:
    """Words that offer the most similar of ``names``, empty if none is similar."""
    known = list(names)
    # A name that was cut short stands for the one that it begins, however much is missing.
    begun = [each for each in known if each.startswith(name)] if len(name) >= _SHORTEST_BEGINNING else []
    close = [min(begun, key=len)] if begun else difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]}?" if close else ""


def problems_of(info: SignalInfo, config: Mapping[str, object]) -> list[Problem]:
    """Everything that is wrong with a signal's configuration, in the order of its keys.

    Args:
        info: the signal.
        config: parameter names and values, as parsed from the strategy.
    """
    names = [each.name for each in info.parameters]
    problems = []
    for key, value in config.items():
        parameter = info.parameter(key)
        if parameter is None:
            known = f"it has {', '.join(names)}" if names else "it has none"
            problems.append(Problem(key, f"{info.name} has no parameter {key!r}{nearest(key, names)} ({known})"))
        elif message := objection(parameter, value):
            problems.append(Problem(key, message))
    for parameter in info.parameters:
        if parameter.default is None and parameter.name not in config:
            problems.append(Problem("", f"{info.name} needs its parameter {parameter.name}: {_wanted(parameter)}"))
    return problems or _disorder(info, config)


def complete(info: SignalInfo, config: Mapping[str, object]) -> dict[str, ParameterValue]:
    """All parameters of a signal in their declared order, defaults filled in.

    Raises:
        SignalError: something is wrong with the configuration; the message has every problem.
    """
    if problems := problems_of(info, config):
        raise SignalError("\n".join(f"signal {info.name}: {each.message}" for each in problems))
    return {each.name: _value(each, config.get(each.name, each.default)) for each in info.parameters}


def _disorder(info: SignalInfo, config: Mapping[str, object]) -> list[Problem]:
    values = {each.name: config.get(each.name, each.default) for each in info.parameters}
    problems = []
    for lesser, greater in zip(info.increasing, info.increasing[1:], strict=False):
        if values[lesser] >= values[greater]:  # type: ignore[operator]
            key = lesser if lesser in config else greater
            message = (
                f"{lesser} must be less than {greater}, found {lesser} {values[lesser]} and {greater} {values[greater]}"
            )
            problems.append(Problem(key, message))
    return problems


def objection(parameter: Parameter, value: object) -> str:
    """What is wrong with a value for a parameter, in words; empty if nothing is."""
    kind = parameter.kind
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "int": number and isinstance(value, int),
        "float": number and math.isfinite(value),  # type: ignore[arg-type]
        "bool": isinstance(value, bool),
        "str": isinstance(value, str),
        "choice": value in parameter.choices,
    }[kind]
    if fits and number:
        fits = (parameter.minimum is None or value >= parameter.minimum) and (  # type: ignore[operator]
            parameter.maximum is None or value <= parameter.maximum  # type: ignore[operator]
        )
    if fits:
        return ""
    hint = nearest(value, parameter.choices) if isinstance(value, str) else ""
    return f"{parameter.name} must be {_wanted(parameter)}, found {value!r}{hint}"


def _wanted(parameter: Parameter) -> str:
    if parameter.kind == "choice":
        return f"one of {', '.join(parameter.choices)}"
    kind = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}[parameter.kind]
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None:
        return f"{kind} from {low} to {high}"
    if low is not None:
        return f"{kind}, at least {low}"
    return kind if high is None else f"{kind}, at most {high}"


def _value(parameter: Parameter, value: object) -> ParameterValue:
    if parameter.kind == "float":
        return float(value)  # type: ignore[arg-type]
    return value  # type: ignore[return-value]
