"""From the first event of a run's log back to what it takes to do the run again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec

from sptrader_stream.candles import ReadyCandles, up_to
from sptrader_stream.errors import DataError
from sptrader_stream.events import Market, RunStarted
from sptrader_stream.opening import is_series, open_source, stamp
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.sources import digest
from sptrader_stream.sources.contract import DataPolicy
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.sources.names import NAMED, SYNTHETIC
from sptrader_stream.store.runs import RunRecord


class Remade(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the specification of a run that was made before.

    Attributes:
        strategy: compiled from the text and the overrides of then, with the user's own signals of today.
        markets: the instruments as they were declared then, their candles opened again.
        capital: money (10^-8).
        data_policy: what was to be done about findings in the candles.
        notes: by market, in words: that its file is another one than then, as far as its size and time tell; None
            where it is not, and where there is none.
    """

    strategy: StrategyPlan
    markets: tuple[MarketSpec, ...]
    capital: int
    data_policy: DataPolicy
    notes: tuple[str | None, ...]


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
        notes=tuple(map(_difference, started.markets)),
    )


class CandlesAgain:
    """The candles of one instrument of a run, read once more, and whether they are those that the run saw.

    Args:
        record: the run.
        remade: the same, opened again.
        number: the instrument's index in the run.
    """

    def __init__(self, record: RunRecord, remade: Remade, number: int) -> None:
        self._market = remade.markets[number]
        self._policy = remade.data_policy
        self._note = remade.notes[number]
        self._period = record.period
        symbol = self._market.instrument.symbol
        self._then = next((each.checksum for each in record.head.provenance if each.symbol == symbol), None)
        self._now = digest.new_state()

    def chunks(self) -> Iterator[ReadyCandles]:
        """Read up to the last candle of the run; behind it may lie what ended it.

        Raises:
            DataError: the source cannot be read on.
        """
        chunks = self._market.candles(self._policy)
        for chunk in chunks if self._period is None else up_to(chunks, self._period[1]):
            digest.add(chunk, self._now)
            yield chunk

    def difference(self) -> str | None:
        """Say so where they are other ones, once they were read to the end."""
        if self._then is None:
            return self._note
        if self._then == digest.checksum(self._now):
            return None
        info = self._market.source.info
        return f"the candles of {info.symbol} that {info.name} has now are not those that the run saw"


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
