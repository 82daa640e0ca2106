"""What runs have recorded: results, trades, equity, candles, events, the page and why."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import Parameter
from litestar.response import Stream

from sptrader_stream.instruments import normalise_symbol
from sptrader_stream.report.exports import trades_csv
from sptrader_stream.research.answers import WhyAnswer, explain_run
from sptrader_stream.server.documents import FieldProblem
from sptrader_stream.server.request_errors import InvalidRequestError
from sptrader_stream.server.rest.contract import Served
from sptrader_stream.server.rest.documents import CandlePage, EquityPage, EventPage, TradePage
from sptrader_stream.server.rest.pages import report_page
from sptrader_stream.server.rest.problems import AnyRequest, problems
from sptrader_stream.server.rest.reading import Reading, time_at, time_range
from sptrader_stream.server.rest.recorded import (
    file_pieces,
    no_candles,
    no_equity,
    read_candle_page,
    read_equity_page,
    read_trade_page,
)
from sptrader_stream.server.rest.runs import Offset
from sptrader_stream.server.runs.handle import RunHandle
from sptrader_stream.store.results import RESULT_FILE
from sptrader_stream.timeframes import parse_time

MOST_ROWS: Final = 1_000
MOST_POINTS: Final = 10_000
MOST_NEAR: Final = 100
_CSV: Final = "text/csv"
_TAG: Final = ["What runs recorded"]

From = Annotated[str | None, Parameter(query="from", description="The first time: RFC 3339, a date or Unix seconds.")]
To = Annotated[str | None, Parameter(query="to", description="The last time, inclusive; a date is the whole day.")]
Symbol = Annotated[str | None, Parameter(description="Of the run's instruments; by default the first.")]
Most = Annotated[int, Parameter(ge=10, le=MOST_POINTS, description="How many points, at most.")]


@get(
    "/api/backtest/{backtest_id:str}/results", tags=_TAG, responses=problems(404, 409, 507),
    operation_id="run_results", media_type=MediaType.JSON,
)  # fmt: skip
async def run_results(backtest_id: str, service: Served, reading: Reading) -> Stream:
    """Give a run's result, once it is over: the whole document, its long lists as well."""
    handle = service.registry.get(backtest_id)
    await reading.wait_result(handle)
    file = handle.folder / RESULT_FILE
    size = await reading.of_run(handle, lambda: file.stat().st_size)
    pieces = await reading.begun(handle, file_pieces(file))
    return Stream(pieces, media_type=MediaType.JSON, headers={"content-length": str(size)})


@get("/api/backtest/{backtest_id:str}/trades", tags=_TAG, responses=problems(404, 422, 507), operation_id="run_trades")
async def run_trades(
    backtest_id: str,
    service: Served,
    reading: Reading,
    request: AnyRequest,
    form: Annotated[
        Literal["json", "csv"] | None,
        Parameter(query="format", description="`csv` for all trades as a table; so does `Accept: text/csv`."),
    ] = None,
    offset: Offset = 0,
    limit: Annotated[int, Parameter(ge=1, le=MOST_ROWS, description="How many trades, at most.")] = 100,
) -> Response[TradePage] | Stream:
    """Give a run's trades, while it goes on as well: a page of them, or all as CSV."""
    handle = service.registry.get(backtest_id)
    started = await reading.started(handle)
    if form == "csv" or (form is None and _wants_csv(request.headers.get("accept", ""))):
        pieces = iter(()) if started is None else await reading.begun(handle, trades_csv(handle.folder, started))
        headers = {"content-disposition": 'attachment; filename="trades.csv"', "vary": "accept"}
        return Stream(pieces, media_type=_CSV, headers=headers)
    total = handle.status().trades_count
    trades = []
    if started is not None:
        trades = await reading.of_run(handle, read_trade_page, handle.folder, started, offset, limit)
    total = max(total, handle.status().trades_count, offset + len(trades) if trades else 0)
    page = TradePage(trades=trades, total=total, offset=offset, limit=limit)
    return Response(page, headers={"vary": "accept"})


@get("/api/backtest/{backtest_id:str}/equity", tags=_TAG, responses=problems(404, 422, 507), operation_id="run_equity")
async def run_equity(
    backtest_id: str, service: Served, reading: Reading, from_: From = None, to: To = None, most: Most = 1_000
) -> EquityPage:
    """Give a run's equity and drawdown, while it goes on as well, reduced to what a chart can show."""
    start, end = time_range(from_, to)
    handle = service.registry.get(backtest_id)
    started = await reading.started(handle)
    if started is None:
        return no_equity(handle.id, handle.status().start_capital)
    return await reading.of_run(handle, read_equity_page, handle.folder, started, most, start, end)


