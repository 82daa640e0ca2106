"""Runs: started, listed, looked at, steered and removed."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

import trio
from litestar import delete, get, post
from litestar.params import Parameter

from sptrader_stream.instruments import normalise_symbol
from sptrader_stream.server.documents import (
    RunAccepted,
    RunLinks,
    RunList,
    RunRequest,
    RunState,
    RunStatus,
)
from sptrader_stream.server.rest.bodies import JsonBody
from sptrader_stream.server.rest.contract import Served
from sptrader_stream.server.rest.documents import PaceRequest, StepRequest
from sptrader_stream.server.rest.problems import problems
from sptrader_stream.server.runs.steering import read_pace, step

MOST_RUNS: Final = 500
FURTHEST: Final = 2**53 - 1
# A run ends within milliseconds; should it not, whoever asked is told how it stands.
_ENDING_SECONDS: Final = 10.0
_TAG: Final = ["Runs"]

Offset = Annotated[int, Parameter(ge=0, le=FURTHEST, description="How many to pass over.")]


@post(
    "/api/backtest/run", status_code=202, dto=JsonBody[RunRequest], return_dto=None, tags=_TAG,
    responses=problems(400, 404, 413, 415, 422, 429, 507), operation_id="start_run",
)  # fmt: skip
async def start_run(data: RunRequest, service: Served) -> RunAccepted:
    """Start a run. It waits for its turn where many are on; follow it by the links of the answer."""
    handle = await service.registry.start(data)
    return RunAccepted(backtest_id=handle.id, status=handle.state, links=_links(handle.id))


@get("/api/backtests", tags=_TAG, responses=problems(422), operation_id="list_runs")
async def list_runs(
    service: Served,
    status: Annotated[RunState | None, Parameter(description="Only those in this state.")] = None,
    strategy: Annotated[str | None, Parameter(description="Only those of this strategy.")] = None,
    symbol: Annotated[str | None, Parameter(description="Only those that trade it.")] = None,
    offset: Offset = 0,
    limit: Annotated[int, Parameter(ge=1, le=MOST_RUNS, description="How many to list, at most.")] = 50,
) -> RunList:
    """List the runs, the newest first, those of before this server's start as well."""
    plain = None if symbol is None else normalise_symbol(symbol)
    found = service.registry.list(status=status, strategy=strategy, symbol=plain)
    page = [handle.status() for handle in found[offset : offset + limit]]
    return RunList(runs=page, total=len(found), offset=offset, limit=limit)


@get("/api/backtest/{backtest_id:str}/status", tags=_TAG, responses=problems(404), operation_id="run_status")
async def run_status(backtest_id: str, service: Served) -> RunStatus:
    """Tell where a run stands."""
    return service.registry.get(backtest_id).status()


@post(
    "/api/backtest/{backtest_id:str}/cancel", status_code=200, tags=_TAG, responses=problems(404, 409),
    operation_id="cancel_run",
)  # fmt: skip
async def cancel_run(backtest_id: str, service: Served) -> RunStatus:
    """End a run and wait until it is over; what it did until then is kept."""
    handle = service.registry.get(backtest_id)
    with trio.move_on_after(_ENDING_SECONDS):
        await service.registry.cancel(backtest_id)
    return handle.status()


@post(
    "/api/backtest/{backtest_id:str}/pause", status_code=200, tags=_TAG, responses=problems(404, 409),
    operation_id="pause_run",
)  # fmt: skip
async def pause_run(backtest_id: str, service: Served) -> RunStatus:
    """Stop a run at a candle; one that waits for its turn is stopped before its first."""
    handle = service.registry.get(backtest_id)
    handle.pause()
    return handle.status()


@post(
    "/api/backtest/{backtest_id:str}/resume", status_code=200, tags=_TAG, responses=problems(404, 409),
    operation_id="resume_run",
)  # fmt: skip
async def resume_run(backtest_id: str, service: Served) -> RunStatus:
    """Go on at the run's pace."""
    handle = service.registry.get(backtest_id)
    handle.resume()
    return handle.status()


@post(
    "/api/backtest/{backtest_id:str}/step", status_code=200, dto=JsonBody[StepRequest], return_dto=None, tags=_TAG,
    responses=problems(400, 404, 409, 413, 415, 422), operation_id="step_run",
)  # fmt: skip
async def step_run(backtest_id: str, service: Served, data: StepRequest = StepRequest()) -> RunStatus:  # noqa: B008
    """Move a run by exactly `n` candles, or to the next trade, and pause it there.

    The answer does not wait for that: the run is `paused` again once it is there.
    """
    handle = service.registry.get(backtest_id)
    step(handle, data.n, data.until)
    return handle.status()


@post(
    "/api/backtest/{backtest_id:str}/pace", status_code=200, dto=JsonBody[PaceRequest], return_dto=None, tags=_TAG,
    responses=problems(400, 404, 409, 413, 415, 422), operation_id="set_pace",
)  # fmt: skip
async def set_pace(backtest_id: str, service: Served, data: PaceRequest) -> RunStatus:
    """Change how fast a run takes its candles; that never changes what it comes to."""
    handle = service.registry.get(backtest_id)
    handle.set_pace(read_pace(data.pace))
    return handle.status()


@delete("/api/backtest/{backtest_id:str}", tags=_TAG, responses=problems(404, 409, 507), operation_id="remove_run")
async def remove_run(backtest_id: str, service: Served) -> None:
    """Remove a run that is over, and all that it left."""
    await service.registry.remove(backtest_id)


def _links(run_id: str) -> RunLinks:
    base = f"/api/backtest/{quote(run_id)}"
    return RunLinks(
        status=f"{base}/status",
        results=f"{base}/results",
        trades=f"{base}/trades",
        equity=f"{base}/equity",
        candles=f"{base}/candles",
        events=f"{base}/events",
        progress=f"{base}/progress",
        cancel=f"{base}/cancel",
    )


HANDLERS: Final = [
    start_run, list_runs, run_status, cancel_run, pause_run, resume_run, step_run, set_pace, remove_run,
]  # fmt: skip
