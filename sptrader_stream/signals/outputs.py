"""From what a user's signal returns to the columns of the run: checked, and in one form for equal values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sptrader_stream.columns import Codes, Floats
from sptrader_stream.signals.registry import SignalOutput


class OutputError(ValueError):
    """A signal returned something else than its outputs declare."""


def read_outputs(outputs: Sequence[SignalOutput], result: object, length: int, start: int) -> list[Floats | Codes]:
    """The columns in what a user's signal returned.

    Args:
        outputs: as declared.
        result: a mapping from each output's name to its values, or the values of the only output.
        length: how many values each output must have.
        start: how many of the first ones to leave out.

    Returns:
        New arrays of ``length - start`` values: int8 codes where the output has choices, else float64.

    Raises:
        OutputError: an output is missing or too many, has another length, or values that do not fit.
    """
    names = [each.name for each in outputs]
    if not isinstance(result, Mapping):
        if len(outputs) > 1:
            raise OutputError(f"must return a dict with {', '.join(names)}, found {_described(result)}")
        result = {names[0]: result}
    if set(result) != set(names):
        found = ", ".join(map(str, result)) or "nothing"
        raise OutputError(f"must return the declared outputs {', '.join(names)}, found {found}")
    return [_column(each, result[each.name], length, start) for each in outputs]


def _column(output: SignalOutput, given: Any, length: int, start: int) -> Floats | Codes:
    values = _as_array(given)
    if values.ndim != 1 or len(values) != length:
        raise OutputError(f"output {output.name} must have {length} values, one per candle, found {_described(given)}")
    return _codes(output, values[start:]) if output.choices else _numbers(output, values[start:])


def _as_array(given: Any) -> np.ndarray[Any, Any]:
    if not hasattr(given, "isna"):
        return np.asarray(given)
    # A pandas Series; its own marks for missing values would not compare with anything.
    if given.dtype.kind in "iufb" and isinstance(given.dtype, np.dtype):
        return np.asarray(given)
    return np.asarray(given.astype(object).where(given.notna(), None))


def _numbers(output: SignalOutput, values: np.ndarray[Any, Any]) -> Floats:
    if values.dtype.kind not in "iufbO":
        raise OutputError(f"output {output.name} must be numbers, found {values.dtype} such as {values[:1].tolist()}")
    try:
        column = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise OutputError(f"output {output.name} must be numbers: {error}") from None
    # One form of zero and one of NaN, so that equal values are equal bits.
    column += 0.0
    column[np.isnan(column)] = np.nan
    return column


def _codes(output: SignalOutput, values: np.ndarray[Any, Any]) -> Codes:
    choices = output.choices
    if values.dtype.kind in "iu":
        wrong = values[(values < 0) | (values > len(choices))]
        if len(wrong):
            raise OutputError(f"output {output.name} has the code {wrong[0]}; codes go from 0 (none) to {len(choices)}")
        return values.astype(np.int8)
    if values.dtype.kind not in "UO":
        wanted = f"names ({', '.join(choices)}, none) or their numbers from 1"
        raise OutputError(f"output {output.name} must be {wanted}, found {values.dtype}")
    codes = np.zeros(len(values), np.int8)
    for code, choice in enumerate(choices, 1):
        codes[values == choice] = code
    silent = values[codes == 0]
    wrong_names = [each for each in set(silent.tolist()) if each not in (None, "none", "") and each == each]
    if wrong_names:
        raise OutputError(
            f"output {output.name} says {wrong_names[0]!r}; its choices are {', '.join(choices)} and none"
        )
    return codes


def _described(given: object) -> str:
    if given is None:
        return "None"
    shape = getattr(given, "shape", None)
    if shape is not None:
        return f"{type(given).__name__} of shape {shape}"
    return f"{type(given).__name__} of {len(given)}" if isinstance(given, Sequence) else type(given).__name__