@get(
    "/api/backtest/{backtest_id:str}/candles", tags=_TAG, responses=problems(404, 422, 507), operation_id="run_candles"
)
async def run_candles(
    backtest_id: str,
    service: Served,
    reading: Reading,
    symbol: Symbol = None,
    from_: From = None,
    to: To = None,
    most: Most = 1_000,
) -> CandlePage:
    """Give a run's candles up to where it stands, in the finest timeframe in which the range has few enough of them."""
    start, end = time_range(from_, to)
    handle = service.registry.get(backtest_id)
    status, index = handle.status(), _index(handle, symbol)
    started = await reading.started(handle)
    last = None if status.time is None else parse_time(status.time)
    if started is None or last is None or (start is not None and start > last):
        return no_candles(handle.id, status.symbols[index], status.timeframe)
    end = last if end is None else min(end, last)
    return await reading.of_run(handle, read_candle_page, handle.id, started, index, most, start, end)


@get("/api/backtest/{backtest_id:str}/events", tags=_TAG, responses=problems(404, 422, 507), operation_id="run_events")
async def run_events(
    backtest_id: str,
    service: Served,
    reading: Reading,
    from_seq: Annotated[int, Parameter(ge=0, le=2**53 - 1, description="The first sequence number wanted.")] = 0,
    limit: Annotated[int, Parameter(ge=1, le=MOST_ROWS, description="How many events, at most.")] = 500,
) -> EventPage:
    """Give a run's lossless events, while it goes on as well: the same messages as by websocket."""
    handle = service.registry.get(backtest_id)
    events = await handle.log.read(from_seq, limit)
    following = from_seq + len(events)
    return EventPage(
        backtest_id=handle.id,
        events=events,
        next_seq=following,
        is_complete=handle.log.is_ended and following >= handle.log.next_seq,
    )


@get(
    "/api/backtest/{backtest_id:str}/report", tags=_TAG, responses=problems(404, 409, 422, 507),
    operation_id="run_report", media_type=MediaType.HTML,
)  # fmt: skip
async def run_report(backtest_id: str, service: Served, reading: Reading) -> Response[bytes]:
    """Give the page about a run that `sptrader report` writes; it needs nothing else and can be saved."""
    handle = service.registry.get(backtest_id)
    record = await reading.record(handle)
    page = await reading.work(handle, report_page, record)
    return Response(page, media_type=MediaType.HTML, headers={"cache-control": "no-cache"})


@get("/api/backtest/{backtest_id:str}/why", tags=_TAG, responses=problems(404, 409, 422, 507), operation_id="run_why")
async def run_why(
    backtest_id: str,
    service: Served,
    reading: Reading,
    at: Annotated[str | None, Parameter(description="Explain the candle that closed last by then.")] = None,
    near: Annotated[
        int | None, Parameter(ge=1, le=MOST_NEAR, description="List so many candles at which an entry came closest.")
    ] = None,
    symbol: Annotated[str | None, Parameter(description="By default each instrument of the run.")] = None,
) -> WhyAnswer:
    """Explain why a run traded or did not: at one time, or where its entry rules came closest."""
    if (at is None) == (near is None):
        message = "give either at, such as at=2025-03-31T14:30:00Z, or near, such as near=5"
        raise InvalidRequestError(message, [FieldProblem(path="at", message=message)])
    time = time_at("at", at)
    handle = service.registry.get(backtest_id)
    if symbol is not None:
        _index(handle, symbol)
    record = await reading.record(handle)
    return await reading.work(handle, explain_run, record, at=time, near=near, symbol=symbol)


def _index(handle: RunHandle, symbol: str | None) -> int:
    symbols = handle.status().symbols
    if symbol is None:
        return 0
    plain = normalise_symbol(symbol)
    if plain not in symbols:
        message = f"run {handle.id} has no such instrument; it trades {', '.join(symbols)}"
        raise InvalidRequestError(f"symbol {symbol!r}: {message}", [FieldProblem(path="symbol", message=message)])
    return symbols.index(plain)


def _wants_csv(accept: str) -> bool:
    """Whether a client would rather have CSV than JSON."""
    return _CSV in accept and MediaType.JSON not in accept


HANDLERS: Final = [run_results, run_trades, run_equity, run_candles, run_events, run_report, run_why]
