"""The REST side of a server, as functions: requests and answers are the Structs of the server itself.

What the server refuses is raised with the server's own words; what cannot be reached, with the address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from sptrader_stream.decoding import json_decoder
from sptrader_stream.errors import UserError
from sptrader_stream.research.answers import WhyAnswer
from sptrader_stream.server.documents import Problem, RunAccepted, RunList, RunRequest, RunStatus
from sptrader_stream.server.messages import Cancel, Pause, Resume, SetPace, SteeringCommand, Step
from sptrader_stream.server.rest.documents import (
    PaceRequest,
    StepRequest,
    StrategyCheck,
    StrategyDocument,
    StrategyList,
    Validation,
)
from sptrader_stream.store.runs import LAST

T = TypeVar("T")

# A result may still be being written when it is asked for.
_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_SHOWN: Final = 200
_EXAMPLE: Final = "http://127.0.0.1:3001"

Query = Mapping[str, str | int | None]


class ServerError(UserError):
    """The server refused a request; ``problem`` is its answer, None where it was none that a server of ours gives."""

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class Client:
    """A server that can be asked; see :func:`open_client`.

    Attributes:
        url: where the server is, such as ``http://127.0.0.1:3001``.
    """

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self._http = http

    async def start(self, request: RunRequest) -> RunAccepted:
        """Start a run.

        Raises:
            ServerError: it is refused.
            UserError: the server does not answer; so do all methods.
        """
        return await self._ask("POST", "/api/backtest/run", RunAccepted, body=request)

    async def runs(self, *, status: str | None = None, strategy: str | None = None, symbol: str | None = None,
                   offset: int = 0, limit: int = 50) -> RunList:  # fmt: skip
        """List runs that match, the newest first."""
        query: Query = {"status": status, "strategy": strategy, "symbol": symbol, "offset": offset, "limit": limit}
        return await self._ask("GET", "/api/backtests", RunList, query)

    async def find(self, run: str) -> str:
        """Give the id of a run; ``last`` is the one that was taken on last.

        Raises:
            UserError: the server has none yet.
        """
        if run != LAST:
            return run
        newest = (await self.runs(limit=1)).runs
        if not newest:
            raise UserError(f"{self.url} has no run yet: start one with `sptrader run STRATEGY --server {self.url}`")
        return newest[0].backtest_id

    async def status(self, run: str) -> RunStatus:
        """Tell where a run stands."""
        return await self._ask("GET", _of_run(run, "status"), RunStatus)

    async def steer(self, command: SteeringCommand) -> RunStatus:
        """Pause a run, let it go on, step it, give it another pace or cancel it."""
        match command:
            case Cancel() | Pause() | Resume():
                return await self._ask("POST", _of_run(command.run, str(command.__struct_config__.tag)), RunStatus)
            case Step():
                body: msgspec.Struct = StepRequest(n=command.n, until=command.until)
                return await self._ask("POST", _of_run(command.run, "step"), RunStatus, body=body)
            case SetPace():
                return await self._ask(
                    "POST", _of_run(command.run, "pace"), RunStatus, body=PaceRequest(pace=command.pace)
                )

    async def why(self, run: str, *, at: str | None, near: int | None, symbol: str | None) -> WhyAnswer:
        """Explain why a run traded or did not."""
        return await self._ask("GET", _of_run(run, "why"), WhyAnswer, {"at": at, "near": near, "symbol": symbol})

    async def report(self, run: str) -> bytes:
        """Give the page about a run, HTML."""
        return await self._send("GET", _of_run(run, "report"))

    @asynccontextmanager
    async def result(self, run: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give the result document of a run that is over, piece by piece."""
        path = _of_run(run, "results")
        try:
            async with self._http.stream("GET", path) as response:
                if response.is_error:
                    raise _refusal(self.url, path, response.status_code, await response.aread())
                yield response.aiter_bytes()
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    async def strategies(self) -> StrategyList:
        """List the server's strategies."""
        return await self._ask("GET", "/api/strategies", StrategyList)

    async def strategy(self, name: str) -> StrategyDocument:
        """Give a strategy of the server."""
        return await self._ask("GET", f"/api/strategies/{quote(name, safe='')}", StrategyDocument)

    async def validate(self, check: StrategyCheck) -> Validation:
        """Have a strategy checked."""
        return await self._ask("POST", "/api/strategies/validate", Validation, body=check)

    async def _ask(
        self, method: str, path: str, kind: type[T], query: Query | None = None, body: msgspec.Struct | None = None
    ) -> T:
        found = await self._send(method, path, query, body)
        try:
            return json_decoder(kind).decode(found)
        except msgspec.MsgspecError as error:
            raise UserError(
                f"{self.url}{path} answered something else than this version expects ({error}): is it a server of "
                "SPTrader Stream, and of the same version?"
            ) from None

    async def _send(
        self, method: str, path: str, query: Query | None = None, body: msgspec.Struct | None = None
    ) -> bytes:
        parameters = {name: value for name, value in (query or {}).items() if value is not None}
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"content-type": "application/json"}
        try:
            response = await self._http.request(method, path, params=parameters, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            raise _refusal(self.url, path, response.status_code, response.content)
        return response.content

    def _unreachable(self, error: httpx.HTTPError) -> UserError:
        reason = str(error) or type(error).__name__
        return UserError(f"no answer from {self.url}: {reason}. Is it running? `sptrader serve` starts one")


@asynccontextmanager
async def open_client(url: str) -> AsyncIterator[Client]:
    """Open a client.

    Args:
        url: where the server is; ``http://`` may be left out.

    Raises:
        UserError: it is no address.
    """
    base = server_address(url)
    async with httpx.AsyncClient(base_url=base, timeout=_TIMEOUT) as http:
        yield Client(base, http)


def server_address(url: str) -> str:
    """Complete the address of a server: ``localhost:3001`` is ``http://localhost:3001``.

    Raises:
        UserError: it is no address.
    """
    whole = url.strip().rstrip("/")
    if "://" not in whole:
        whole = f"http://{whole}"
    try:
        parsed = httpx.URL(whole)
    except httpx.InvalidURL as error:
        raise UserError(f"{url!r} is no address of a server ({error}): expected one such as {_EXAMPLE}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise UserError(f"{url!r} is no address of a server: expected one such as {_EXAMPLE}")
    return whole


def _of_run(run: str, what: str) -> str:
    return f"/api/backtest/{quote(run, safe='')}/{what}"


def _refusal(url: str, path: str, status: int, body: bytes) -> ServerError:
    try:
        problem = json_decoder(Problem).decode(body)
    except msgspec.MsgspecError:
        said = body[:_SHOWN].decode("utf-8", "replace").strip()
        return ServerError(f"{url}{path} answered {status}: {said or 'nothing'}")
    return ServerError(problem.detail, problem)
