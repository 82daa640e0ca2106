"""Which candles a command is about: from what was said, and what the workspace has, to sources that are open."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from sptrader_stream.cli.request import DATA_NEEDED, RunRequest
from sptrader_stream.errors import DataError, UserError

if TYPE_CHECKING:
    from sptrader_stream.instruments import Instrument
    from sptrader_stream.rules.plan import StrategyPlan
    from sptrader_stream.sources.contract import DataPolicy
    from sptrader_stream.sources.market import MarketSpec
    from sptrader_stream.workspace import Workspace


class Candles(NamedTuple):
    """What one ``--data`` says: the symbol, where it names one, and the file or a word of ``sources.NAMED``."""

    symbol: str | None
    data: str


def parse_data(request: RunRequest) -> list[Candles]:
    """Read what is given as ``--data``: ``FILE`` or ``SYMBOL=FILE``, once for each instrument.

    Raises:
        UserError: a symbol has no file behind it, or ``--symbol`` is given beside another symbol or several files.
    """
    found = [_parse_candles(word) for word in request.data]
    if request.symbol is None or not found:
        return found
    if len(found) > 1:
        raise UserError("--symbol is for one --data; with several, name each: --data EURUSD=FILE --data GBPUSD=FILE")
    if found[0].symbol is not None:
        raise UserError(f"--symbol {request.symbol} and --data {request.data[0]} both name the symbol: leave one out")
    return [Candles(request.symbol, found[0].data)]


def _parse_candles(word: str) -> Candles:
    symbol, equals, data = word.partition("=")
    if not equals or Path(word).is_file():
        return Candles(None, word)
    if not symbol.strip() or not data.strip():
        raise UserError(f"--data {word}: expected SYMBOL=FILE, such as --data EURUSD=EURUSD-1m.parquet")
    return Candles(symbol.strip(), data)


def choose_symbol(candles: Candles, plan: StrategyPlan | None, instruments: Mapping[str, Instrument]) -> str:
    """Tell which instrument candles are of.

    The command line says it, or a file's name; for candles that are in no file, the strategy.

    Raises:
        UserError: nothing says it, or there is no such file.
    """
    from sptrader_stream.opening import check_file, symbol_of
    from sptrader_stream.sources.names import NAMED

    if candles.symbol is not None:
        return candles.symbol
    if candles.data in NAMED:
        if plan is None or plan.symbol is None:
            raise UserError("which instrument? Give it with --symbol, such as --symbol EURUSD")
        return plan.symbol
    check_file(candles.data)
    guess = symbol_of(candles.data)
    if guess is None or guess not in instruments:
        raise UserError(
            f"which instrument does {candles.data} hold? Its name does not begin with a symbol that is declared in "
            "config/instruments.yaml: give it with --symbol, such as --symbol EURUSD"
        )
    return guess


def choose_instruments(files: Sequence[str], symbol: str | None, workspace: Workspace) -> list[tuple[str, Instrument]]:
    """Tell of which instruments files are.

    Args:
        files: their paths.
        symbol: of all of them; None to tell from their names.
        workspace: whose declared instruments they are.

    Raises:
        UserError: a file is not there, or nothing says what it holds, or that is not declared.
    """
    from sptrader_stream.instruments import find_instrument, load_instruments

    declared = workspace.config_file("instruments.yaml")
    instruments = load_instruments(declared)
    symbols = [choose_symbol(Candles(symbol, file), None, instruments) for file in files]
    return [
        (file, find_instrument(instruments, each, str(declared))) for file, each in zip(files, symbols, strict=True)
    ]


def named_instrument(symbol: str, workspace: Workspace) -> Instrument:
    """Find a declared instrument by its symbol.

    Raises:
        UserError: it is not declared; names the nearest.
    """
    from sptrader_stream.instruments import find_instrument, load_instruments

    declared = workspace.config_file("instruments.yaml")
    return find_instrument(load_instruments(declared), symbol, str(declared))


def research_policy(workspace: Workspace) -> DataPolicy:
    """What is done about findings where candles are only looked at or kept.

    Raises:
        ConfigError: the workspace's policy is wrong.
    """
    from sptrader_stream.sources.contract import load_table

    return load_table(workspace.config_file("data_policy.yaml")).kinds["research"]


def find_candles(
    candles: Candles, symbol: str, timeframe: str | None, own: str | None, folder: Path
) -> tuple[str, str | None]:
    """Tell where an instrument's candles are, and in which timeframe: as was said, or as the catalog has them.

    Args:
        candles: what was said.
        symbol: the instrument's.
        timeframe: asked for; None for the finest there is that makes up ``own``.
        own: the strategy's timeframe, or None where it has none.
        folder: the workspace's candles.

    Raises:
        DataError: the catalog is asked for and has none.
    """
    from sptrader_stream.catalog.finding import find_holding, list_holdings
    from sptrader_stream.sources.names import CATALOG

    if candles.data != CATALOG:
        return candles.data, timeframe
    # The engine builds the strategy's own candles from finer ones, whose fills are better.
    found = find_holding([folder], symbol, timeframe or own, finest=timeframe is None)
    if found is not None:
        return str(found.path), timeframe or found.timeframe
    there = ", ".join(each.timeframe for each in list_holdings([folder]) if each.symbol == symbol)
    has = f"has {symbol} only in {there}" if there else f"has no candles of {symbol}"
    wanted = f", which do not make up {timeframe or own}" if there else ""
    raise DataError(
        f"the catalog {folder} {has}{wanted}: bring some in with `sptrader data import FILE --symbol {symbol}`"
    )


def _with_data(request: RunRequest, plan: StrategyPlan, folder: Path) -> RunRequest:
    """Where the command line says nothing, take candles from the catalog, else from the market-data server."""
    if request.data:
        return request
    from sptrader_stream.catalog.finding import find_holding
    from sptrader_stream.instruments import normalise_symbol
    from sptrader_stream.sources.http.settings import URL_VARIABLE
    from sptrader_stream.sources.names import CATALOG, HTTP

    symbol = request.symbol or plan.symbol
    timeframe = request.timeframe or plan.timeframe
    if symbol is not None and find_holding([folder], normalise_symbol(symbol), timeframe) is not None:
        return msgspec.structs.replace(request, data=(CATALOG,))
    if not os.environ.get(URL_VARIABLE):
        raise UserError(f"which candles? Give them with --data: {DATA_NEEDED}")
    return msgspec.structs.replace(request, data=(HTTP,))


def open_markets(request: RunRequest, plan: StrategyPlan, workspace: Workspace) -> tuple[MarketSpec, ...]:
    """Find the instruments that are asked for and open their candles.

    Raises:
        UserError: an instrument is not declared or not named, a source cannot be opened, or the range is none.
    """
    from sptrader_stream.instruments import find_instrument, load_instruments
    from sptrader_stream.opening import open_source
    from sptrader_stream.sources.market import MarketSpec
    from sptrader_stream.sources.names import SYNTHETIC
    from sptrader_stream.timeframes import parse_end, parse_time

    start = None if request.start is None else parse_time(request.start)
    end = None if request.end is None else parse_end(request.end)
    instruments_file = workspace.config_file("instruments.yaml")
    instruments = load_instruments(instruments_file)
    wanted = []
    for candles in parse_data(_with_data(request, plan, workspace.data)):
        symbol = choose_symbol(candles, plan, instruments)
        instrument = find_instrument(instruments, symbol, str(instruments_file))
        found = find_candles(candles, instrument.symbol, request.timeframe, plan.timeframe, workspace.data)
        wanted.append((*found, instrument))
    markets: dict[int, MarketSpec] = {}
    # Files come first: synthetic candles beside them take their timeframe.
    for place in sorted(range(len(wanted)), key=lambda each: wanted[each][0] == SYNTHETIC):
        data, timeframe, instrument = wanted[place]
        if timeframe is None and data == SYNTHETIC:
            timeframe = next((each.source.info.timeframe for each in markets.values()), plan.timeframe)
        timezone = request.timezone
        source = open_source(data, instrument, timeframe=timeframe, start=start, end=end, timezone=timezone)
        markets[place] = MarketSpec(instrument, source, start, end, timezone)
    return tuple(markets[place] for place in range(len(wanted)))
