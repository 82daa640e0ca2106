"""What a run's log says of what was asked for, and of where its candles came from."""

from __future__ import annotations

from pathlib import Path

from actors.spec import RunSpec
from sptrader_stream.columns import Ints
from sptrader_stream.errors import UserError
from sptrader_stream.events import Market, Provenance, RunStarted
from sptrader_stream.execution.settings import ExecutionSettings
from sptrader_stream.opening import stamp
from sptrader_stream.rules.settings import strategy_timeframe
from sptrader_stream.sources import digest
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.sources.names import DATABASE, HTTP
from sptrader_stream.timeframes import format_timeframe, parse_timeframe

# What stands for a path where a source is no file, to be opened again.
_NAMES = {"database": DATABASE, "http": HTTP}


def data_timeframe(spec: RunSpec) -> int:
    """Give the length of the run's candles, nanoseconds.

    Raises:
        UserError: there is no market, an instrument is there twice, or the timeframes differ.
    """
    if not spec.markets:
        raise UserError("a run needs an instrument and its candles")
    symbols = [market.instrument.symbol for market in spec.markets]
    twice = next((each for each in symbols if symbols.count(each) > 1), None)
    if twice is not None:
        raise UserError(f"{twice} is given twice: an instrument's candles come from one source")
    infos = [market.source.info for market in spec.markets]
    lengths = {parse_timeframe(info.timeframe) for info in infos}
    if len(lengths) > 1:
        found = ", ".join(f"{info.timeframe} for {info.symbol} ({info.name})" for info in infos)
        raise UserError(
            f"the candles of a run are of one timeframe, these are not: {found}: give candles of the same timeframe "
            "for all; a coarser one for the rules is the strategy's `timeframe`"
        )
    return lengths.pop()


def span(spec: RunSpec) -> tuple[int, int] | None:
    """Give the open times of the first and last candle, nanoseconds since 1970, where every source knows its own."""
    infos = [market.source.info for market in spec.markets]
    starts = [info.start for info in infos if info.start is not None]
    ends = [info.end for info in infos if info.end is not None]
    return (min(starts), max(ends)) if len(starts) == len(ends) == len(infos) else None


def check_spreads(spec: RunSpec, settings: ExecutionSettings) -> None:
    """Make sure that candles say their spread where fills depend on it.

    Raises:
        UserError: a source has none; names it.
    """
    for market, instrument in zip(spec.markets, settings.instruments, strict=True):
        info = market.source.info
        if instrument.spread is None and not info.has_spread:
            raise UserError(
                f"{info.name}: the candles of {info.symbol} have no column `spread`, and fills are to use each "
                "candle's own (`spread: data`): add the column, or give `execution.spread` in ticks"
            )


def describe(spec: RunSpec) -> RunStarted:
    """Write a run's specification down.

    Raises:
        UserError: the run is not possible; see :func:`data_timeframe` and ``strategy_timeframe``.
    """
    plan, timeframe = spec.strategy, data_timeframe(spec)
    return RunStarted(
        run_id=spec.run_id,
        strategy=plan.name,
        strategy_version=plan.version,
        strategy_digest=plan.digest,
        strategy_file=plan.file,
        strategy_text=plan.text,
        overrides=dict(plan.overrides),
        parameters=dict(plan.parameters),
        signals_folder=None if plan.signals_folder is None else str(Path(plan.signals_folder).absolute()),
        markets=[_market(each) for each in spec.markets],
        timeframe=spec.markets[0].source.info.timeframe,
        strategy_timeframe=format_timeframe(strategy_timeframe(plan, timeframe)),
        start_capital=spec.capital,
        entry_rules=[rule.name for rule in plan.entries],
        exit_rules=[rule.name for rule in plan.exits],
        data_policy={str(kind): policy for kind, policy in spec.data_policy.items()},
        execution_mode=spec.execution_mode,
    )


def provenance_of(market: MarketSpec, seen: Ints) -> Provenance:
    """Tell where an instrument's candles came from.

    Args:
        market: the instrument and its source.
        seen: the state of ``sources.digest`` behind the last candle.
    """
    info = market.source.info
    count = int(seen[digest.COUNT])
    return Provenance(
        symbol=info.symbol,
        kind=info.kind,
        source=info.name,
        trust=info.trust,
        retrieved_at=info.retrieved_at,
        start=int(seen[digest.FIRST]) if count else None,
        end=int(seen[digest.LAST]) if count else None,
        candles=count,
        checksum=digest.checksum(seen),
    )


def _market(market: MarketSpec) -> Market:
    info = market.source.info
    path = Path(info.name).absolute() if info.kind in ("parquet", "csv", "catalog") and not info.synthetic else None
    size, modified = stamp(path) if path is not None and path.exists() else (0, 0)
    return Market(
        instrument=market.instrument,
        source=info.name,
        path=str(path) if path is not None else _NAMES.get(info.kind, ""),
        size=size,
        modified=modified,
        start=market.start,
        end=market.end,
        timezone=market.timezone,
    )
