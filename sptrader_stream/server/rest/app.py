"""The REST side as one ASGI application."""

from __future__ import annotations

from typing import Final

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.types import ASGIApp

from sptrader_stream.server.rest import health, market, pages, recordings, runs, strategies
from sptrader_stream.server.rest.contract import Service
from sptrader_stream.server.rest.front import guarded
from sptrader_stream.server.rest.openapi import make_openapi_config
from sptrader_stream.server.rest.problems import problem_handler
from sptrader_stream.server.rest.reading import Reader
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.server.strategy_files import StrategyFiles

_EXPOSED: Final = ["ETag", "X-Data-Available", "X-Available-From", "X-Available-To"]


def make_app(service: Service) -> ASGIApp:
    """Make the application.

    Args:
        service: the server that it is a part of.
    """
    return guarded(make_litestar(service), service.settings, service.report_error)


def make_litestar(service: Service) -> Litestar:
    """Make the application without what stands in front of it."""
    reader, files = Reader(service), StrategyFiles(service.workspace.strategies)
    handle_problem = problem_handler(service.report_error)
    return Litestar(
        [
            *runs.HANDLERS,
            *recordings.HANDLERS,
            *strategies.HANDLERS,
            *market.HANDLERS,
            *health.HANDLERS,
            *pages.HANDLERS,
        ],
        dependencies={
            "service": Provide(lambda: service, sync_to_thread=False),
            "reading": Provide(lambda: reader, sync_to_thread=False),
            "files": Provide(lambda: files, sync_to_thread=False),
        },
        exception_handlers={Exception: handle_problem, 500: handle_problem},
        request_max_body_size=service.settings.body_bytes,
        cors_config=_cors(service.settings),
        openapi_config=make_openapi_config(),
        # Errors of ours are logged where they become problems; Litestar's own logging would start a thread for it.
        logging_config=None,
    )


def _cors(settings: ServerSettings) -> CORSConfig | None:
    if not settings.allowed_origins:
        return None
    return CORSConfig(allow_origins=settings.allowed_origins, expose_headers=_EXPOSED)
