"""Why a run traded or did not: its rules at one candle with what came of them, and the candles that came closest.

Everything is found again from the run's journal and its candles, so that a run itself keeps nothing for it. Memory does
not grow with the run: candles pass through the signals once, and only the last few are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import msgspec
import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.errors import UserError
from sptrader_stream.execution.records import ExecutionEvent
from sptrader_stream.execution.settings import ATR_DIGITS, ExecutionSettings
from sptrader_stream.instruments import Instrument
from sptrader_stream.research.candle_events import CandleEvents, divided, open_positions, read_candle_events
from sptrader_stream.research.levels import HeldPosition, Watch, held_position, see
from sptrader_stream.research.near import RANGE, Nearest, NearestCandles
from sptrader_stream.research.outcomes import Outcome, Outcomes
from sptrader_stream.research.windows import StrategyCandle, Window, Windows
from sptrader_stream.rules.conditions import Condition
from sptrader_stream.rules.explain import Explained, Explainer
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.rules.truths import TRUE, lookback, truths
from sptrader_stream.timeframes import format_time, format_timeframe

# A higher timeframe's candle may close after the strategy's own last one of a chunk; one more is needed then.
_KEPT_BESIDE = 2


class RunToExplain(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over.

    Attributes:
        plan: its strategy, compiled again.
        instruments: what it traded, in order.
        settings: how it filled its orders.
        period: open times of its first and last data candle.
        events: reads its execution events from the start.
    """

    plan: StrategyPlan
    instruments: Sequence[Instrument]
    settings: ExecutionSettings
    period: tuple[int, int]
    events: Callable[[], Iterable[ExecutionEvent]]


