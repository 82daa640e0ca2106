"""Whether the server answers, and whether it can take runs on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from litestar import get

from sptrader_stream import __version__
from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.rest.contract import Served, Service
from sptrader_stream.server.rest.documents import Health
from sptrader_stream.server.rest.problems import NotReadyError, problems
from sptrader_stream.server.rest.reading import Reading

_TAG: Final = ["Health"]
_LIVE: Final = Health(status="live", version=__version__)
_READY: Final = Health(status="ready", version=__version__)


@get("/health", tags=_TAG, responses=problems(), operation_id="health")
async def health() -> Health:
    """Tell that the server answers, as `/health/live` does."""
    return _LIVE


@get("/health/live", tags=_TAG, responses=problems(), operation_id="health_live")
async def live() -> Health:
    """Tell that the server answers."""
    return _LIVE


@get("/health/ready", tags=_TAG, responses=problems(503), operation_id="health_ready")
async def ready(service: Served, reading: Reading) -> Health:
    """Tell whether the server takes runs on; 503 with the reasons where it does not."""
    reasons = _reasons(service)
    folder = service.workspace.backtests
    if not await reading.read(_is_writable, folder):
        reasons.append(FieldProblem(path="disk", message=f"{folder} cannot be written"))
    if reasons:
        raise NotReadyError("; ".join(each.message for each in reasons), reasons)
    return _READY


def _reasons(service: Service) -> list[FieldProblem]:
    if service.is_closing:
        return [FieldProblem(path="shutdown", message="the server is being stopped")]
    if not service.registry.is_ready:
        return [FieldProblem(path="recovery", message="the runs of before are still being read")]
    return []


def _is_writable(folder: Path) -> bool:
    """Whether runs could be recorded in a folder, which may have to be made."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


HANDLERS: Final = [health, live, ready]
