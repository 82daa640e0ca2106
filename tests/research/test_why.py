"""Why a run traded or did not: truths as the run had them, outcomes as the journal and the position core tell them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.errors import UserError
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.execution.records import ExecutionEvent, Fill, Halt, Rejection, Trade, unpack
from sptrader_stream.research.why import RunToExplain, Why, explain_candle
from sptrader_stream.research.windows import Windows
from sptrader_stream.rules.loader import load_strategy
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.rules.truths import TRUE, truths
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.timeframes import DAY, MINUTE, format_time
from tests.research.support import EURUSD, MONEY, batch_of, candles_of, in_chunks, plan_of, run_of, synthetic_candles

SHIPPED = sorted((Path(__file__).parents[2] / "strategies").glob("*.yaml"))
TWO_TIMEFRAMES = """
name: two
timeframe: 3m
entry:
  when:
    - tf: 15m
      any: [{expr: close > ema(4)}, {expr: "crosses_below(close, shift(close, 2))"}]
    - not: {expr: 'close < shift(open, 1)'}
  action: buy
  size: 0.1
exit:
  signal_exit: {when: [{tf: 6m, expr: close < open}], action: close_all}
"""


def own_timeframe(plan: StrategyPlan, timeframe: str | None) -> StrategyPlan:
    import msgspec

    return msgspec.structs.replace(plan, timeframe=timeframe)


@pytest.mark.parametrize("size", [1, 50, 8192])
@pytest.mark.parametrize(
    "plan",
    [own_timeframe(load_strategy(file), "2m") for file in SHIPPED]
    + [own_timeframe(load_strategy(SHIPPED[0]), None), plan_of(TWO_TIMEFRAMES)],
    ids=lambda plan: f"{plan.name}-{plan.timeframe}",
)
def test_a_rule_is_true_where_the_run_met_it_and_nowhere_else(plan: StrategyPlan, size: int) -> None:
    candles = synthetic_candles(400 if size == 1 else 3000, missing=0.2)
    batch = batch_of(candles)
    signals = SignalEngine(plan, [EURUSD], MINUTE).process(batch)
    decisions = RuleMatcher(plan, [EURUSD]).process(signals)
    expected = {
        (int(moment), kind, rule)
        for kind, masks in (("entry", decisions.entries), ("exit", decisions.exits))
        for moment, mask in zip(decisions.moments, masks, strict=True)
        for rule in range(32)
        if mask >> rule & 1
    }
    conditions = {
        "entry": [rule.condition for rule in plan.entries],
        "exit": [rule.condition for rule in plan.exits],
    }
    found = set()
    windows = Windows(plan, EURUSD, MINUTE, 100)
    for chunk in in_chunks(candles, size):
        window = windows.add(chunk)
        for kind, rules in conditions.items():
            for number, condition in enumerate(rules):
                rows = np.flatnonzero(truths(condition, window.frame)[window.fresh :] == TRUE) + window.fresh
                found |= {(int(window.moments[0][row]), kind, number) for row in rows}
    assert found == expected


def test_a_candle_knows_when_it_closed_and_where_its_decisions_go() -> None:
    """Candles of three minutes; the data lacks the minutes 5, 6, 7 and 11 to 14."""
    minutes = [0, 1, 2, 3, 4, 8, 9, 10, 15, 16, 17]
    candles = candles_of([100_000] * len(minutes), times=[minute * MINUTE for minute in minutes])
    plan = plan_of("name: s\ntimeframe: 3m\nentry: {when: [{expr: close > 2}], action: buy, size: 0.1}\n")
    for size in (1, 2, 100):
        windows = Windows(plan, EURUSD, MINUTE, 10)
        for chunk in in_chunks(candles, size):
            window = windows.add(chunk)
        found = [window.candle(row) for row in range(len(window.decided))]
        assert [
            tuple(None if each is None else each // MINUTE for each in (c.open, c.close, c.last, c.decided, c.fills))
            for c in found
        ] == [(0, 3, 2, 2, 3), (3, 6, 4, 8, 8), (6, 9, 8, 8, 9), (9, 12, 10, 15, 15), (15, 18, 17, 17, None)]
        assert [each.late for each in found] == [False, True, False, True, False]


LEVELS = """
name: levels
entry:
  when: [{expr: close > 1.1}]
  action: buy
  size: 0.1
exit:
  signal_exit: {name: out, when: [{expr: close < 1.05}], action: close_all}
