"""From the first event of a run's log back to what it takes to do the run again."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec

from sptrader_stream.errors import DataError
from sptrader_stream.events import Market, RunStarted
from sptrader_stream.opening import is_series, open_source, stamp
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.sources.contract import DataPolicy
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.sources.names import NAMED, SYNTHETIC


class Remade(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the specification of a run that was made before.

    Attributes:
        strategy: compiled from the text and the overrides of then, with the user's own signals of today.
        markets: the instruments as they were declared then, their candles opened again.
        capital: money (10^-8).
        data_policy: what was to be done about findings in the candles.
        notes: what may be different, in words, one for each file that has changed; empty where nothing has.
    """

    strategy: StrategyPlan
    markets: tuple[MarketSpec, ...]
    capital: int
    data_policy: DataPolicy
    notes: tuple[str, ...]


def remake(started: RunStarted) -> Remade:
    """Open a run's strategy and candles again.

    Raises:
        DataError: a file of candles is not there any more, or cannot be read.
        StrategyError: the strategy does not compile any more, because a signal of the user's own is gone or different.
    """
    folder = None if started.signals_folder is None else Path(started.signals_folder)
    return Remade(
        strategy=compile_strategy(started.strategy_text, started.strategy_file, started.overrides, folder),
        markets=tuple(reopen(market, started) for market in started.markets),
        capital=started.start_capital,
        data_policy=cast("DataPolicy", started.data_policy),
        notes=tuple(filter(None, map(_difference, started.markets))),
    )


def reopen(market: Market, started: RunStarted) -> MarketSpec:
    """Open the candles of one instrument of a run again.

    Raises:
        DataError: the file or series is not there any more, or cannot be read.
    """
    if market.path not in ("", *NAMED) and not (Path(market.path).is_file() or is_series(Path(market.path))):
        raise DataError(
            f"the candles of run {started.run_id} came from {market.path}, which is not there any more: put it "
            "back, or run the strategy again with other candles"
        )
    source = open_source(
        market.path or SYNTHETIC,
        market.instrument,
        timeframe=started.timeframe,
        start=market.start,
        end=market.end,
        timezone=market.timezone,
    )
    return MarketSpec(market.instrument, source, market.start, market.end, market.timezone)


def _difference(market: Market) -> str | None:
    """Say so where a file is not the one that the run read, as far as its size and time tell."""
    if market.path in ("", *NAMED):
        return None
    size, modified = stamp(Path(market.path))
    if (size, modified) == (market.size, market.modified):
        return None
    if Path(market.path).is_dir():
        return f"{market.path} has changed since the run"
    return f"{market.path} has changed since the run: {market.size:,} bytes then, {size:,} now"
