"""The parts of a server, put together from a workspace and settings."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from sptrader_stream.database.address import database_url
from sptrader_stream.server.gateway.gateway import Gateway
from sptrader_stream.server.library import CandleLibrary
from sptrader_stream.server.runs.ordering import make_server_spec
from sptrader_stream.server.runs.registry import Registry
from sptrader_stream.server.runs.result_process import ResultProcess
from sptrader_stream.server.runs.result_store import ResultStore
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.store.results import Written
from sptrader_stream.workspace import Workspace

_logger = structlog.get_logger(__name__)


class Service:
    """A server's parts.

    Attributes:
        workspace: where strategies, configuration and results are.
        settings: how the server behaves.
        results: writes the results of runs.
        store: stores them in the database; None where they are not.
        library: the files of candles that the server has.
        registry: all runs.
        gateway: the websocket side.
        is_closing: whether the server is being stopped.
    """

    def __init__(self, workspace: Workspace, settings: ServerSettings) -> None:
        self.workspace = workspace
        self.settings = settings
        self.is_closing = False
        self.library = CandleLibrary(workspace, settings)
        self.results = ResultProcess()
        self.store = ResultStore(database_url(os.environ)) if settings.store_results == "database" else None
        self.registry = Registry(
            workspace.backtests,
            settings,
            partial(make_server_spec, workspace=workspace, library=self.library, settings=settings),
            write_result=self._write_result,
            clock=time.monotonic,
            now=lambda: datetime.now(UTC),
        )
        self.gateway = Gateway(self.registry, settings, self.report_error)

    async def _write_result(self, folder: Path, few: int) -> Written:
        written = await self.results.write(folder, few)
        if self.store is not None:
            self.store.put(folder)
        return written

    def report_error(self, error: Exception) -> str:
        """Log a mistake of ours with its traceback; answers the incident's id, which the client is told."""
        incident = secrets.token_hex(4)
        _logger.error("a mistake of ours", incident=incident, exc_info=error)
        return incident
