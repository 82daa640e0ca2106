"""Requests that the server refuses, and how any error becomes the one shape that clients get (``Problem``).

UserError
└── RequestError             has a status of HTTP and a code for programs
    ├── UnknownRunError          404
    ├── UnknownStrategyError     404
    ├── UnknownSymbolError       404
    ├── StateConflictError       409  the run's state does not allow it
    ├── StaleVersionError        412  somebody else has changed it since
    ├── MissingVersionError      428  what is to be changed has to be named with its version
    ├── InvalidRequestError      422  a field is wrong
    └── QueueFullError           429
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from sptrader_stream.errors import AmountError, StorageError, StrategyError, UserError
from sptrader_stream.server.documents import FieldProblem, Problem


class RequestError(UserError):
    """A request that cannot be carried out.

    Attributes:
        status: of HTTP.
        code: for programs.
        errors: what is wrong with single fields.
    """

    status: int = 422
    code: str = "invalid_request"

    def __init__(self, message: str, errors: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)


class InvalidRequestError(RequestError):
    """A field has a value that will not do; ``errors`` names it by its path."""


class UnknownRunError(RequestError):
    """There is no run of that id."""

    status = 404
    code = "unknown_run"


class UnknownStrategyError(RequestError):
    """There is no strategy of that name."""

    status = 404
    code = "unknown_strategy"


class UnknownSymbolError(RequestError):
    """Nothing here knows candles of that symbol."""

    status = 404
    code = "unknown_symbol"


class StateConflictError(RequestError):
    """The run is in a state that does not allow it."""

    status = 409
    code = "state_conflict"


class StaleVersionError(RequestError):
    """What is to be changed was changed by somebody else in the meantime."""

    status = 412
    code = "stale_version"


class MissingVersionError(RequestError):
    """What is to be changed has to be named together with its version."""

    status = 428
    code = "missing_version"


class QueueFullError(RequestError):
    """So many runs wait that no other is taken on."""

    status = 429
    code = "queue_full"


def problem_of(error: Exception, report: Callable[[Exception], str], instance: str | None = None) -> Problem:
    """Tell any error in the shape that clients get.

    Args:
        error: what was raised.
        report: called with a mistake of ours; logs it and answers the incident's id.
        instance: the path that was asked for.
    """
    errors: list[FieldProblem] = []
    match error:
        case RequestError():
            status, code, errors = error.status, error.code, error.errors
        case StrategyError():
            status, code = 422, "invalid_strategy"
            errors = [FieldProblem(path=each.path, message=each.message, line=each.line) for each in error.findings]
        case StorageError():
            status, code = 507, "storage"
        case AmountError():
            status, code = 422, "invalid_amount"
        case UserError():
            status, code = 422, "invalid_request"
        case _:
            incident = report(error)
            return Problem(
                title="Internal Server Error",
                status=500,
                detail=f"a mistake of ours; the server's log has it as incident {incident}",
                code="internal_error",
                instance=instance,
            )
    return Problem(
        title=HTTPStatus(status).phrase, status=status, detail=str(error), code=code, instance=instance, errors=errors
    )
