"""A run's candles, read again for its page; a page is still made where that cannot be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from sptrader_stream.errors import UserError
from sptrader_stream.execution.settings import InstrumentSettings
from sptrader_stream.report.market import FEW, MOST, MarketChart, chart_market
from sptrader_stream.rules.settings import execution_settings
from sptrader_stream.store.remake import CandlesAgain, remake
from sptrader_stream.store.runs import RunRecord
from sptrader_stream.timeframes import parse_timeframe

_LEAST_CANDLES: Final = 2 * FEW


class Charts(msgspec.Struct, frozen=True):
    """The run's candles, read again.

    Attributes:
        settings: by instrument, how orders were filled; None where the run could not be opened again.
        markets: by instrument; None where its candles could not be read again.
        notes: what the reader should know about that.
    """

    settings: Sequence[InstrumentSettings | None]
    markets: Sequence[MarketChart | None]
    notes: Sequence[str]


def read_charts(record: RunRecord) -> Charts:
    """Read the run's candles again, with what the strategy's rules read; without them there is still a page."""
    started = record.started
    nothing = [None] * len(started.markets)
    if record.period is None:
        return Charts(nothing, nothing, ())
    try:
        remade = remake(started)
        most = max(_LEAST_CANDLES, MOST // len(remade.markets))
        timeframe = parse_timeframe(started.timeframe)
        instruments = [market.instrument for market in remade.markets]
        settings = execution_settings(remade.strategy, instruments, timeframe, remade.capital)
        markets, notes = [], []
        for number, instrument in enumerate(instruments):
            candles = CandlesAgain(record, remade, number)
            markets.append(chart_market(remade.strategy, instrument, timeframe, candles.chunks(), most))
            notes.append(candles.difference())
    except UserError as error:
        return Charts(nothing, nothing, (f"The chart has no candles and no indicators: {error}",))
    return Charts(
        settings.instruments, markets, [f"{each}: the chart shows what there is today." for each in notes if each]
    )
