"""From a request to the specification of a run; what will not do is refused with the path of the field."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from actors.spec import RunSpec
from sptrader_stream.errors import ConfigError, NoCandlesError, StrategyError, UserError, did_you_mean
from sptrader_stream.instruments import Instrument, normalise_symbol
from sptrader_stream.money import MONEY_DIGITS, parse_scaled
from sptrader_stream.opening import open_source
from sptrader_stream.rules.folder import find_strategy
from sptrader_stream.rules.loader import load_strategy
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.server.documents import FieldProblem, RunRequest
from sptrader_stream.server.library import CandleLibrary
from sptrader_stream.server.request_errors import (
    InvalidRequestError,
    RequestError,
    UnknownStrategyError,
    UnknownSymbolError,
)
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.sources import CandleSource
from sptrader_stream.sources.contract import check_mode, check_trust, load_table
from sptrader_stream.sources.http.settings import URL_VARIABLE
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.sources.names import CATALOG, DATABASE, HTTP, SYNTHETIC
from sptrader_stream.timeframes import parse_end, parse_time, parse_timeframe
from sptrader_stream.workspace import Workspace, make_run_id

# More than any account has, and far from what int64 can hold.
_MOST_CAPITAL: Final = Decimal(10**10)


def make_server_spec(
    request: RunRequest, *, workspace: Workspace, library: CandleLibrary, settings: ServerSettings
) -> RunSpec:
    """Load everything that a run needs; reads files, so it is for threads.

    Args:
        request: what is wanted.
        workspace: where strategies and configuration are, and runs have their folders.
        library: the candles that there are.
        settings: batches, and what stands in where nothing knows a symbol.

    Raises:
        RequestError: a field of the request is wrong, or names what is not there.
        UserError: a file is wrong.
    """
    plan = _load_plan(request, workspace)
    capital = _capital(request.initial_capital)
    with _field("execution_mode"):
        mode = check_mode(request.execution_mode)
    table = load_table(workspace.config_file("data_policy.yaml"))
    markets = _markets(request, plan, library, settings)
    with _field("data"):
        warnings = check_trust((each.source.info for each in markets), table, mode)
    run_id = make_run_id(plan.name, datetime.now(UTC))
    return RunSpec(
        run_id=run_id,
        strategy=plan,
        markets=markets,
        capital=capital,
        batch_size=settings.batch_size,
        folder=workspace.backtests / run_id,
        execution_mode=mode,
        data_policy=table.kinds[mode],
        warnings=warnings,
        shares_loop=True,
    )


def _load_plan(request: RunRequest, workspace: Workspace) -> StrategyPlan:
    try:
        file = find_strategy(workspace.strategies, request.strategy_name)
    except ConfigError:
        raise
    except UserError as error:
        raise UnknownStrategyError(str(error), [FieldProblem(path="strategy_name", message=str(error))]) from None
    try:
        return load_strategy(file, {name: _text(value) for name, value in request.parameters.items()})
    except StrategyError as error:
        # Findings about what was given for a parameter are those of the request.
        raise InvalidRequestError(
            str(error),
            [FieldProblem(path=each.path, message=each.message, line=each.line or None) for each in error.findings],
        ) from None


def _text(value: bool | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else repr(value)


def _capital(amount: Decimal) -> int:
    with _field("initial_capital"):
        if not amount.is_finite() or not 0 < amount <= _MOST_CAPITAL:
            raise UserError(f"expected an amount above zero and up to {_MOST_CAPITAL:,}, found {amount}")
        return parse_scaled(f"{amount:f}", MONEY_DIGITS, "initial_capital")


def _markets(
    request: RunRequest, plan: StrategyPlan, library: CandleLibrary, settings: ServerSettings
) -> tuple[MarketSpec, ...]:
    with _field("start_date"):
        start = None if request.start_date is None else parse_time(request.start_date)
    with _field("end_date"):
        end = None if request.end_date is None else parse_end(request.end_date)
        if start is not None and end is not None and end < start:
            raise UserError(f"the range ends ({request.end_date}) before it starts ({request.start_date})")
    with _field("timeframe"):
        if request.timeframe is not None:
            parse_timeframe(request.timeframe)
    instruments = library.instruments()
    markets = []
    for symbol, data in _wanted(request, plan).items():
        instrument = _instrument(symbol, instruments)
        path, timeframe = _source(request, plan, instrument, data, library, settings)
        try:
            source = _open(request, path, timeframe, instrument, start, end)
        except NoCandlesError as error:
            if data is not None:
                raise UnknownSymbolError(str(error), [FieldProblem(path="symbol", message=str(error))]) from None
            path, timeframe = _default_source(instrument, timeframe, settings)
            source = _open(request, path, timeframe, instrument, start, end)
        markets.append(MarketSpec(instrument, source, start, end))
    return tuple(markets)


def _open(
    request: RunRequest, path: str, timeframe: str | None, instrument: Instrument, start: int | None, end: int | None
) -> CandleSource:
    with _field("data"):
        return open_source(path, instrument, timeframe=timeframe, start=start, end=end)


def _wanted(request: RunRequest, plan: StrategyPlan) -> dict[str, str | None]:
    """What is to be traded, and from where its candles come; None for wherever this server finds them."""
    if isinstance(request.data, dict):
        symbols = request.symbol if isinstance(request.symbol, list) else [request.symbol] if request.symbol else None
        with _field("data"):
            found: dict[str, str | None] = {normalise_symbol(symbol): data for symbol, data in request.data.items()}
            if not found:
                raise UserError("expected a symbol and its candles, found nothing")
            if symbols is not None and [normalise_symbol(each) for each in symbols] != list(found):
                raise UserError("names other symbols than `symbol` does: leave one of them out")
        return found
    with _field("symbol"):
        named = request.symbol if isinstance(request.symbol, list) else [request.symbol or plan.symbol or ""]
        if not named or not all(each.strip() for each in named):
            raise UserError("which instrument? The strategy names none: give a symbol, such as EURUSD")
        plain = [normalise_symbol(each) for each in named]
        twice = next((each for each in plain if plain.count(each) > 1), None)
        if twice is not None:
            raise UserError(f"{twice} is given twice")
    return dict.fromkeys(plain, request.data)


def _instrument(symbol: str, instruments: Mapping[str, Instrument]) -> Instrument:
    found = instruments.get(symbol)
    if found is None:
        message = (
            f"there is no instrument {symbol!r}{did_you_mean(symbol, instruments, 0.5)}: config/instruments.yaml "
            "declares those that there are"
        )
        raise UnknownSymbolError(message, [FieldProblem(path="symbol", message=message)])
    return found


def _source(
    request: RunRequest,
    plan: StrategyPlan,
    instrument: Instrument,
    data: str | None,
    library: CandleLibrary,
    settings: ServerSettings,
) -> tuple[str, str | None]:
    """Choose where an instrument's candles come from, and in which timeframe."""
    timeframe = request.timeframe or plan.timeframe
    if data in (DATABASE, HTTP):
        return data, timeframe
    if data not in (None, SYNTHETIC, CATALOG):
        with _field("data"):
            return str(library.named(data)), request.timeframe
    if data != SYNTHETIC:
        # The engine builds the strategy's own candles from finer ones, whose fills are better.
        is_own = timeframe == plan.timeframe
        found = library.find(instrument.symbol, timeframe, finest=is_own)
        if found is not None:
            return str(found.path), found.timeframe if is_own else timeframe
        if data == CATALOG:
            raise _unknown(instrument, timeframe)
        if os.environ.get(URL_VARIABLE):
            return HTTP, timeframe
        return _default_source(instrument, timeframe, settings)
    return _synthetic(timeframe)


