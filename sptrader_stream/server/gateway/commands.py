"""What clients ask for by websocket: decoded, carried out on the registry, and answered by id."""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec
import trio

from sptrader_stream.decoding import json_decoder, msgpack_decoder
from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.log.encoding import Format
from sptrader_stream.server.messages import (
    Answer,
    Cancel,
    ClientMessage,
    StartRun,
    SteeringCommand,
)
from sptrader_stream.server.request_errors import InvalidRequestError
from sptrader_stream.server.runs.handle import RunHandle
from sptrader_stream.server.runs.registry import Registry
from sptrader_stream.server.runs.steering import steer

_KIND: Final = cast("type[ClientMessage]", ClientMessage)
_JSON: Final = json_decoder(_KIND)
_MSGPACK: Final = msgpack_decoder(_KIND)
# A run that is cancelled is over in milliseconds; one whose own signals hang takes longer than anybody waits.
_CANCEL_SECONDS: Final = 2.0


def decode(data: str | bytes, form: Format) -> ClientMessage:
    """Read a client's message; text is JSON in either format.

    Raises:
        InvalidRequestError: it is none; says where.
    """
    try:
        if isinstance(data, str) or form == "json":
            return _JSON.decode(data)
        return _MSGPACK.decode(data)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        place = path.rstrip("`").removeprefix("$").removeprefix(".")
        raise InvalidRequestError(
            f"{place or 'message'}: {message}", [FieldProblem(path=place, message=message)]
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"a message is one object in {form}: {error}") from None


def identity(data: str | bytes, form: Format) -> tuple[int | str | None, str | None]:
    """Read the id and the type of a message that may be wrong otherwise; None where it has none."""
    try:
        found = msgspec.json.decode(data) if isinstance(data, str) or form == "json" else msgspec.msgpack.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None, None
    if not isinstance(found, dict):
        return None, None
    number, kind = found.get("id"), found.get("type")
    known = number if isinstance(number, int | str) and not isinstance(number, bool) else None
    return known, kind if isinstance(kind, str) else None


async def carry_out(message: StartRun | SteeringCommand, registry: Registry) -> Answer:
    """Do what a message wants of a run.

    Raises:
        UserError: it is not possible.
    """
    match message:
        case StartRun():
            handle = await registry.start(message.request)
        case Cancel():
            handle = registry.get(message.run)
            with trio.move_on_after(_CANCEL_SECONDS):
                await registry.cancel(message.run)
        case _:
            handle = registry.get(message.run)
            steer(handle, message)
    return answer(message, handle)


def answer(message: ClientMessage, handle: RunHandle, **more: Any) -> Answer:
    """Answer a message with where its run is now."""
    state = handle.state_message()
    result = {"backtest_id": handle.id, "status": state.status, "pace": state.pace}
    return Answer(id=message.id, command=str(message.__struct_config__.tag), result=result | more)
