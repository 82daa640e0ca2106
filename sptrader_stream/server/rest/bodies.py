"""Request bodies: JSON decoded straight into Structs by msgspec, numbers exact, and said where one is wrong."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any, Final, TypeVar

import msgspec
from litestar.connection import ASGIConnection
from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.enums import MediaType
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from sptrader_stream.decoding import json_decoder
from sptrader_stream.errors import did_you_mean
from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.request_errors import InvalidRequestError, RequestError

T = TypeVar("T")

_PLACE: Final = re.compile(r"(?s)(.*) - at `(key in )?\$\.?([^`]*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `([^`]*)`")
_MISSING: Final = re.compile(r"Object missing required field `([^`]*)`")


class MalformedBodyError(RequestError):
    """The body is not JSON."""

    status = 400
    code = "malformed_body"


class UnsupportedMediaError(RequestError):
    """The body is of a kind that is not understood here."""

    status = 415
    code = "unsupported_media_type"


class JsonBody(AbstractDTO[T]):
    """Decodes a handler's ``data`` from JSON, strictly; use as ``dto=JsonBody[SomeStruct]``."""

    def decode_bytes(self, value: bytes) -> T:
        """Decode a body.

        Raises:
            UnsupportedMediaError: it says that it is something else than JSON.
            MalformedBodyError: it is not JSON.
            InvalidRequestError: a field is wrong; names its path.
        """
        check_is_json(self.asgi_connection)
        return decode_json(value, self.model_type)

    @classmethod
    def create_for_field_definition(cls, *_: Any, **__: Any) -> None:
        """Nothing has to be prepared."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """Describe the Struct itself."""
        described: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return described

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:
        """Nothing is taken apart: msgspec decodes the Struct as a whole."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Nothing is taken apart."""
        return False


def content_type(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The media type that a request says its body has, without parameters; empty where it says none."""
    return connection.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Whether a media type is JSON."""
    return kind == MediaType.JSON or (kind.startswith("application/") and kind.endswith("+json"))


def check_is_json(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Make sure that a body does not claim to be something else than JSON.

    A page of another origin can send forms and plain text without being asked whether it may, but not JSON.

    Raises:
        UnsupportedMediaError: it does.
    """
    kind = content_type(connection)
    if not is_json(kind):
        found = f"not {kind}" if kind else "and none is given"
        raise UnsupportedMediaError(f"expected a JSON body with the header Content-Type: application/json, {found}")


def decode_json(data: bytes, kind: type[T]) -> T:
    """Decode JSON, strictly.

    Raises:
        MalformedBodyError: it is not JSON.
        InvalidRequestError: a field is wrong; names its path.
    """
    try:
        return json_decoder(kind).decode(data)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBodyError(f"the body is not JSON: {error}") from None


def _invalid(words: str, kind: type[object]) -> InvalidRequestError:
    """Put msgspec's words into the shape that clients get, the field's path apart."""
    placed = _PLACE.fullmatch(words)
    message, path = (placed[1], placed[3]) if placed else (words, "")
    if found := _UNKNOWN.fullmatch(message):
        names = kind.__struct_fields__ if not path and issubclass(kind, msgspec.Struct) else ()
        path, message = _joined(path, found[1]), f"there is no such field{did_you_mean(found[1], names)}"
    elif found := _MISSING.fullmatch(message):
        path, message = _joined(path, found[1]), "the field is missing"
    else:
        message = message[:1].lower() + message[1:]
    if placed and placed[2]:
        message = f"a key of it: {message}"
    detail = f"{path}: {message}" if path else message
    return InvalidRequestError(detail, [FieldProblem(path=path, message=message)])


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
