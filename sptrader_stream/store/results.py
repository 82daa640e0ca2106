"""A run's result as one JSON document, written from its journal: trades and rejections pass through, never pile up."""

from __future__ import annotations

import itertools
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import IO, Final

import msgspec

from sptrader_stream.events import DataIssue, Failure, Records, RunEnded, RunStarted
from sptrader_stream.execution.core import OpenPosition
from sptrader_stream.execution.records import ExecutionEvent, Trade, unpack
from sptrader_stream.metrics.summary import METRICS, Metrics
from sptrader_stream.money import format_money
from sptrader_stream.store.journal import cannot_write, read_journal
from sptrader_stream.store.rows import PositionRow, halt_rows, position_row, rejection_rows, trade_rows
from sptrader_stream.timeframes import HOUR, format_time

RESULT_FILE: Final = "result.json"
_ITEMS_AT_A_TIME: Final = 4096

MetricValue = int | float | str | None | list[tuple[date, float]]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long a run took.

    Attributes:
        candles: how many were processed.
        startup_s: seconds from the start of the command to the first candle, kernels loaded.
        run_s: seconds of the run, without the loading of kernels.
        source_wait_s: seconds of ``run_s`` in which the pipeline stood still for its source.
        candles_per_second: of the pipeline itself, over ``run_s`` less ``source_wait_s``.
    """

    candles: int
    startup_s: float
    run_s: float
    source_wait_s: float
    candles_per_second: float


class InstrumentSummary(msgspec.Struct, frozen=True):
    """The instrument as the result names it."""

    symbol: str
    price_precision: int
    quantity_precision: int


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    status: str
    failure: Failure | None
    strategy: str
    strategy_version: str
    parameters: dict[str, str]
    symbol: str
    timeframe: str
    source: str
    synthetic: bool
    start_time: str | None
    end_time: str | None
    total_trades: int
    winning_trades: int
    losing_trades: int
    total_pnl: str
    max_drawdown: float
    sharpe_ratio: float | None
    start_capital: str
    end_capital: str
    signals_generated: int
    daily_returns: list[float]
    fingerprint: str
    instrument: InstrumentSummary
    timing: Timing
    metrics: dict[str, MetricValue]
    data_issues: tuple[DataIssue, ...]
    open_positions: list[PositionRow]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What a result needs beside the journal.

    Attributes:
        metrics: what the run came to.
        generated: how many signals were generated.
        period: open times of the first and last candle; None where there was none.
        open_positions: what is open after the last candle.
        timing: how long it took.
    """

    metrics: Metrics
    generated: int
    period: tuple[int, int] | None
    open_positions: Sequence[OpenPosition]
    timing: Timing


def write_result(folder: Path, started: RunStarted, ended: RunEnded, ending: Ending, tail: int) -> list[Trade]:
    """Write ``result.json`` into a run's folder; it appears whole or not at all.

    Returns:
        The last trades, at most ``tail``, oldest first.

    Raises:
        StorageError: it cannot be written.
    """
    last: deque[Trade] = deque(maxlen=tail)
    temporary = folder / f".{RESULT_FILE}"
    found = ending.metrics
    try:
        with temporary.open("wb") as file:
            # The head without its closing brace: the long lists follow in the same object.
            file.write(msgspec.json.encode(_head(started, ended, ending))[:-1])
            _write_list(file, "completed_trades", trade_rows(_events(folder, found.total_trades), started, last))
            _write_list(file, "rejections", rejection_rows(_events(folder, found.rejections), started))
            _write_list(file, "halts", halt_rows(_events(folder, found.halts)))
            file.write(b"}\n")
        temporary.replace(folder / RESULT_FILE)
    except OSError as error:
        raise cannot_write(folder / RESULT_FILE, error) from error
    return list(last)


def write_document(folder: Path, stream: IO[bytes]) -> None:
    """Copy a run's result, one JSON document, to a stream."""
    with (folder / RESULT_FILE).open("rb") as file:
        shutil.copyfileobj(file, stream)
    stream.flush()


def _write_list(file: IO[bytes], name: str, items: Iterable[msgspec.Struct]) -> None:
    file.write(f',"{name}":['.encode())
    comma = b""
    iterator = iter(items)
    while portion := list(itertools.islice(iterator, _ITEMS_AT_A_TIME)):
        file.write(comma + msgspec.json.encode(portion)[1:-1])
        comma = b","
    file.write(b"]")


def _events(folder: Path, wanted: int) -> Iterator[ExecutionEvent]:
    """Read the events of execution; none where none of the wanted kind was counted."""
    for event in read_journal(folder) if wanted else ():
        if isinstance(event, Records):
            yield from unpack(event.records)


def _head(started: RunStarted, ended: RunEnded, ending: Ending) -> _Head:
    metrics, period = ending.metrics, ending.period
    return _Head(
        run_id=started.run_id,
        status=ended.status,
        failure=ended.failure,
        strategy=started.strategy,
        strategy_version=started.strategy_version,
        parameters=started.parameters,
        symbol=started.symbol,
        timeframe=started.timeframe,
        source=started.source,
        synthetic=started.synthetic,
        start_time=None if period is None else format_time(period[0]),
        end_time=None if period is None else format_time(period[1]),
        total_trades=metrics.total_trades,
        winning_trades=metrics.winning_trades,
        losing_trades=metrics.losing_trades,
        total_pnl=format_money(metrics.total_pnl),
        max_drawdown=metrics.max_drawdown,
        sharpe_ratio=metrics.sharpe_ratio,
        start_capital=format_money(started.start_capital),
        end_capital=format_money(metrics.end_equity),
        signals_generated=ending.generated,
        daily_returns=[value for _, value in metrics.daily_returns],
        fingerprint=ended.fingerprint,
        instrument=InstrumentSummary(started.symbol, started.price_precision, started.quantity_precision),
        timing=ending.timing,
        metrics={name: _metric(name, metrics) for name in METRICS},
        data_issues=ended.issues,
        open_positions=[position_row(each, started) for each in ending.open_positions],
    )


def _metric(name: str, metrics: Metrics) -> MetricValue:
    value = getattr(metrics, name)
    if value is None:
        return None
    match METRICS[name].unit:
        case "money":
            return format_money(value)
        case "time":
            return format_time(value)
        case "duration":
            return float(value / HOUR)
        case "series":
            return list(value)
        case _:
            return float(value) if isinstance(value, float) else int(value)
