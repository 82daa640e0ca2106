"""Names for the array types that cross the package: one dimension, contiguous, one value per candle.

Kernels (see ``kernels``) read these names in their annotations to build their machine signature, and mypy reads
them as the numpy types they stand for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Ints: TypeAlias = npt.NDArray[np.int64]
    Masks: TypeAlias = npt.NDArray[np.uint32]
    Codes: TypeAlias = npt.NDArray[np.int8]
    Flags: TypeAlias = npt.NDArray[np.bool_]
else:
    Floats = Ints = Masks = Codes = Flags = np.ndarray


class ColumnType(NamedTuple):
    """A column type as numba and numpy's C interface name it."""

    numba_name: str
    numpy_number: int


COLUMN_TYPES: Final = {
    "Floats": ColumnType("float64", 12),
    "Ints": ColumnType("int64", 7),
    "Masks": ColumnType("uint32", 6),
    "Codes": ColumnType("int8", 1),
    "Flags": ColumnType("uint8", 0),
}
