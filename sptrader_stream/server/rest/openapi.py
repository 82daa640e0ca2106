"""The OpenAPI document, and the page that shows it: made from the handlers and Structs, their docstrings as words."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, Router
from litestar.datastructures import ResponseHeader
from litestar.enums import MediaType
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin

from sptrader_stream import __version__
from sptrader_stream.server.rest.pages import DOCS, POLICY, static_files
from sptrader_stream.server.rest.problems import AnyRequest, GoneError
from sptrader_stream.server.rest.schemas import completed

_TITLE: Final = "SPTrader Stream"
_WORDS: Final = """Runs of trading strategies over candles: started, watched, steered and read.

Amounts are exact decimal text, times RFC 3339 and UTC. A run is watched live by websocket, one at
`/api/backtest/{id}/progress`, any number at `/ws`. Every error is a `Problem`, as `application/problem+json`.
"""


class DocumentPlugin(OpenAPIRenderPlugin):
    """Gives the document itself, which is made once."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json", media_type=MediaType.JSON)
        self._document: bytes | None = None

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:
        """Give the document."""
        if self._document is None:
            self._document = msgspec.json.encode(completed(openapi_schema))
        return self._document


class PagePlugin(OpenAPIRenderPlugin):
    """Gives the page that shows it."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:
        """Give the page."""
        page = static_files().read(DOCS)
        if page is None:
            raise GoneError("the page is not installed")
        return page.data


def make_openapi_config() -> OpenAPIConfig:
    """Configure what Litestar makes of the handlers."""
    return OpenAPIConfig(
        title=_TITLE,
        version=__version__,
        description=_WORDS,
        use_handler_docstrings=True,
        render_plugins=[PagePlugin(), DocumentPlugin()],
        openapi_router=Router(
            "/docs",
            route_handlers=[],
            include_in_schema=False,
            after_request=_in_our_shape,
            response_headers=[
                ResponseHeader(name="content-security-policy", value=POLICY),
                ResponseHeader(name="cache-control", value="no-cache"),
            ],
        ),
    )


async def _in_our_shape(response: Response[Any]) -> Response[Any]:
    # Litestar has a page of its own for what is not there.
    if response.status_code == 404:
        raise GoneError("there is no such page")
    return response
