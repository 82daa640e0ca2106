"""Passes over the candles under a check: what signals, rules and positions say, batch by batch.

A pass calls the cores one after the other, as the pipeline's actors do, and keeps all that they said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import msgspec
import numpy as np

from sptrader_stream.columns import Codes, Floats, Ints
from sptrader_stream.events import Candles, Decisions, Signals
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.execution.records import RECORD_WIDTH
from sptrader_stream.execution.settings import ExecutionSettings
from sptrader_stream.instruments import Instrument
from sptrader_stream.resampling import builder_of, closes_of_rows
from sptrader_stream.research.check_history import History
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.rules.settings import execution_settings, plan_timeframes
from sptrader_stream.signals.engine import SignalEngine

BATCH = 8192

# For each instrument and timeframe of the plan the open times of its closed candles, nanoseconds since 1970 UTC.
Opens: TypeAlias = list[list[Ints]]

# The columns of ``Pass.decisions``.
MOMENT = 0
ENTRIES = 1
EXITS = 2


class Setup(msgspec.Struct, frozen=True):
    """What is checked.

    Attributes:
        plan: the strategy.
        instruments: those of the run, in order.
        timeframe: of the data, nanoseconds.
        settings: of the position core.
        timeframes: nanoseconds, those of the plan, the strategy's own first.
    """

    plan: StrategyPlan
    instruments: Sequence[Instrument]
    timeframe: int
    settings: ExecutionSettings
    timeframes: tuple[int, ...]


def make_setup(plan: StrategyPlan, instruments: Sequence[Instrument], timeframe: int, capital: int) -> Setup:
    """Resolve what is checked.

    Args:
        plan: the strategy.
        instruments: those of the run, in order.
        timeframe: of the data, nanoseconds.
        capital: to start with, money (10^-8).

    Raises:
        UserError: see :func:`execution_settings`.
    """
    return Setup(
        plan,
        instruments,
        timeframe,
        execution_settings(plan, instruments, timeframe, capital),
        tuple(plan_timeframes(plan, timeframe)),
    )


def candle_opens(setup: Setup, history: History) -> Opens:
    """Tell when the candles open that the signals see."""
    opens: Opens = []
    for instrument, candles in zip(setup.instruments, history.candles, strict=True):
        builders = [builder_of(setup.timeframe, each, instrument.session) for each in setup.timeframes]
        opens.append([candles.time if each is None else each.process(candles).time for each in builders])
    return opens


class Pass(msgspec.Struct, frozen=True):
    """What the cores said.

    Attributes:
        columns: for each instrument, a column for each operand of the plan.
        closes: for each instrument and timeframe of the plan, the moments at which candles closed: 2 * row + 1 at the
            close of a row, 2 * row just before it; rows are counted over the whole pass.
        decisions: for each instrument a row per moment with a decision: moment, entries, exits, average true range.
        records: a row per event of execution.
        equity: money (10^-8), per timestamp.
        open_positions: per timestamp.
    """

    columns: list[list[Floats | Codes]]
    closes: list[list[Ints]]
    decisions: list[Ints]
    records: Ints
    equity: Ints
    open_positions: Ints


def evenly(size: int, batch: int = BATCH) -> list[int]:
    """Where batches of so many timestamps end."""
    return [*range(batch, size, batch), size]


def run_pass(setup: Setup, history: History, ends: Iterable[int]) -> Pass:
    """Run all cores from their beginning.

    Args:
        setup: the strategy.
        history: the candles.
        ends: where batches end, rising, in timestamps; what lies behind the last is not looked at.

    Raises:
        SignalError: a user's own signal failed.
        AmountError: an amount leaves the exact range.
    """
    engine = SignalEngine(setup.plan, setup.instruments, setup.timeframe)
    matcher = RuleMatcher(setup.plan, setup.instruments)
    core = PositionCore(setup.settings)
    markets = [_Market(len(setup.plan.operands), len(setup.timeframes)) for _ in setup.instruments]
    records, equity, open_positions = [], [], []
    for start, end in pairwise((0, *ends)):
        candles = history.batch(start, end)
        signals = engine.process(candles)
        decisions = matcher.process(signals)
        executed = core.process(candles, decisions)
        for index, market in enumerate(markets):
            market.take(index, candles, signals, decisions)
        records.append(executed.records)
        equity.append(executed.equity)
        open_positions.append(executed.open_positions.astype(np.int64))
    return Pass(
        columns=[market.joined_columns() for market in markets],
        closes=[[np.concatenate(pieces) for pieces in market.closes] for market in markets],
        decisions=[np.concatenate(market.decisions) for market in markets],
        records=np.concatenate(records).reshape(-1, RECORD_WIDTH),
        equity=np.concatenate(equity),
        open_positions=np.concatenate(open_positions),
    )


class _Market:
    """Collects what is said of one instrument."""

    def __init__(self, operands: int, timeframes: int) -> None:
        self.columns: list[list[Any]] = [[] for _ in range(operands)]
        self.closes: list[list[Ints]] = [[] for _ in range(timeframes)]
        self.decisions: list[Ints] = []
        self._rows = 0

    def take(self, index: int, candles: Candles, signals: Signals, decisions: Decisions) -> None:
        rows = candles.ends[index] - (candles.ends[index - 1] if index else 0)
        found = signals.instruments[index]
        for pieces, column in zip(self.columns, found.columns, strict=True):
            pieces.append(column)
        for moments, closed in zip(self.closes, found.closes or [closes_of_rows(rows)], strict=True):
            moments.append(closed + 2 * self._rows)
        own = slice(decisions.ends[index - 1] if index else 0, decisions.ends[index])
        decided = decisions.moments[own]
        ranges = np.zeros(len(decided), np.int64) if decisions.atr is None else decisions.atr[own]
        table = (decided + 2 * self._rows, decisions.entries[own], decisions.exits[own], ranges)
        self.decisions.append(np.column_stack([column.astype(np.int64) for column in table]))
        self._rows += rows

    def joined_columns(self) -> list[Floats | Codes]:
        return [np.concatenate(pieces) for pieces in self.columns]
