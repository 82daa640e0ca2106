"""The strategy editor: strategies listed, read, checked, saved and removed, so that no update is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from litestar import Response, delete, get, post, put
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import Dependency, Parameter

from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.request_errors import InvalidRequestError
from sptrader_stream.server.rest.bodies import (
    JsonBody,
    MalformedBodyError,
    UnsupportedMediaError,
    content_type,
    decode_json,
    is_json,
)
from sptrader_stream.server.rest.documents import (
    StrategyCheck,
    StrategyDocument,
    StrategyEntry,
    StrategyList,
    StrategySave,
    Validation,
)
from sptrader_stream.server.rest.etags import is_current, quoted, wanted_version
from sptrader_stream.server.rest.problems import AnyRequest, problems
from sptrader_stream.server.rest.reading import Reading
from sptrader_stream.server.strategy_files import Checked, StrategyFiles, StrategyText, refuse_findings

_TAG: Final = ["Strategies"]
_YAML: Final = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
# How a text is called that has no file.
_UNNAMED: Final = "strategy.yaml"

Files: TypeAlias = Annotated[StrategyFiles, Dependency(skip_validation=True)]
IfMatch = Annotated[
    str | None, Parameter(header="If-Match", description="The version that was seen: its `ETag`, or `*` for any.")
]
IfNoneMatch = Annotated[str | None, Parameter(header="If-None-Match", description="A version that is known already.")]


@dataclass
class _Save(Operation):
    """Describes the two kinds of body that a strategy may be saved with."""

    def __post_init__(self) -> None:
        text = Schema(type=OpenAPIType.STRING, description="The strategy's whole text, YAML.")
        document = Schema(
            type=OpenAPIType.OBJECT, required=["text"], properties={"text": text}, additional_properties=False
        )
        self.request_body = RequestBody(
            required=True,
            content={
                "application/json": OpenAPIMediaType(schema=document),
                "application/yaml": OpenAPIMediaType(schema=text),
            },
        )


@get("/api/strategies", tags=_TAG, responses=problems(507), operation_id="list_strategies")
async def list_strategies(files: Files, reading: Reading) -> StrategyList:
    """List the strategies, those as well that are not valid."""
    return await reading.read(_list, files)


@get("/api/strategies/{name:str}", tags=_TAG, responses=problems(404, 507), operation_id="read_strategy")
async def read_strategy(
    name: str, files: Files, reading: Reading, if_none_match: IfNoneMatch = None
) -> Response[StrategyDocument]:
    """Read a strategy, by its file's name, with or without `.yaml`, or by the name that it states."""
    found = await reading.read(files.read, name)
    headers = {"etag": quoted(found.version), "cache-control": "no-cache"}
    if is_current(if_none_match, found.version):
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]
    checked = await reading.read(files.check, found.text, found.file)
    return Response(_document(found, checked), headers=headers)


@put(
    "/api/strategies/{name:str}", tags=_TAG, operation_class=_Save, operation_id="save_strategy",
    responses=problems(400, 409, 412, 413, 415, 422, 428, 507),
)  # fmt: skip
async def save_strategy(
    name: str,
    request: AnyRequest,
    files: Files,
    reading: Reading,
    if_match: IfMatch = None,
    if_none_match: Annotated[
        str | None, Parameter(header="If-None-Match", description="`*` to refuse to replace a file.")
    ] = None,
    draft: Annotated[bool, Parameter(description="Save it even if it is not valid.")] = False,
) -> Response[StrategyDocument]:
    """Save a strategy's whole text, as JSON or as YAML itself. 201 for a new file.

    To replace a file, name the version that you have seen in `If-Match`; it is refused when somebody else has changed
    the file since. A text that is not valid is refused with all findings, unless it is a `draft`.
    """
    text = _text(request, await request.body())
    only_new = if_none_match is not None and if_none_match.strip() == "*"
    found, checked, is_new = await reading.read(_save, files, name, text, if_match, only_new, draft)
    return Response(
        _document(found, checked), status_code=201 if is_new else 200, headers={"etag": quoted(found.version)}
    )


