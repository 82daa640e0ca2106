"""Whatever goes wrong, in the one shape that clients get: ``application/problem+json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec

from sptrader_stream.server.documents import FieldProblem, Problem
from sptrader_stream.server.request_errors import InvalidRequestError, RequestError, problem_of

PROBLEM_JSON: Final = "application/problem+json"
AnyRequest = Request[Any, Any, Any]

_MEANINGS: Final = {
    400: "The body is not JSON.",
    403: "The request comes from a page of another origin, or was sent to another host's name.",
    404: "There is no such thing.",
    409: "The state does not allow it.",
    412: "It was changed in the meantime.",
    413: "The body is too large.",
    415: "The body is of a kind that is not understood here.",
    422: "Something that was given is wrong; `errors` says what, by the path of the field.",
    428: "The version that is to be changed has to be named.",
    429: "Too many runs wait already.",
    503: "Not now.",
    507: "The disk is full, or cannot be read or written.",
}


class ForbiddenError(RequestError):
    """The request comes from where none is taken from."""

    status = 403
    code = "forbidden"


class GoneError(RequestError):
    """What is asked for is not there."""

    status = 404
    code = "not_found"


class NotReadyError(RequestError):
    """It may work later."""

    status = 503
    code = "not_ready"


def problem_handler(report: Callable[[Exception], str]) -> Callable[[AnyRequest, Exception], Response[Any]]:
    """Make the handler of all exceptions.

    Args:
        report: logs a mistake of ours and answers the incident's id.
    """

    def handle(request: AnyRequest, error: Exception) -> Response[Any]:
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        known = _of_framework(error, request) if isinstance(error, HTTPException) else error
        return problem_response(problem_of(known, report, request.scope["path"]), headers)

    return handle


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """Write a problem."""
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers={"x-content-type-options": "nosniff", "cache-control": "no-store", **(headers or {})},
    )


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Describe the errors of an operation, for the OpenAPI document; some can happen to all of them."""
    return {
        status: ResponseSpec(Problem, media_type=PROBLEM_JSON, description=_MEANINGS[status], generate_examples=False)
        for status in sorted({403, *statuses})
    }


def _of_framework(error: HTTPException, request: AnyRequest) -> Exception:
    """Take what Litestar says into our own words."""
    path, method = request.scope["path"], request.scope["method"]
    if isinstance(error, ValidationException):
        return _invalid(error)
    match error.status_code:
        case 404:
            return GoneError(f"there is nothing at {path}; /docs shows what there is")
        case 405:
            allowed = (error.headers or {}).get("Allow", "")
            return _other(405, "method_not_allowed", f"{path} does not take {method}; it takes {allowed}")
        case 413:
            return _other(413, "too_large", "the body is larger than this server takes (body_bytes)")
        case status if status < 500:
            return _other(status, HTTPStatus(status).phrase.lower().replace(" ", "_"), error.detail)
        case _:
            return error


def _invalid(error: ValidationException) -> InvalidRequestError:
    found = error.extra if isinstance(error.extra, list) else []
    errors = []
    for each in found:
        path, message = str(each.get("key", "")), str(each.get("message", ""))
        if path == "data" or each.get("source") == "body":
            path, message = "", "the body is empty: expected a JSON object"
        elif message.strip("'") == path:
            message = "the parameter is missing"
        errors.append(FieldProblem(path=path.removesuffix("_"), message=message[:1].lower() + message[1:]))
    detail = "; ".join(f"{each.path}: {each.message}" if each.path else each.message for each in errors)
    return InvalidRequestError(detail or error.detail, errors)


def _other(status: int, code: str, message: str) -> RequestError:
    error = RequestError(message)
    error.status, error.code = status, code
    return error
