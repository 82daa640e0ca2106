"""A registry for tests: its runs are over candles in memory, and it is closed as a server closes it."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trio

from actors.run import ResultWriter, write_in_thread
from actors.spec import RunSpec
from sptrader_stream.server.documents import RunRequest
from sptrader_stream.server.runs.registry import Registry
from sptrader_stream.server.settings import ServerSettings
from tests.actors.support import Memory, make_spec, one_chunk

CANDLES = one_chunk(2_000)
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


class Specs:
    """Makes specifications of runs: ``strategy_name`` says over which candles.

    ``short`` has 2,000, ``endless`` has no end; any other name is refused as the real thing would.
    """

    def __init__(self, backtests: Path, *, batch: int = 100) -> None:
        self._backtests = backtests
        self._batch = batch
        self._number = itertools.count(1)

    def __call__(self, request: RunRequest) -> RunSpec:
        folder = self._backtests / f"{request.strategy_name}-{next(self._number)}"
        return make_spec(folder, Memory(CANDLES, endless=request.strategy_name == "endless"), batch=self._batch)


def request(name: str = "short", **fields: Any) -> RunRequest:
    return RunRequest(strategy_name=name, **fields)


@asynccontextmanager
async def open_registry(
    backtests: Path,
    make: Callable[[RunRequest], RunSpec] | None = None,
    *,
    write_result: ResultWriter = write_in_thread,
    now: Callable[[], datetime] | None = None,
    **settings: Any,
) -> AsyncIterator[Registry]:
    seconds = itertools.count()
    registry = Registry(
        backtests,
        ServerSettings(**settings),
        make or Specs(backtests),
        write_result=write_result,
        clock=time.monotonic,
        now=now or (lambda: NOON + timedelta(seconds=next(seconds))),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(registry.run)
        yield registry
        with trio.fail_after(20):
            await registry.close()
        nursery.cancel_scope.cancel()