@delete(
    "/api/strategies/{name:str}", tags=_TAG, responses=problems(404, 412, 422, 428, 507), operation_id="remove_strategy"
)
async def remove_strategy(name: str, files: Files, reading: Reading, if_match: IfMatch = None) -> None:
    """Remove a strategy file; name the version that you have seen in `If-Match`. Runs of it are not touched."""
    await reading.read(_remove, files, name, if_match)


@post(
    "/api/strategies/validate", status_code=200, dto=JsonBody[StrategyCheck], return_dto=None, tags=_TAG,
    responses=problems(400, 404, 413, 415, 422, 507), operation_id="validate_strategy",
)  # fmt: skip
async def validate_strategy(data: StrategyCheck, files: Files, reading: Reading) -> Validation:
    """Check a text, or the strategy of a name, and tell everything that is wrong with it. Nothing is saved."""
    if (data.text is None) == (data.name is None):
        message = "give either a text or the name of a strategy"
        raise InvalidRequestError(message, [FieldProblem(path="text", message=message)])
    return await reading.read(_validate, files, data)


def _list(files: StrategyFiles) -> StrategyList:
    return StrategyList(strategies=[_entry(each, files.check(each.text, each.file)) for each in files.read_all()])


def _entry(found: StrategyText, checked: Checked) -> StrategyEntry:
    plan = checked.plan
    return StrategyEntry(
        name=found.name,
        file=found.file,
        description="" if plan is None else plan.description,
        version="" if plan is None else plan.version,
        author="" if plan is None else plan.author,
        symbol=None if plan is None else plan.symbol,
        timeframe=None if plan is None else plan.timeframe,
        parameters=_parameters(checked),
        valid=plan is not None,
        findings=len(checked.findings),
        etag=found.version,
    )


def _document(found: StrategyText, checked: Checked) -> StrategyDocument:
    return StrategyDocument(
        name=found.name,
        file=found.file,
        text=found.text,
        etag=found.version,
        valid=checked.plan is not None,
        findings=checked.findings,
        parameters=_parameters(checked),
    )


def _parameters(checked: Checked) -> dict[str, str]:
    return {} if checked.plan is None else dict(checked.plan.parameters)


def _save(
    files: StrategyFiles, name: str, text: str, if_match: str | None, only_new: bool, draft: bool
) -> tuple[StrategyText, Checked, bool]:
    seen = wanted_version(if_match, files.version(name))
    # Who is late is told so before what is wrong with a text that could not be saved anyway.
    files.check_version(name, seen=seen, only_new=only_new)
    checked = files.check_to_save(name, text)
    if not draft:
        refuse_findings(checked, name)
    found, is_new = files.write(name, text, seen=seen, only_new=only_new)
    return found, checked, is_new


def _remove(files: StrategyFiles, name: str, if_match: str | None) -> None:
    files.remove(name, seen=wanted_version(if_match, files.version(name)))


def _validate(files: StrategyFiles, data: StrategyCheck) -> Validation:
    if data.name is not None:
        found = files.read(data.name)
        checked = files.check(found.text, found.file)
    else:
        checked = files.check(data.text or "", _UNNAMED)
    return Validation(
        valid=checked.plan is not None,
        name=None if checked.plan is None else checked.plan.name,
        findings=checked.findings,
        parameters=_parameters(checked),
    )


def _text(request: AnyRequest, body: bytes) -> str:
    """Take the text out of a body.

    Raises:
        UnsupportedMediaError: it is of another kind than JSON or YAML.
        MalformedBodyError: it is not UTF-8, or not JSON.
        InvalidRequestError: the JSON has no text.
    """
    kind = content_type(request)
    if is_json(kind):
        return decode_json(body, StrategySave).text
    if kind not in _YAML:
        raise UnsupportedMediaError(
            'expected a strategy with the header Content-Type: application/yaml, or {"text": ...} with application/json'
        )
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"the body is not UTF-8: {error}") from None


HANDLERS: Final[list[Any]] = [list_strategies, read_strategy, save_strategy, remove_strategy, validate_strategy]
