"""The head of a result document: what was run, how it ended, what it came to; everything but the long lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from sptrader_stream.events import DataIssue, Failure, Provenance, RunEnded, RunStarted
from sptrader_stream.execution.core import OpenPosition
from sptrader_stream.instruments import Instrument
from sptrader_stream.metrics.summary import METRICS, Metrics
from sptrader_stream.money import format_money
from sptrader_stream.store.rows import PositionRow, position_row
from sptrader_stream.timeframes import HOUR, format_time

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


class Bounds(msgspec.Struct, frozen=True):
    """What the same decisions come to with either ``same_bar`` policy."""

    stop_first: Metrics
    target_first: Metrics

    @property
    def pnl_interval(self) -> tuple[int, int]:
        """The lower and the higher total P&L of the two, money (10^-8)."""
        low, high = sorted((self.stop_first.total_pnl, self.target_first.total_pnl))
        return low, high


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What a result needs beside the journal.

    Attributes:
        metrics: what the run came to.
        bounds: what it came to with either ``same_bar`` policy; None where that was not asked for.
        generated: how many signals were generated.
        period: open times of the first and last candle; None where there was none.
        open_positions: what is open after the last candle.
        timing: how long it took.
    """

    metrics: Metrics
    bounds: Bounds | None
    generated: int
    period: tuple[int, int] | None
    open_positions: Sequence[OpenPosition]
    timing: Timing


class InstrumentSummary(msgspec.Struct, frozen=True):
    """The instrument as the result names it."""

    symbol: str
    price_precision: int
    quantity_precision: int


class BoundSummary(msgspec.Struct, frozen=True):
    """What a run comes to with one ``same_bar`` policy."""

    total_pnl: str
    end_capital: str
    total_trades: int
    max_drawdown: float


class BoundsSummary(msgspec.Struct, frozen=True):
    """The bounds as the result names them; ``pnl_interval`` is the lower and the higher total P&L."""

    stop_first: BoundSummary
    target_first: BoundSummary
    pnl_interval: tuple[str, str]


class ProvenanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where the candles of one instrument came from, see ``events.Provenance``; times are RFC 3339."""

    symbol: str
    kind: str
    source: str
    trust: str
    retrieved_at: str | None
    start_time: str | None
    end_time: str | None
    candles: int
    checksum: str


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first fields of a result document; ``instrument`` is None where there are several."""

    run_id: str
    status: str
    failure: Failure | None
    strategy: str
    strategy_version: str
    parameters: dict[str, str]
    symbol: str
    timeframe: str
    strategy_timeframe: str
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
    instrument: InstrumentSummary | None
    timing: Timing
    metrics: dict[str, MetricValue]
    data_issues: tuple[DataIssue, ...]
    execution_mode: str = "research"
    provenance: list[ProvenanceRow] = []
    open_positions: list[PositionRow]
    bounds: BoundsSummary | None


def make_head(started: RunStarted, ended: RunEnded, ending: Ending) -> Head:
    """Put a result's head together.

    Several symbols are joined by ``+``, several sources as well; candles are synthetic where any of them are.
    """
    metrics, period = ending.metrics, ending.period
    instruments = [market.instrument for market in started.markets]
    return Head(
        run_id=started.run_id,
        status=ended.status,
        failure=ended.failure,
        strategy=started.strategy,
        strategy_version=started.strategy_version,
        parameters=started.parameters,
        symbol="+".join(each.symbol for each in instruments),
        timeframe=started.timeframe,
        strategy_timeframe=started.strategy_timeframe,
        source="+".join(dict.fromkeys(market.source for market in started.markets)),
        synthetic=any(not market.path for market in started.markets),
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
        instrument=_instrument(instruments[0]) if len(instruments) == 1 else None,
        timing=ending.timing,
        metrics=metric_values(metrics),
        data_issues=ended.issues,
        execution_mode=started.execution_mode,
        provenance=[_provenance_row(each) for each in ended.provenance],
        open_positions=[position_row(each, started) for each in ending.open_positions],
        bounds=None if ending.bounds is None else _bounds(ending.bounds),
    )


def metric_values(metrics: Metrics) -> dict[str, MetricValue]:
    """Write metrics by name as a result has them: money as exact text, durations in hours, times as RFC 3339."""
    return {name: _metric(name, metrics) for name in METRICS}


def _provenance_row(found: Provenance) -> ProvenanceRow:
    def text(time: int | None) -> str | None:
        return None if time is None else format_time(time)

    return ProvenanceRow(
        symbol=found.symbol,
        kind=found.kind,
        source=found.source,
        trust=found.trust,
        retrieved_at=text(found.retrieved_at),
        start_time=text(found.start),
        end_time=text(found.end),
        candles=found.candles,
        checksum=found.checksum,
    )


def _instrument(instrument: Instrument) -> InstrumentSummary:
    return InstrumentSummary(instrument.symbol, instrument.price_precision, instrument.quantity_precision)


def _bounds(bounds: Bounds) -> BoundsSummary:
    def summary(found: Metrics) -> BoundSummary:
        return BoundSummary(
            total_pnl=format_money(found.total_pnl),
            end_capital=format_money(found.end_equity),
            total_trades=found.total_trades,
            max_drawdown=found.max_drawdown,
        )

    low, high = bounds.pnl_interval
    return BoundsSummary(
        summary(bounds.stop_first), summary(bounds.target_first), (format_money(low), format_money(high))
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