def _default_source(instrument: Instrument, timeframe: str | None, settings: ServerSettings) -> tuple[str, str | None]:
    """What stands in where neither the library nor a market-data server knows the symbol."""
    if settings.default_source == "none":
        raise _unknown(instrument, timeframe)
    return _synthetic(timeframe)


def _unknown(instrument: Instrument, timeframe: str | None) -> UnknownSymbolError:
    message = f"this server has no candles of {instrument.symbol}" + (f" for {timeframe}" if timeframe else "")
    return UnknownSymbolError(message, [FieldProblem(path="symbol", message=message)])


def _synthetic(timeframe: str | None) -> tuple[str, str | None]:
    if timeframe is None:
        with _field("timeframe"):
            raise UserError("synthetic candles need a timeframe, and the strategy has none: give one, such as 1h")
    return SYNTHETIC, timeframe


@contextmanager
def _field(path: str) -> Iterator[None]:
    """Name the field that an error is about."""
    try:
        yield
    except NoCandlesError:
        # There may be others to ask.
        raise
    except RequestError as error:
        error.errors = error.errors or [FieldProblem(path=path, message=str(error))]
        raise
    except UserError as error:
        message = str(error)
        said = message if message.startswith(f"{path}:") else f"{path}: {message}"
        raise InvalidRequestError(said, [FieldProblem(path=path, message=message)]) from None
