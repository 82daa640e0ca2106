"""Whatever is sent to what the OpenAPI document describes: never a mistake of ours."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.server.process import ServerProcess


def test_no_request_meets_a_mistake_of_ours(server: ServerProcess) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/docs/openapi.json")
    found = list(schema.get_all_operations())
    operations = [each.ok() for each in found if isinstance(each, Ok)]
    assert len(operations) == len(found)
    assert len(operations) > 20

    for operation in operations:

        @settings(
            max_examples=12, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def once(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(
                base_url=server.url, checks=[not_a_server_error, status_code_conformance, content_type_conformance]
            )

        given(case=operation.as_strategy())(once)()