"""


def fill(time: int, **others: Any) -> Fill:
    given: dict[str, Any] = {
        "candle": 0, "instrument": 0, "position": 1, "rule": 0, "side": 1, "price": 110_000, "quantity": 50,
        "commission": 0, "reason": "entry",
    }  # fmt: skip
    return Fill(time=time * MINUTE, **{**given, **others})


def trade(time: int, **others: Any) -> Trade:
    given: dict[str, Any] = {
        "candle": 0, "instrument": 0, "position": 1, "rule": 0, "side": 1, "entry_candle": 0, "entry_time": 0,
        "entry_price": 110_000, "price": 105_000, "quantity": 50, "commission": 0, "pnl": -250 * MONEY,
        "best": 110_000, "worst": 105_000, "reason": "signal",
    }  # fmt: skip
    return Trade(time=time * MINUTE, **{**given, **others})


def rejection(time: int, reason: Any, **others: Any) -> Rejection:
    given: dict[str, Any] = {"candle": 0, "instrument": 0, "rule": 0, "side": 1, "price": 112_000, "quantity": 7}
    return Rejection(time=time * MINUTE, reason=reason, **{**given, **others})


def halt(time: int, reason: Any) -> Halt:
    return Halt(candle=0, time=time * MINUTE, equity=0, reference=0, reason=reason)


def explained(text: str, closes: list[int], minute: float, *events: ExecutionEvent) -> Why:
    plan, candles = plan_of(text), candles_of(closes)
    return explain_candle(run_of(plan, candles, events), 0, in_chunks(candles, 2), int(minute * MINUTE))


CLOSES = [100_000, 112_000, 113_000, 104_000, 100_000]
# The rule is met at the close of the second candle, minute 2, and fills at the open of the third.
ENTRIES: list[tuple[str, list[ExecutionEvent], str, str | None]] = [
    ("filled", [fill(2)], "filled", None),
    ("its size was too small", [rejection(1, "below_minimum")], "rejected", "below_minimum"),
    ("no money at the fill", [rejection(2, "insufficient_funds")], "rejected", "insufficient_funds"),
    ("a halt between, by another instrument", [rejection(2, "halted")], "rejected", "halted"),
    ("an older decision was rejected at that open", [rejection(1, "insufficient_funds"), fill(2)], "filled", None),
    ("the next decision was rejected", [fill(1), rejection(2, "below_minimum")], "skipped", "position_open"),
    ("another rule was rejected", [rejection(1, "below_minimum", rule=1), fill(2)], "filled", None),
    ("another instrument was rejected", [rejection(1, "below_minimum", instrument=1), fill(2)], "filled", None),
    ("a position was open", [fill(1)], "skipped", "position_open"),
    ("a part of it was left", [fill(1), trade(2, quantity=49)], "skipped", "position_open"),
    ("it was closed only inside the candle", [fill(1), trade(2, reason="stop_loss")], "skipped", "position_open"),
    ("it was closed before", [fill(0), trade(1, reason="stop_loss"), fill(2, position=2)], "filled", None),
    ("a short was open", [fill(1, side=-1)], "skipped", "other_side"),
    ("a rule before it entered", [fill(2, rule=1)], "unknown", None),
    ("the run is halted", [halt(1, "max_drawdown")], "skipped", "max_drawdown"),
    ("the day is halted", [halt(0, "daily_loss")], "skipped", "daily_loss"),
    ("the halt came later", [fill(2), halt(2, "max_drawdown")], "filled", None),
]


@pytest.mark.parametrize(("events", "kind", "reason"), [each[1:] for each in ENTRIES], ids=[e[0] for e in ENTRIES])
def test_an_entry_is_told_by_the_journal(events: list[ExecutionEvent], kind: str, reason: str | None) -> None:
    (rule,) = explained(LEVELS, CLOSES, 2, *events).entries
    assert rule.condition.met is True
    assert rule.outcome is not None
    assert (rule.outcome.kind, rule.outcome.reason) == (kind, reason)


def test_an_outcome_tells_amounts_and_positions() -> None:
    (rule,) = explained(LEVELS, CLOSES, 2, fill(2, price=112_345, commission=MONEY // 2)).entries
    assert rule.outcome is not None
    assert rule.outcome.message == (
        "filled: position 1, 50 long at 1.12345 in the candle of 1970-01-01T00:02:00Z, commission 0.50"
    )
    (rule,) = explained(LEVELS, CLOSES, 2, rejection(1, "below_minimum")).entries
    assert rule.outcome is not None
    assert (rule.outcome.price, rule.outcome.quantity) == ("1.12000", "7")
    (rule,) = explained(LEVELS, CLOSES, 2, fill(1, position=8)).entries
    assert rule.outcome is not None
    assert rule.outcome.message == "skipped: a position is open (position 8, long since 1970-01-01T00:01:00Z)"
    assert rule.outcome.positions == (8,)


def test_scaling_in_stops_at_the_most_positions() -> None:
    text = LEVELS.replace("size: 0.1", "size: 0.1\n  scale_in: true\n  max_positions: 2")
    full: list[ExecutionEvent] = [fill(0), fill(1, position=2)]
    outcomes = [
        explained(text, CLOSES, 2, *events).entries[0].outcome
        for events in (full, [*full, trade(2), fill(2, position=3)])
    ]
    assert [each and (each.kind, each.reason) for each in outcomes] == [("skipped", "max_positions"), ("filled", None)]


def test_a_daily_halt_ends_with_the_day() -> None:
    plan = plan_of(LEVELS)
    candles = candles_of([100_000, 112_000, 112_000], times=[DAY - 2 * MINUTE, DAY, DAY + MINUTE])
    first: list[ExecutionEvent] = [Halt(candle=0, time=DAY - 2 * MINUTE, equity=0, reference=0, reason="daily_loss")]
    outcomes = [
        explain_candle(run_of(plan, candles, events), 0, in_chunks(candles, 9), DAY + MINUTE).entries[0].outcome
        for events in (first, [*first, fill(DAY // MINUTE + 1)])
    ]
    # The halt of the day before says nothing about this one: without a fill, nothing does.
    assert [each and each.kind for each in outcomes] == ["unknown", "filled"]


def test_what_is_decided_at_the_last_candle_waits() -> None:
    found = explained(LEVELS, CLOSES[:3], 3, fill(2))
    assert found.entries[0].outcome is not None
    assert found.entries[0].outcome.kind == "waits"
    out = explained(LEVELS, CLOSES[:4], 4, fill(2), trade(3, reason="end_of_data")).exits[0].outcome
    assert out is not None
    assert out.kind == "waits"


def test_an_exit_is_told_by_the_journal() -> None:
    events: list[ExecutionEvent] = [fill(2), trade(4)]
    found = explained(LEVELS, CLOSES, 4, *events)
    (rule,) = found.exits
    assert (rule.rule, rule.condition.met) == ("out", True)
    assert rule.outcome is not None
    assert (rule.outcome.kind, rule.outcome.positions) == ("closed", (1,))
    assert [(each.reason, each.price, each.pnl) for each in found.happened] == [("signal", "1.05000", "-250.00")]
    (rule,) = explained(LEVELS, CLOSES, 4).exits
    assert rule.outcome is not None
    assert rule.outcome.kind == "nothing_open"
    (rule,) = explained(LEVELS, CLOSES, 4, fill(2), trade(4, reason="max_drawdown")).exits
    assert rule.outcome is not None
    assert "max_drawdown" in rule.outcome.message


def test_a_stop_inside_the_candle_is_shown_with_what_it_assumes() -> None:
    found = explained(LEVELS, CLOSES, 3, fill(1), trade(2, reason="stop_loss", assumption="gap"), fill(3, position=2))
    assert [(each.reason, each.time) for each in found.happened] == [("stop_loss", format_time(2 * MINUTE))]
    assert "assumes gap" in found.happened[0].message


@pytest.mark.parametrize(
    ("minute", "opened", "place"),
    [
        (2, 1, "it closed at that very time"),
        (2.5, 1, "the candle after it had not closed by then"),
        (5, 4, "it closed at that very time"),
    ],
)
def test_the_candle_is_the_one_that_closed_last(minute: float, opened: int, place: str) -> None:
    found = explained(LEVELS, CLOSES, minute)
    assert (found.open, found.place) == (format_time(opened * MINUTE), place)


def test_a_time_in_a_gap_shows_the_candle_before_it() -> None:
    plan = plan_of(LEVELS.replace("name: levels", "name: levels\ntimeframe: 2m"))
    candles = candles_of([112_000] * 4, times=[0, MINUTE, 2 * MINUTE, 20 * MINUTE])
    run = run_of(plan, candles)
    found = [explain_candle(run, 0, in_chunks(candles, 1), minute * MINUTE) for minute in (3, 4, 19)]
    assert [each.open for each in found] == [format_time(minute * MINUTE) for minute in (0, 2, 2)]
    assert "so that it was decided on when the next one came, 1970-01-01T00:20:00Z" in found[1].place
    assert found[2].place.startswith("no other candle closed between its close and the time")


@pytest.mark.parametrize("minute", [-1, 6, 5.5])
def test_a_time_outside_of_the_run_is_refused(minute: float) -> None:
    with pytest.raises(UserError, match="from 1970-01-01T00:00:00Z to 1970-01-01T00:05:00Z"):
        explained(LEVELS, CLOSES, minute)


def test_a_time_before_the_first_close_is_refused() -> None:
    with pytest.raises(UserError, match="no 1m candle of EURUSD had closed by 1970-01-01T00:00:30Z"):
        explained(LEVELS, CLOSES, 0.5)


BUSY = """
name: busy
{timeframe}
entries:
  - name: long
    when: [{{expr: 'close > shift(close, 1)'}}]
    action: buy
    size: 0.2
    scale_in: true
    max_positions: 3
  - {{name: short, when: [{{expr: 'close < shift(close, 3)'}}], action: sell, size: {size}}}
