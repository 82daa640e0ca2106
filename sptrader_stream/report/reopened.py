"""A run's candles, read again for its page; a page is still made where that cannot be done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.errors import DataError, UserError
from sptrader_stream.report.market import FEW, MOST, MarketChart, chart_market
from sptrader_stream.report.record import RunRecord
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.sources.contract import DataPolicy
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.store.remake import remake
from sptrader_stream.timeframes import parse_timeframe

_LEAST_CANDLES: Final = 2 * FEW


class Charts(msgspec.Struct, frozen=True):
    """The run's candles, read again.

    Attributes:
        plan: the strategy; None where the run could not be opened again.
        markets: by instrument; None where its candles could not be read again.
        notes: what the reader should know about that.
    """

    plan: StrategyPlan | None
    markets: Sequence[MarketChart | None]
    notes: Sequence[str]


def read_charts(record: RunRecord) -> Charts:
    """Read the run's candles again, with what the strategy's rules read; without them there is still a page."""
    started, period = record.started, record.period
    nothing = [None] * len(started.markets)
    if period is None:
        return Charts(None, nothing, ())
    try:
        remade = remake(started)
        most = max(_LEAST_CANDLES, MOST // len(remade.markets))
        timeframe = parse_timeframe(started.timeframe)
        markets = []
        for market in remade.markets:
            chunks = _accepted(market, remade.data_policy)
            markets.append(chart_market(remade.strategy, market.instrument, timeframe, chunks, period[1], most))
    except UserError as error:
        return Charts(None, nothing, (f"The chart has no candles and no indicators: {error}",))
    return Charts(
        remade.strategy, markets, tuple(f"{each}: the chart shows it as it is today." for each in remade.notes)
    )


def _accepted(market: MarketSpec, policy: DataPolicy) -> Iterator[ReadyCandles]:
    """The candles that the run accepted: a finding that blocks ended the run, too."""
    intake = Intake(market.source, market.instrument, policy)
    try:
        yield from ready_chunks(market.source, intake)
    except DataError:
        if intake.failure is None:
            raise
