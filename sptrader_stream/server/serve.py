"""The server's life: start-up, one port for everything, and a shutdown that lets what is under way end."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator, Callable
from typing import Final, cast

import structlog
import trio

from sptrader_stream.files import held
from sptrader_stream.kernels import load_ready
from sptrader_stream.server.http import HttpServer
from sptrader_stream.server.http.asgi import Application
from sptrader_stream.server.rest.app import make_app
from sptrader_stream.server.service import Service
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.workspace import Workspace

# Threads that write results and open candles are Python for the most part. The event loop lets go of the interpreter's
# lock whenever it reads or writes, and must not wait the usual 5 ms to get it back.
_SWITCH_SECONDS: Final = 0.0001

_LOCK_FILE: Final = ".lock"

_logger = structlog.get_logger(__name__)


async def serve(workspace: Workspace, settings: ServerSettings, on_started: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; what is under way then may end, unless there is a second one.

    Args:
        workspace: the folder to work in.
        settings: how to behave.
        on_started: called with the address once requests are answered.

    Raises:
        UserError: another server has its runs in the same folder, the address cannot be listened on, or results cannot
            be stored where they should.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    await trio.to_thread.run_sync(load_ready)
    backtests = workspace.backtests
    with held(backtests / _LOCK_FILE, f"another server has its runs in {backtests}: stop it, or give a --workspace"):
        await _serve(Service(workspace, settings), on_started)


async def _serve(service: Service, on_started: Callable[[str], None]) -> None:
    workspace, settings = service.workspace, service.settings
    if service.store is not None:
        await service.store.check()
    # The same protocol, which Litestar's types describe more closely.
    app = cast("Application", make_app(service))
    http = HttpServer(app, service.gateway.handle, settings, service.report_error)
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            if service.store is not None:
                nursery.start_soon(service.store.run)
            await nursery.start(service.registry.run)
            await nursery.start(service.gateway.run)
            addresses = await nursery.start(http.run)
            host, port = addresses[0]
            url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            _logger.info("serving", url=url, workspace=str(workspace.folder.absolute()))
            on_started(url)
            await anext(signals)
            _logger.info("stopping", seconds=settings.shutdown_seconds)
            await _close(service, http, signals)
            # What is not yet written then is when the server starts again.
            await service.results.leave()
            nursery.cancel_scope.cancel()
    _logger.info("stopped")


async def _close(service: Service, http: HttpServer, signals: AsyncIterator[int]) -> None:
    """End everything in order, within the time that the settings give or until another signal comes."""
    service.is_closing = True
    with trio.move_on_after(service.settings.shutdown_seconds):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_on_signal, signals, nursery.cancel_scope)
            async with trio.open_nursery() as ending:
                ending.start_soon(http.stop)
                # First the runs, so that those who watch still hear how they ended.
                await service.registry.close()
                await service.gateway.close()
            nursery.cancel_scope.cancel()


async def _cancel_on_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    await anext(signals)
    scope.cancel()
