"""Messages as websocket frames: encoded once in each format, and framed so that the bytes go to any number of clients.

A frame from a server is not masked (RFC 6455, section 5.2), so that it is the same for everybody.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Format = Literal["json", "msgpack"]

_TEXT: Final = 0x81
_BINARY: Final = 0x82
_SHORT: Final = 126
_MIDDLE: Final = 65_536

_json: Final = msgspec.json.Encoder()
_msgpack: Final = msgspec.msgpack.Encoder()


def encode(message: msgspec.Struct, form: Format) -> bytes:
    """Encode a message without a frame."""
    return _json.encode(message) if form == "json" else _msgpack.encode(message)


def frame(message: msgspec.Struct, form: Format) -> bytes:
    """Encode a message and put a frame around it."""
    payload = encode(message, form)
    opcode, length = _TEXT if form == "json" else _BINARY, len(payload)
    if length < _SHORT:
        return bytes((opcode, length)) + payload
    if length < _MIDDLE:
        return bytes((opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + length.to_bytes(8, "big") + payload