class RuleExplained(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule at one candle; ``outcome`` says what came of it where it was met."""

    rule: str
    condition: Explained
    outcome: Outcome | None = None


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument at one time.

    Attributes:
        symbol: the instrument.
        time: what was asked for, RFC 3339, like all times.
        timeframe: of the strategy.
        open, close: of the strategy's candle that closed last.
        place: how that candle and the time lie to each other, in words.
        entries, exits: the rules at that candle.
        happened: the exits in the candle and those decided at its close, in order.
        positions: what was open after the last data candle that had closed by the time asked for, oldest first.
    """

    symbol: str
    time: str
    timeframe: str
    open: str
    close: str
    place: str
    entries: list[RuleExplained]
    exits: list[RuleExplained]
    happened: list[Outcome]
    positions: list[HeldPosition]


def explain_candle(run: RunToExplain, number: int, chunks: Iterator[ReadyCandles], time: int) -> Why:
    """Explain the rules at the candle of the strategy's timeframe that closed last.

    Args:
        run: what to explain.
        number: the instrument's index in the run.
        chunks: its candles, from the start of the run; read no further than needed.
        time: nanoseconds since 1970 UTC.

    Raises:
        UserError: the time is not in the run's period, or no candle had closed by then.
    """
    _check_period(run, time)
    plan, instrument, settings = run.plan, run.instruments[number], run.settings
    until = time - settings.timeframe
    watches = [Watch(each, each.opened.price) for each in open_positions(run.events(), number, until)]
    windows = Windows(plan, instrument, settings.timeframe, _deepest(plan) + _KEPT_BESIDE)
    window = None
    for chunk in chunks:
        window = windows.add(chunk)
        for watch in watches:
            _follow(watch, run, number, window, until)
        if int(chunk.time[-1]) > time:
            break
    row = None if window is None else window.last_closed(time)
    if window is None or row is None:
        raise UserError(
            f"no {format_timeframe(settings.strategy_timeframe)} candle of {instrument.symbol} had closed by "
            f"{format_time(time)}: the run begins at {format_time(run.period[0])}"
        )
    candle = window.candle(row)
    fills = candle.decided if settings.fill == "close" else candle.fills
    outcomes = Outcomes(
        instrument,
        candle,
        fills,
        _around(run, number, window, candle, fills),
        entries=settings.instruments[number].entries,
        at_close=settings.fill == "close",
        session=settings.session,
    )
    return Why(
        symbol=instrument.symbol,
        time=format_time(time),
        timeframe=format_timeframe(settings.strategy_timeframe),
        open=format_time(candle.open),
        close=format_time(candle.close),
        place=_place(candle, time),
        entries=[
            _explained(plan, rule.name, rule.condition, window, row, partial(outcomes.entry, index))
            for index, rule in enumerate(plan.entries)
        ],
        exits=[_explained(plan, rule.name, rule.condition, window, row, outcomes.exit) for rule in plan.exits],
        happened=outcomes.exits(),
        positions=[
            held_position(watch, number, plan.entries[watch.holding.opened.rule].name, settings, instrument)
            for watch in watches
        ],
    )


def _explained(
    plan: StrategyPlan, name: str, condition: Condition, window: Window, row: int, outcome: Callable[[], Outcome]
) -> RuleExplained:
    found = Explainer(plan).explain(condition, window.frame, row)
    return RuleExplained(rule=name, condition=found, outcome=outcome() if found.met else None)


def _around(run: RunToExplain, number: int, window: Window, candle: StrategyCandle, fills: int | None) -> CandleEvents:
    found = read_candle_events(run.events(), number, candle, fills)
    rows = np.flatnonzero(window.decided == candle.decided)
    if run.settings.fill != "close" or len(rows) < 2:
        return found

    def met(conditions: list[Condition]) -> list[int]:
        return [k for k, each in enumerate(conditions) if truths(each, window.frame)[rows[0]] == TRUE]

    late_entries = met([rule.condition for rule in run.plan.entries])
    late_exits = met([rule.condition for rule in run.plan.exits])
    return divided(found, candle, late_entries, bool(late_exits))


def nearest_candles(run: RunToExplain, number: int, chunks: Iterator[ReadyCandles], most: int) -> list[Nearest]:
    """List the candles at which an entry rule came closest to being met (see ``research.near``), the nearest first.

    Args:
        run: what to explain.
        number: the instrument's index in the run.
        chunks: its candles, from the start of the run.
        most: how many to list.
    """
    nearest = NearestCandles(run.plan.entries, Explainer(run.plan), most)
    keep = _deepest(run.plan) + RANGE + _KEPT_BESIDE
    windows = Windows(run.plan, run.instruments[number], run.settings.timeframe, keep)
    for chunk in chunks:
        nearest.add(windows.add(chunk))
    return nearest.result()


def _deepest(plan: StrategyPlan) -> int:
    conditions = [*(rule.condition for rule in plan.entries), *(rule.condition for rule in plan.exits)]
    return max(map(lookback, conditions), default=0)


def _check_period(run: RunToExplain, time: int) -> None:
    first, end = run.period[0], run.period[1] + run.settings.timeframe
    if not first <= time <= end:
        raise UserError(
            f"{format_time(time)} is not in the period of the run, which is from {format_time(first)} to "
            f"{format_time(end)}"
        )


def _place(candle: StrategyCandle, time: int) -> str:
    length = candle.close - candle.open
    if time == candle.close:
        found = "it closed at that very time"
    elif time < candle.close + length:
        found = "the candle after it had not closed by then"
    else:
        found = "no other candle closed between its close and the time: the data has a gap there"
    if candle.late:
        came = format_time(candle.decided)
        found += f"; the data has no candle at its end, so that it was decided on when the next one came, {came}"
    return found


def _follow(watch: Watch, run: RunToExplain, number: int, window: Window, until: int) -> None:
    """Let an open position see a window's candles, and find the decision that it came from."""
    fill, at_close, chunk = watch.holding.opened, run.settings.fill == "close", window.chunk
    if chunk.time[0] <= fill.time <= chunk.time[-1]:
        met = truths(run.plan.entries[fill.rule].condition, window.frame) == TRUE
        rows = np.flatnonzero(((window.decided if at_close else window.fills) == fill.time) & met)
        # Candles that are not those of the run any more may not lead to the entry.
        if len(rows):
            watch.from_open = not at_close or window.candle(int(rows[-1])).late
            if run.plan.atr is not None:
                value = float(window.frame.columns[run.plan.atr][rows[-1]])
                watch.atr = _average_range(value, run.instruments[number])
    start = fill.time if watch.from_open else fill.time + 1
    see(watch, chunk, start, until, run.settings.instruments[number].spread)


def _average_range(value: float, instrument: Instrument) -> int | None:
    """An average true range as decisions carry it (see ``events.Decisions``), None where it is undefined."""
    return None if np.isnan(value) else int(np.rint(value * 10.0 ** (instrument.price_precision + ATR_DIGITS)))
