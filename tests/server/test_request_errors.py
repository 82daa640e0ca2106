"""Every error has one shape for clients, and a mistake of ours tells them nothing but where to look."""

from __future__ import annotations

import pytest

from sptrader_stream.errors import AmountError, DataError, Finding, StorageError, StrategyError
from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.request_errors import (
    InvalidRequestError,
    MissingVersionError,
    QueueFullError,
    RequestError,
    StaleVersionError,
    StateConflictError,
    UnknownRunError,
    UnknownStrategyError,
    UnknownSymbolError,
    problem_of,
)


def never(error: Exception) -> str:
    raise AssertionError(error)


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (UnknownRunError("no run 7"), 404, "Not Found"),
        (UnknownStrategyError("no strategy"), 404, "Not Found"),
        (UnknownSymbolError("no symbol"), 404, "Not Found"),
        (StateConflictError("over"), 409, "Conflict"),
        (StaleVersionError("changed"), 412, "Precondition Failed"),
        (MissingVersionError("which?"), 428, "Precondition Required"),
        (InvalidRequestError("wrong"), 422, "Unprocessable Entity"),
        (QueueFullError("full"), 429, "Too Many Requests"),
        (DataError("no candles"), 422, "Unprocessable Entity"),
        (AmountError("too fine"), 422, "Unprocessable Entity"),
        (StorageError("disk full"), 507, "Insufficient Storage"),
    ],
)
def test_a_users_mistake_says_what_is_wrong(error: Exception, status: int, title: str) -> None:
    problem = problem_of(error, never, "/api/x")
    assert (problem.status, problem.title, problem.detail, problem.instance) == (status, title, str(error), "/api/x")
    assert problem.code


def test_codes_are_different_for_different_refusals() -> None:
    kinds = [kind for kind in RequestError.__subclasses__() if kind is not InvalidRequestError]
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_wrong_fields_are_named_by_their_path() -> None:
    wrong = [FieldProblem(path="parameters.fast", message="expected a number")]
    assert problem_of(InvalidRequestError("wrong", wrong), never).errors == wrong


def test_findings_in_a_strategy_have_line_and_path() -> None:
    finding = Finding(file="a.yaml", line=7, path="entry.size", message="too large")
    problem = problem_of(StrategyError([finding]), never)
    assert problem.errors == [FieldProblem(path="entry.size", message="too large", line=7)]
    assert problem.code == "invalid_strategy"


def test_a_mistake_of_ours_is_reported_and_not_shown() -> None:
    seen: list[Exception] = []

    def report(error: Exception) -> str:
        seen.append(error)
        return "4711"

    error = ZeroDivisionError("secret")
    problem = problem_of(error, report)
    assert (problem.status, problem.code) == (500, "internal_error")
    assert "4711" in problem.detail
    assert "secret" not in problem.detail
    assert seen == [error]
