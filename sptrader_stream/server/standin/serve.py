"""The stand-in's life: the candles' part of REST behind the same front as the server's, until it is stopped."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Mapping
from typing import cast

import trio

from sptrader_stream.kernels import load_ready
from sptrader_stream.server.http import Handover, HttpServer
from sptrader_stream.server.http.asgi import Application
from sptrader_stream.server.rest.app import make_app
from sptrader_stream.server.service import Service
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.server.standin.faulty import Faulty
from sptrader_stream.workspace import Workspace


async def serve_market_data(
    workspace: Workspace,
    settings: ServerSettings,
    faults: Mapping[str, float],
    seed: int,
    on_started: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        workspace: whose files are served.
        settings: the address, the folders of files, and the limits of the front.
        faults: which, and the share of requests that each of them hits.
        seed: which requests that are.
        on_started: called with the address once requests are answered.

    Raises:
        UserError: the address cannot be listened on.
    """
    await trio.to_thread.run_sync(load_ready)
    service = Service(workspace, settings)
    app = Faulty(cast("Application", make_app(service)), faults, random.Random(seed))
    http = HttpServer(app, _refuse, settings, lambda error: "")
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            ((host, port), *_) = await nursery.start(http.run)
            on_started(f"http://{f'[{host}]' if ':' in host else host}:{port}")
            await anext(signals)
            nursery.cancel_scope.cancel()


async def _refuse(handover: Handover) -> None:
    await handover.stream.aclose()
