"""The OpenAPI document as Litestar makes it, put right where it says less or else than the Structs do.

msgspec describes Structs as it decodes them: tags, unknown fields that are refused, numbers that may be text. Their
docstrings say what the fields are.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sptrader_stream.research.answers import WhyAnswer
from sptrader_stream.server.documents import Problem, RunAccepted, RunList, RunRequest
from sptrader_stream.server.rest.documents import (
    CandlePage,
    EquityPage,
    EventPage,
    Health,
    PaceRequest,
    RunResult,
    StepRequest,
    StrategyCheck,
    StrategyDocument,
    StrategyList,
    StrategySave,
    TradePage,
    Validation,
)

Json = dict[str, Any]

STRUCTS: Final = (
    RunRequest, RunAccepted, RunList, StepRequest, PaceRequest, RunResult, TradePage, EquityPage, CandlePage, EventPage,
    WhyAnswer, StrategyList, StrategyDocument, StrategySave, StrategyCheck, Validation, Health, Problem,
)  # fmt: skip
_REFERENCE: Final = "#/components/schemas/{name}"
_TEXT: Final = {"type": "string"}
_ATTRIBUTES: Final = re.compile(r"\n*Attributes:\n(.*)\Z", re.DOTALL)
_ATTRIBUTE: Final = re.compile(r"^    (\w+(?:, \w+)*): (.*(?:\n     +.*)*)", re.MULTILINE)
_DECIMAL: Final = {"type": "string", "format": "decimal"}
_NUMBER_OR_TEXT: Final = {"anyOf": [{"type": "number"}, {"type": "string"}]}


def _reference(kind: type[msgspec.Struct]) -> Json:
    return {"$ref": _REFERENCE.format(name=kind.__name__)}


# By operation and status, where a handler's type does not say it.
_CONTENTS: Final[Mapping[str, Mapping[str, Json]]] = {
    "run_results": {"200": {"application/json": {"schema": _reference(RunResult)}}},
    "run_trades": {
        "200": {"application/json": {"schema": _reference(TradePage)}, "text/csv": {"schema": _TEXT}},
    },
    "run_report": {"200": {"text/html": {"schema": _TEXT}}},
    "save_strategy": {"201": {"application/json": {"schema": _reference(StrategyDocument)}}},
    "read_strategy": {"304": {}},
}
_MEANINGS: Final = {"200": "OK", "201": "Created", "202": "Accepted", "204": "Done", "304": "Not modified"}


def completed(document: Json) -> Json:
    """Put a document right.

    Args:
        document: as Litestar makes it; changed.
    """
    document["components"] = {"schemas": struct_schemas()}
    for _, item in sorted(document["paths"].items()):
        for operation in item.values():
            if isinstance(operation, dict) and "responses" in operation:
                _complete_operation(operation)
    return document


def struct_schemas() -> Json:
    """Describe the Structs, those that they are made of as well."""
    _, schemas = msgspec.json.schema_components(STRUCTS, ref_template=_REFERENCE)
    for name, schema in schemas.items():
        _describe_fields(schema)
        if name == "RunRequest":
            schema["properties"] = {key: _widened(each) for key, each in schema["properties"].items()}
    return schemas


def _complete_operation(operation: Json) -> None:
    # The first sentence stands in lists.
    first, _, rest = str(operation.get("description", "")).partition(". ")
    operation["summary"] = first.strip().rstrip(".")
    operation["description"] = rest.strip()
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])
        parameter["schema"].pop("description", None)
    responses = operation["responses"]
    # Litestar's own; a parameter that is wrong is answered with 422 here.
    responses.pop("400", None) if "requestBody" not in operation else None
    for status, content in _CONTENTS.get(operation["operationId"], {}).items():
        responses.setdefault(status, {})["content"] = content
    for status, response in responses.items():
        response["description"] = _MEANINGS.get(status) or response.get("description", "")
        if not response.get("content"):
            response.pop("content", None)
    operation["responses"] = dict(sorted(responses.items()))


def _describe_fields(schema: Json) -> None:
    """Take what a docstring says of the attributes to the properties themselves."""
    words = inspect.cleandoc(schema.get("description", ""))
    found = _ATTRIBUTES.search(words)
    if found is None:
        return
    schema["description"] = words[: found.start()].strip()
    for name, said in _attributes(found[1]):
        if name in schema.get("properties", {}):
            inner = schema["properties"][name]
            described = {"allOf": [inner]} if "$ref" in inner else inner
            schema["properties"][name] = {**described, "description": said}


def _attributes(words: str) -> Iterator[tuple[str, str]]:
    for names, said in _ATTRIBUTE.findall(words):
        for name in names.split(", "):
            yield name, " ".join(said.replace("``", "`").split())


def _widened(schema: Any) -> Any:
    """Say that a decimal may be given as a number, too."""
    if isinstance(schema, list):
        return [_widened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if _DECIMAL.items() <= schema.items():
        return {**{key: value for key, value in schema.items() if key not in _DECIMAL}, **_NUMBER_OR_TEXT}
    return {key: _widened(value) for key, value in schema.items()}


def _without_null(schema: Json) -> Json:
    """Take out what cannot be written in a query or a header: a parameter that is null is one that is not there."""
    plain = {key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")}
    for key in ("oneOf", "anyOf"):
        kept = [each for each in schema.get(key, ()) if each.get("type") != "null"]
        if len(kept) == 1:
            plain |= kept[0]
        elif kept:
            plain[key] = kept
    if isinstance(plain.get("type"), list):
        (plain["type"],) = [each for each in plain["type"] if each != "null"]
    if "enum" in plain:
        plain["enum"] = [each for each in plain["enum"] if each is not None]
    for bound in ("minimum", "maximum"):
        if isinstance(plain.get(bound), float):
            plain[bound] = int(plain[bound])
    return plain
