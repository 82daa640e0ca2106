"""Arrow arrays as numpy columns, straight from their buffers.

pyarrow's own ``Array.to_numpy`` imports pandas, which takes longer than reading a year of candles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sptrader_stream.columns import Flags, Floats, Ints


def plain_values(array: Any, dtype: str) -> tuple[npt.NDArray[Any], Flags | None]:
    """Give the numbers of an array of fixed width.

    Args:
        array: a pyarrow Array.
        dtype: the numpy type of its elements.

    Returns:
        The numbers, not copied, arbitrary where there is none; and where there is none, or None.
    """
    validity, data = array.buffers()
    part = slice(array.offset, array.offset + len(array))
    values = np.zeros(len(array), dtype) if data is None else np.frombuffer(data, dtype)[part]
    if array.null_count == 0 or validity is None:
        return values, None
    present = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[part]
    missing: Flags = present == 0
    return values, missing


def element_type(array: Any) -> str:
    """Name the numpy type of a numeric pyarrow Array's elements."""
    name = str(array.type)
    return {"double": "float64", "float": "float32", "halffloat": "float16"}.get(name, name)


def as_floats(array: Any) -> Floats:
    """Convert a numeric pyarrow Array to float64, NaN where there is no value."""
    kind = str(array.type)
    if kind.startswith("decimal64"):
        # The quotient is the float64 nearest to the decimal, and by far the fastest way there.
        ticks, missing = plain_values(array, "int64")
        quotients: Floats = ticks / 10.0**array.type.scale
        return quotients if missing is None else np.where(missing, np.nan, quotients)
    if kind.startswith("decimal"):
        array = array.cast("float64")
    values, missing = plain_values(array, element_type(array))
    floats: Floats = np.ascontiguousarray(values, np.float64)
    if missing is None:
        return floats
    return np.where(missing, np.nan, floats)


def as_whole_numbers(array: Any, dtype: str) -> tuple[Ints, Flags | None]:
    """Convert an integer array, or a floating one of whole numbers, to int64; and tell where there is none.

    Args:
        array: a pyarrow Array.
        dtype: the numpy type of its elements.
    """
    values, missing = plain_values(array, dtype)
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values) if missing is None else missing | ~np.isfinite(values)
        return np.rint(np.where(bad, 0.0, values)).astype(np.int64), bad
    whole: Ints = values.astype(np.int64, copy=False)
    return (whole, None) if missing is None else (np.where(missing, 0, whole), missing)
