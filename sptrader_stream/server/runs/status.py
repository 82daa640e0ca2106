"""The status of a run that was just taken on."""

from __future__ import annotations

from datetime import UTC, datetime

from actors.spec import RunSpec
from sptrader_stream.money import format_money
from sptrader_stream.pace import Pace
from sptrader_stream.server.documents import RunStatus
from sptrader_stream.sources.contract import ExecutionMode


def moment_text(moment: datetime) -> str:
    """Write a moment as RFC 3339 text, UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def first_status(spec: RunSpec, mode: ExecutionMode, pace: Pace, now: datetime) -> RunStatus:
    """Describe a run that was just taken on."""
    infos = [market.source.info for market in spec.markets]
    rows = [info.rows for info in infos]
    capital = format_money(spec.capital)
    return RunStatus(
        backtest_id=spec.run_id,
        status="queued",
        strategy=spec.strategy.name,
        strategy_version=spec.strategy.version,
        symbols=[market.instrument.symbol for market in spec.markets],
        timeframe=infos[0].timeframe,
        sources=list(dict.fromkeys(info.name for info in infos)),
        synthetic=any(info.synthetic for info in infos),
        execution_mode=mode,
        created_at=moment_text(now),
        started_at=None,
        ended_at=None,
        queue_position=None,
        pace=str(pace),
        progress_pct=0.0,
        start_capital=capital,
        current_capital=capital,
        open_positions=0,
        trades_count=0,
        candles=0,
        total_candles=None if None in rows else sum(each for each in rows if each is not None),
        candles_per_second=0.0,
        time=None,
        next_seq=0,
        failure=None,
        fingerprint=None,
        data_issues=[],
    )
