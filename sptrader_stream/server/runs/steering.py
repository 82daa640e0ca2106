"""What steers a run, as clients write it: the same for REST and the websocket."""

from __future__ import annotations

from typing import Literal

from sptrader_stream.errors import UserError
from sptrader_stream.pace import Pace, parse_pace
from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.messages import Cancel, Pause, Resume, SetPace, SteeringCommand, Step
from sptrader_stream.server.request_errors import InvalidRequestError
from sptrader_stream.server.runs.handle import RunHandle


def read_pace(said: str | float) -> Pace:
    """Read the field ``pace``.

    Raises:
        InvalidRequestError: it is none.
    """
    try:
        return parse_pace(said)
    except UserError as error:
        raise InvalidRequestError(str(error), [FieldProblem(path="pace", message=str(error))]) from None


def step(handle: RunHandle, n: int | None, until: Literal["trade"] | None) -> None:
    """Move a run by the fields ``n`` and ``until``; by one candle where neither says anything.

    Raises:
        InvalidRequestError: both do.
        StateConflictError: the run is over.
    """
    if until is None:
        handle.step(n or 1)
    elif n is None:
        handle.step_to_trade()
    else:
        message = "give either n or until, not both"
        raise InvalidRequestError(message, [FieldProblem(path="until", message=message)])


def steer(handle: RunHandle, command: SteeringCommand) -> None:
    """Carry a command out on a run that has begun.

    Raises:
        InvalidRequestError: the command has a value that will not do.
        StateConflictError: the run is over.
    """
    match command:
        case Cancel():
            handle.cancel()
        case Pause():
            handle.pause()
        case Resume():
            handle.resume()
        case Step():
            step(handle, command.n, command.until)
        case SetPace():
            handle.set_pace(read_pace(command.pace))
