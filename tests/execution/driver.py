"""Drives the position core as its actor does, batch by batch, and answers in the reference's terms."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

import numpy as np

from sptrader_stream.columns import Ints
from sptrader_stream.events import Candles, Decisions
from sptrader_stream.execution.core import OpenPosition, PositionCore
from sptrader_stream.execution.records import unpack
from sptrader_stream.execution.settings import ExecutionSettings
from tests.reference import Decision, Market, Moment, Result, Settlement, closes

NOTHING = Decision()


@dataclass
class CoreResult(Result):
    """The core's answers; ``cash`` has one value per batch, ``still_open`` is what the core says is open at the end."""

    still_open: list[OpenPosition] = field(default_factory=list)


def timestamps(markets: Sequence[Market]) -> list[int]:
    return sorted({candle.time for market in markets for candle in market.candles})


def cuts_by_timestamps(markets: Sequence[Market], sizes: Iterable[int]) -> Iterator[int]:
    """The last time of each batch, for batches of so many timestamps; the last batch takes what is left."""
    times = timestamps(markets)
    for done in accumulate(sizes):
        if done >= len(times):
            break
        yield times[done - 1]
    yield times[-1]


def cuts_by_rows(markets: Sequence[Market], size: int) -> Iterator[int]:
    """The last time of each batch as the feed cuts: where the first instrument reaches its ``size``-th candle."""
    times = [[candle.time for candle in market.candles] for market in markets]
    done = [0] * len(markets)
    while any(at < len(each) for at, each in zip(done, times, strict=True)):
        ends = [each[at + size - 1] for at, each in zip(done, times, strict=True) if at + size <= len(each)]
        cut = min(ends, default=max(each[-1] for each in times if each))
        yield cut
        done = [bisect_right(each, cut) for each in times]


def candles_of(markets: Sequence[Market], rows: Sequence[range], *, with_spread: bool) -> Candles:
    """A batch of rows as the feed publishes them, block by block."""
    batch = [market.candles[row] for market, part in zip(markets, rows, strict=True) for row in part]

    def column(name: str) -> Ints:
        return np.array([getattr(each, name) for each in batch], np.int64)

    return Candles(
        first=sum(part.start for part in rows),
        ends=list(accumulate(len(part) for part in rows)),
        time=column("time"),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume=np.zeros(len(batch)),
        spread=column("spread") if with_spread else None,
    )


def decisions_of(
    settings: ExecutionSettings, markets: Sequence[Market], closed: Sequence[Container[Moment]], rows: Sequence[range]
) -> Decisions:
    """What the rule matcher says of the batch: moments count from the start of each block, two for a row."""
    moments: list[int] = []
    decided: list[Decision] = []
    closing: list[int] = []
    ends, closes_ends = [], []
    for market, closes_of, part in zip(markets, closed, rows, strict=True):
        for row in part:
            for late in (True, False):
                number = 2 * (row - part.start) + (not late)
                decision = market.decisions.get(Moment(row, late), NOTHING)
                if decision.entries or decision.exits:
                    moments.append(number)
                    decided.append(decision)
                if Moment(row, late) in closes_of:
                    closing.append(number)
        ends.append(len(moments))
        closes_ends.append(len(closing))
    every_row_closes = settings.strategy_timeframe == settings.timeframe
    return Decisions(
        first=sum(part.start for part in rows),
        generated=0,
        ends=ends,
        moments=np.array(moments, np.int64),
        entries=np.array([each.entries for each in decided], np.uint32),
        exits=np.array([each.exits for each in decided], np.uint32),
        atr=np.array([each.atr for each in decided], np.int64) if uses_atr(settings) else None,
        closes=None if every_row_closes else np.array(closing, np.int64),
        closes_ends=[] if every_row_closes else closes_ends,
    )


def uses_atr(settings: ExecutionSettings) -> bool:
    targets = [target.distance for each in settings.instruments for target in each.targets]
    stops = [each.stop_loss for each in settings.instruments if each.stop_loss is not None]
    return any(each.kind == "atr" for each in (*targets, *stops))


def run_core(
    settings: ExecutionSettings,
    markets: Sequence[Market],
    cuts: Iterable[int] | None = None,
    end: Literal["end_of_data", "cancelled"] = "end_of_data",
) -> CoreResult:
    """Run the core over batches that end with the given times; one batch for none."""
    core, result = PositionCore(settings), CoreResult()
    times = [[candle.time for candle in market.candles] for market in markets]
    needed = any(each.spread is None for each in settings.instruments)
    # Where nobody asks for it the column may be there or not.
    with_spread = needed or sum(map(len, times)) % 2 == 0
    closed = [closes(settings, index, market.candles) for index, market in enumerate(markets)]
    done = [0] * len(markets)
    for cut in cuts_by_timestamps(markets, ()) if cuts is None else cuts:
        rows = [range(at, bisect_right(each, cut)) for at, each in zip(done, times, strict=True)]
        candles = candles_of(markets, rows, with_spread=with_spread)
        executed = core.process(candles, decisions_of(settings, markets, closed, rows))
        assert executed.time.tolist() == sorted(set(candles.time.tolist()))
        assert len(executed.equity) == len(executed.open_positions) == len(executed.time)
        result.events += unpack(executed.records)
        result.times += executed.time.tolist()
        result.equity += executed.equity.tolist()
        result.open_positions += executed.open_positions.tolist()
        result.cash.append(executed.cash)
        done = [part.stop for part in rows]
    settled = core.finish(end)
    if settled is not None:
        assert settled.time.tolist() == result.times[-1:]
        (equity,), (still_open,) = settled.equity.tolist(), settled.open_positions.tolist()
        result.settlement = Settlement(list(unpack(settled.records)), equity, settled.cash, still_open)
    result.still_open = core.open_positions()
    return result
