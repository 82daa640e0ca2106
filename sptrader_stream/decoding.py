"""Decoders of JSON and MessagePack, made by one thread at a time.

msgspec finds out about the fields of a Struct when the first decoder for it is made, and notes what it knows on the
class before it is done. A thread that decodes such a Struct just then crashes the process (seen with msgspec 0.22,
where two threads read results for the first time). So nobody else makes decoders, or decodes by a type without one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import msgspec

T = TypeVar("T")

_making: Final = threading.Lock()
_json: Final[dict[object, msgspec.json.Decoder[Any]]] = {}
_msgpack: Final[dict[object, msgspec.msgpack.Decoder[Any]]] = {}


def json_decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Give the decoder of JSON for a type; it may be used by any thread."""
    with _making:
        if kind not in _json:
            _json[kind] = msgspec.json.Decoder(kind)
        return cast("msgspec.json.Decoder[T]", _json[kind])


def msgpack_decoder(
    kind: type[T], ext_hook: Callable[[int, memoryview], Any] | None = None
) -> msgspec.msgpack.Decoder[T]:
    """Give the decoder of MessagePack for a type; it may be used by any thread.

    Args:
        kind: the type.
        ext_hook: makes what stands for values of other kinds, see ``msgspec.msgpack.Decoder``; always the same for a
            type.
    """
    with _making:
        if kind not in _msgpack:
            _msgpack[kind] = msgspec.msgpack.Decoder(kind, ext_hook=ext_hook)
        return cast("msgspec.msgpack.Decoder[T]", _msgpack[kind])


def convert(value: object, kind: type[T], *, strict: bool = True) -> T:
    """Convert plain values to a type, as ``msgspec.convert`` does.

    Raises:
        msgspec.ValidationError: they do not fit.
    """
    with _making:
        return msgspec.convert(value, kind, strict=strict)