exit:
  signal_exit: {{name: out, when: [{{expr: 'close < shift(close, 6)'}}], action: close_partial, percent: 0.5}}
  stop_loss: {stop}
  take_profit: [{{value: 0.0005, close: 0.5}}, {{value: 0.001}}]
  trailing_stop: {{activation_pct: 0.0006, trail_pct: 0.0003}}
  break_even: {{trigger_pct: 0.0004}}
  max_holding_period: 40
risk: {{max_drawdown: 0.5}}
execution: {{fill: {fill}, spread: 1, slippage: {{ticks: 1}}}}
"""


def executed(run: RunToExplain, candles: ReadyCandles) -> tuple[list[ExecutionEvent], PositionCore]:
    batch = batch_of(candles)
    signals = SignalEngine(run.plan, run.instruments, MINUTE).process(batch)
    core = PositionCore(run.settings)
    records = core.process(batch, RuleMatcher(run.plan, run.instruments).process(signals)).records
    return list(unpack(records)), core


@pytest.mark.parametrize("fill_at", ["next_open", "close"])
@pytest.mark.parametrize(
    ("timeframe", "stop", "size"),
    [
        ("", "{type: percentage, value: 0.0007}", "0.1"),
        ("timeframe: 3m", "{type: atr, value: 1.5}", "{type: quantity, value: 0}"),
        ("timeframe: 2m", "{type: offset, value: 0.0005}", "{type: risk, value: 0.001}"),
    ],
)
def test_every_candle_of_a_busy_run_is_explained(fill_at: str, timeframe: str, stop: str, size: str) -> None:
    """All that the position core did is found again, nothing stays unknown, and its levels are the ones shown."""
    size = size.replace("value: 0}", "value: 900000}")
    plan = plan_of(BUSY.format(timeframe=timeframe, stop=stop, size=size, fill=fill_at))
    candles = synthetic_candles(400, missing=0.2)
    events, _ = executed(run_of(plan, candles), candles)
    run = run_of(plan, candles, events)
    windows = Windows(plan, EURUSD, MINUTE, 400)
    window = windows.add(candles)
    outcomes: Counter[str] = Counter()
    for row in range(len(window.decided)):
        found = explain_candle(run, 0, in_chunks(candles, 400), window.candle(row).close)
        for kind, rules in (("entry", found.entries), ("exit", found.exits)):
            outcomes.update(f"{kind} {rule.outcome.kind}" for rule in rules if rule.outcome is not None)
    assert not [each for each in outcomes if each.endswith("unknown")]
    entries = [each for each in events if isinstance(each, Fill) and each.reason == "entry"]
    rejections = [each for each in events if isinstance(each, Rejection)]
    assert len(entries) > 20
    assert outcomes["entry filled"] == len(entries)
    assert outcomes["entry rejected"] == len(rejections)
    assert outcomes["entry skipped"] > 5
    assert outcomes["exit closed"] > 5


@pytest.mark.parametrize("fill_at", ["next_open", "close"])
@pytest.mark.parametrize("stop", ["{type: percentage, value: 0.0007}", "{type: atr, value: 3.5}"])
def test_levels_of_open_positions_are_those_of_the_position_core(fill_at: str, stop: str) -> None:
    plan = plan_of(BUSY.format(timeframe="timeframe: 2m", stop=stop, size=0.1, fill=fill_at))
    candles = synthetic_candles(300, missing=0.2)
    reasons = set()
    for count in range(20, 300, 3):
        part = next(in_chunks(candles, count))
        events, core = executed(run_of(plan, part), part)
        end = int(part.time[-1]) + MINUTE
        found = explain_candle(run_of(plan, part, events), 0, in_chunks(part, 64), end).positions
        wanted = core.open_positions()

        def price(ticks: int | None) -> str | None:
            return None if ticks is None else f"{ticks / 1e5:.5f}"

        assert [
            (each.position, each.entry_price, each.stop and each.stop.price, each.target and each.target.price)
            for each in found
        ] == [(each.position, price(each.entry_price), price(each.stop), price(each.target)) for each in wanted]
        assert [int(each.quantity) for each in found] == [each.quantity for each in wanted]
        reasons |= {each.stop.reason for each in found if each.stop is not None}
    assert reasons == {"stop_loss", "trailing_stop", "break_even"}
