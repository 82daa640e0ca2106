"""Pages for browsers: the dashboard with its files, the page about a run, and what all of them may do."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Final

from litestar import Response, get

from sptrader_stream.report.page import write_page
from sptrader_stream.server.rest.etags import is_current, quoted
from sptrader_stream.server.rest.problems import AnyRequest, GoneError
from sptrader_stream.server.rest.reading import Reading
from sptrader_stream.server.rest.static_files import StaticFile, StaticFiles, files_in
from sptrader_stream.store.results import RESULT_FILE
from sptrader_stream.store.runs import RunRecord

INDEX: Final = "index.html"
DOCS: Final = "docs/docs.html"
_REPORT_FILE: Final = "report.html"
_PACKAGE: Final = Path(__file__).parents[2]
# No script but from this server's own files. Plotly and Swagger UI write style sheets into the page.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


@get("/", include_in_schema=False)
async def dashboard(request: AnyRequest, reading: Reading) -> Response[Any]:
    """The dashboard."""
    return await send_file(request, reading, INDEX)


@get("/static/{name:path}", include_in_schema=False)
async def static_file(name: PurePosixPath, request: AnyRequest, reading: Reading) -> Response[Any]:
    """A file of the dashboard or of the page that shows this interface."""
    return await send_file(request, reading, str(name).lstrip("/"))


async def send_file(request: AnyRequest, reading: Reading, name: str) -> Response[Any]:
    """Answer with a file, compressed where the client takes it; with nothing where it has it already.

    Raises:
        GoneError: there is none of that name.
    """
    files = static_files()
    found = await reading.read(files.read, name) if name in files else None
    if found is None:
        raise GoneError(f"there is nothing at {request.scope['path']}")
    wants_gzip = found.gzipped is not None and "gzip" in request.headers.get("accept-encoding", "")
    etag = f"{found.etag}-gzip" if wants_gzip else found.etag
    headers = {"etag": quoted(etag), "cache-control": "no-cache", "vary": "accept-encoding"}
    if found.media_type == "text/html":
        headers["content-security-policy"] = POLICY
        headers["referrer-policy"] = "same-origin"
    if is_current(request.headers.get("if-none-match"), etag):
        return Response(b"", status_code=304, headers=headers)
    return Response(_content(found, headers, wants_gzip), media_type=found.media_type, headers=headers)


@cache
def static_files() -> StaticFiles:
    """Everything that is served as it is: the dashboard, plotly.js and Swagger UI from their packages."""
    swagger = _folder_of("litestar_offline_docs") / "static"
    return StaticFiles(
        {
            **files_in(_PACKAGE / "web"),
            **files_in(Path(__file__).parent / "assets", "docs/"),
            "plotly.min.js": _folder_of("plotly") / "package_data" / "plotly.min.js",
            "docs/swagger-ui-bundle.js": swagger / "swagger-ui-bundle.js",
            "docs/swagger-ui.css": swagger / "swagger-ui.css",
        }
    )


def report_page(record: RunRecord) -> bytes:
    """The page about a run, kept in its folder as ``sptrader report`` does.

    Raises:
        StorageError: it cannot be written or read.
    """
    file, result = record.folder / _REPORT_FILE, record.folder / RESULT_FILE
    if not file.is_file() or file.stat().st_mtime_ns < result.stat().st_mtime_ns:
        write_page(record, file)
    return file.read_bytes()


def _folder_of(package: str) -> Path:
    """Where a package is, without importing it."""
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def _content(found: StaticFile, headers: dict[str, str], wants_gzip: bool) -> bytes:
    if wants_gzip and found.gzipped is not None:
        headers["content-encoding"] = "gzip"
        return found.gzipped
    return found.data


HANDLERS: Final = [dashboard, static_file]
