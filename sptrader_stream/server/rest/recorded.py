"""What a run has recorded so far, as documents: pure reading, for threads. All of it works while the run goes on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles, part_of, up_to
from sptrader_stream.events import Market, RunStarted
from sptrader_stream.execution.records import KIND_TRADE, Trade, kinds, unpack
from sptrader_stream.money import format_money, format_scaled
from sptrader_stream.report.equity import read_points
from sptrader_stream.report.zoom import ZoomBuilder, ZoomLevel
from sptrader_stream.server.rest.documents import CandlePage, EquityPage
from sptrader_stream.sources.contract import DataPolicy
from sptrader_stream.store.equity import EQUITY_FILE
from sptrader_stream.store.journal import read_rows
from sptrader_stream.store.remake import reopen
from sptrader_stream.store.rows import TradeRow, trade_rows
from sptrader_stream.timeframes import format_time, format_timeframe, parse_timeframe, span_origin

# What adding volumes up in binary leaves behind the decimals that there were.
_VOLUME_DIGITS: Final = 8
_PIECE_BYTES: Final = 262_144


def read_trade_page(folder: Path, started: RunStarted, offset: int, limit: int) -> list[TradeRow]:
    """Read some of a run's trades; those before are passed over as they are stored.

    Args:
        folder: the run's.
        started: its first event.
        offset: how many to pass over.
        limit: how many to read, at most.
    """
    return list(trade_rows(itertools.islice(_trades(folder, offset), limit), started, offset + 1))


def read_equity_page(folder: Path, started: RunStarted, most: int, start: int | None, end: int | None) -> EquityPage:
    """Read a run's equity.

    Args:
        folder: the run's.
        started: its first event.
        most: points at most.
        start, end: nanoseconds since 1970, inclusive; None for all there is.
    """
    if not (folder / EQUITY_FILE).is_file():
        return no_equity(started.run_id, format_money(started.start_capital))
    found = read_points(folder, started.start_capital, most, start, end)
    return EquityPage(
        backtest_id=folder.name,
        start_capital=format_money(started.start_capital),
        changes=found.changes,
        time=list(map(format_time, found.time.tolist())),
        equity=list(map(format_money, found.equity.tolist())),
        drawdown=found.drawdown.tolist(),
    )


def no_equity(run_id: str, start_capital: str) -> EquityPage:
    """The equity of a run that has not begun."""
    return EquityPage(
        backtest_id=run_id, start_capital=start_capital, changes=0, time=[], equity=[], drawdown=[]
    )  # fmt: skip


def read_candle_page(
    run_id: str, started: RunStarted, index: int, most: int, start: int | None, end: int
) -> CandlePage:
    """Read an instrument's candles again, in the finest timeframe in which no more than ``most`` are in the range.

    Args:
        run_id: of the run.
        started: its first event.
        index: of the instrument in the run.
        most: candles at most.
        start: nanoseconds since 1970, inclusive; None for the first there is.
        end: the last open time, nanoseconds since 1970.

    Raises:
        UserError: the candles cannot be read any more.
    """
    market, timeframe = started.markets[index], parse_timeframe(started.timeframe)
    instrument = market.instrument
    builder = ZoomBuilder(timeframe, instrument.session, 1, most)
    volume = 0.0
    for chunk in _range(market, started, start, end):
        # Of a coarser candle the last value is kept, which of a running sum is all of it.
        sums = volume + np.cumsum(chunk.volume)
        volume = float(sums[-1])
        builder.add(np.stack((chunk.time, chunk.open, chunk.high, chunk.low, chunk.close)), sums[np.newaxis])
    return _candle_page(run_id, market, started.timeframe, builder.finest())


def no_candles(run_id: str, symbol: str, timeframe: str) -> CandlePage:
    """The candles of a run that has not taken any."""
    return CandlePage(
        backtest_id=run_id, symbol=symbol, timeframe=timeframe, data_timeframe=timeframe,
        time=[], open=[], high=[], low=[], close=[], volume=[],
    )  # fmt: skip


def file_pieces(file: Path) -> Iterator[bytes]:
    """Read a file piece by piece."""
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece


def _trades(folder: Path, offset: int) -> Iterator[Trade]:
    for rows in read_rows(folder):
        found = rows[kinds(rows) == KIND_TRADE]
        passed = min(offset, len(found))
        offset -= passed
        for event in unpack(found[passed:]):
            if isinstance(event, Trade):
                yield event


def _range(market: Market, started: RunStarted, start: int | None, end: int) -> Iterator[ReadyCandles]:
    """Read the candles of a range, as little beside them as the source allows."""
    # Made-up candles depend on where they begin.
    if market.path and start is not None:
        timeframe = parse_timeframe(started.timeframe)
        whole = start - (start - span_origin(timeframe, market.instrument.session)) % timeframe
        market = msgspec.structs.replace(market, start=whole if market.start is None else max(whole, market.start))
    for chunk in up_to(reopen(market, started).candles(cast("DataPolicy", started.data_policy)), end):
        first = 0 if start is None else int(np.searchsorted(chunk.time, start))
        if first < len(chunk):
            yield part_of(chunk, first, len(chunk))


def _candle_page(run_id: str, market: Market, timeframe: str, level: ZoomLevel) -> CandlePage:
    precision = market.instrument.price_precision
    prices = ([format_scaled(each, precision) for each in column.tolist()] for column in level.candles[1:])
    open_, high, low, close = prices
    volume = np.round(np.diff(level.values[0], prepend=0.0), _VOLUME_DIGITS)
    return CandlePage(
        backtest_id=run_id,
        symbol=market.instrument.symbol,
        timeframe=format_timeframe(level.timeframe),
        data_timeframe=timeframe,
        time=list(map(format_time, level.candles[0].tolist())),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume.tolist(),
    )
