"""From a kernel's Python to LLVM text, by numba; imported only when the cache of ``kernels`` lacks the machine code.

A kernel's entry takes the array objects themselves. It reads data pointer, length, dtype and flags from numpy's
array struct, the fields that C extensions read through ``PyArray_DATA`` and its like, which numpy keeps stable.
"""

from __future__ import annotations

import re
from types import FunctionType
from typing import Any
from unittest import mock

import numba
from llvmlite import ir
from numba import types
from numba.cpython import slicing
from numba.extending import intrinsic

from sptrader_stream.columns import COLUMN_TYPES

# Byte offsets in PyArrayObject_fields and PyArray_Descr, behind the object header.
_HEADER = object.__basicsize__
_DATA, _DIMENSIONS, _DESCRIPTION, _FLAGS = _HEADER, _HEADER + 16, _HEADER + 40, _HEADER + 48
_TYPE_NUMBER = _HEADER + 12
_C_CONTIGUOUS = 1


@intrinsic  # type: ignore[untyped-decorator]
def _load_word(typing_context: Any, address: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(builder.add(*arguments), ir.IntType(64).as_pointer())
        return builder.load(pointer)

    return types.int64(types.int64, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def _as_pointer(typing_context: Any, address: Any, element: Any) -> Any:
    pointer_type = types.CPointer(element.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(pointer_type))

    return pointer_type(types.int64, element), generate


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
def _fits(array: int, type_number: int) -> bool:
    low_word = 0xFFFFFFFF
    flags = _load_word(array, _FLAGS) & low_word
    number = _load_word(_load_word(array, _DESCRIPTION), _TYPE_NUMBER) & low_word
    return bool(flags & _C_CONTIGUOUS) and number == type_number


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
def _length(array: int) -> int:
    return int(_load_word(_load_word(array, _DIMENSIONS), 0))


def _plain_index(builder: Any, index: Any, size: Any) -> Any:
    """Take an index as it is. Numba would look at every one whether it is negative and counts from the end."""
    return index


def _as_device(function: FunctionType, seen: dict[FunctionType, Any]) -> Any:
    """Compile a function lazily with its device functions put in for the plain ones."""
    if function not in seen:
        names = dict(function.__globals__)
        for name in function.__code__.co_names:
            if getattr(names.get(name), "__device__", False):
                names[name] = _as_device(names[name], seen)
        copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
        seen[function] = numba.njit(error_model="numpy", inline="never")(copy)
    return seen[function]


def llvm_text(function: FunctionType, parameters: dict[str, str], symbol: str, refusal: int) -> str:
    """Compile a kernel and give its LLVM module, the entry named ``symbol``.

    Args:
        function: the kernel's Python function.
        parameters: the names of its parameters and of their types, as annotated.
        symbol: the name of the entry, unique to this kernel and version.
        refusal: what the entry answers, plus the argument's index, to an array that is not of the declared type.
    """
    checks, values, signature = [], [], []
    for index, (name, kind) in enumerate(parameters.items()):
        column = COLUMN_TYPES.get(kind)
        if column is None:
            signature.append({"int": types.int64, "float": types.float64}[kind])
            values.append(name)
            continue
        signature.append(types.int64)
        checks.append(f"    if not _fits({name}, {column.numpy_number}): return {refusal + index}\n")
        values.append(f"_carray(_as_pointer(_load({name}, {_DATA}), _{column.numba_name}), (_length({name}),))")
    source = f"def entry({', '.join(parameters)}):\n{''.join(checks)}    return _body({', '.join(values)})\n"
    # Underscored, so that no parameter of a kernel hides one.
    names: dict[str, Any] = {
        "_body": _as_device(function, {}),
        "_fits": _fits,
        "_length": _length,
        "_load": _load_word,
        "_as_pointer": _as_pointer,
        "_carray": numba.carray,
        **{f"_{column.numba_name}": getattr(types, column.numba_name) for column in COLUMN_TYPES.values()},
    }
    exec(compile(source, f"<entry of {function.__name__}>", "exec"), names)
    with mock.patch.object(slicing, "fix_index", _plain_index):
        compiled = numba.cfunc(types.int64(*signature), error_model="numpy")(names["entry"])
    return _only(compiled.inspect_llvm(), compiled.native_name, symbol)


def _only(text: str, native_name: str, symbol: str) -> str:
    """Leave the entry, named ``symbol``, as the only name that the module shares with others.

    Numba names device functions and entries alike in every kernel, so that a loader of several would mix them up;
    and what it declares for the raising of exceptions exists in its own process only, and is never reached.
    """
    text = text.replace(f'@"{native_name}"', f"@{symbol}").replace(f"@{native_name}(", f"@{symbol}(")
    outside = r"declare (\S.*?) @((?:numba_|NRT_|Py|_Py)\w*)\(([^)]*)\)[^\n]*"

    def trap(found: re.Match[str]) -> str:
        return f"define internal {found[1]} @{found[2]}({found[3]}) {{\n  call void @llvm.trap()\n  unreachable\n}}"

    text = re.sub(outside, trap, text) + ("" if "@llvm.trap()" in text else "\ndeclare void @llvm.trap()\n")
    text = re.sub(r"^(@\S+) = common local_unnamed_addr global", r"\1 = internal global", text, flags=re.MULTILINE)
    shared = rf"^define (?!internal )(?:linkonce_odr )?(?=[^\n]*?@)(?![^\n]*?@{symbol}\()"
    return re.sub(shared, "define internal ", text, flags=re.MULTILINE)
