from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import sqrt

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.events import Progress
from sptrader_stream.execution.records import ASSUMPTIONS, ExecutionEvent, Fill, Halt, Rejection, Trade
from sptrader_stream.metrics.core import MetricsCore
from sptrader_stream.metrics.summary import Metrics
from tests.metrics.reference import (
    DAY,
    MINUTE,
    Candle,
    day_ends,
    executions,
    fill,
    largest_fall,
    longest_run,
    round_half_even,
    same_state,
    time_below_peak,
    trade,
    worst_drawdown,
)

CAPITAL = 1_000_000
MONDAY = 1_736_121_600_000_000_000  # 2025-01-06T00:00:00Z
REJECTED = Rejection(
    candle=0, time=0, instrument=0, rule=0, side=1, price=1, quantity=0, reason="below_minimum"
)  # fmt: skip
HALTED = Halt(candle=0, time=0, equity=1, reference=2, reason="daily_loss")


def run(
    candles: Sequence[Candle],
    cuts: Sequence[int] = (),
    capital: int = CAPITAL,
    session: int = 0,
    settled: Candle | None = None,
) -> MetricsCore:
    core = MetricsCore(capital, MINUTE, session)
    edges = [0, *cuts, len(candles)]
    for first, end in pairwise(edges):
        core.process(executions(candles[first:end], first))
    if settled is not None:
        core.process(executions([settled], len(candles), settles=True))
    return core


def equities(*values: int, step: int = MINUTE) -> list[Candle]:
    return [Candle(MONDAY + i * step, value) for i, value in enumerate(values)]


def after_trades(*trades: ExecutionEvent) -> Metrics:
    return run([Candle(MONDAY, CAPITAL, events=trades)]).result()


@st.composite
def trades(draw: st.DrawFn) -> Trade:
    scale = draw(st.sampled_from([1, 10**9, 10**15]))
    entry = draw(st.integers(1, 10**6))
    low, high = draw(st.integers(1, entry)), draw(st.integers(entry, 2 * entry))
    side = draw(st.sampled_from([1, -1]))
    entry_time = draw(st.integers(0, 2 * 10**18))
    return trade(
        pnl=draw(st.integers(-1000, 1000)) * scale, side=side, entry_time=entry_time,
        time=entry_time + draw(st.integers(0, 2**62)), entry=entry,
        best=high if side == 1 else low, worst=low if side == 1 else high,
        assumption=draw(st.sampled_from(ASSUMPTIONS)),
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Candle]:
    event = st.one_of(trades(), st.builds(fill, st.integers(0, 2**61)), st.just(REJECTED), st.just(HALTED))
    equity = draw(st.sampled_from([st.integers(CAPITAL - 4, CAPITAL + 4), st.integers(-(10**6), 2**61)]))
    time, candles = MONDAY + draw(st.integers(0, 1439)) * MINUTE, []
    for _ in range(draw(st.integers(1, 40))):
        events = tuple(draw(st.lists(event, max_size=2)))
        candles.append(Candle(time, draw(equity), draw(st.integers(0, 2)), events, draw(st.integers(1, 3))))
        time += draw(st.sampled_from([MINUTE, MINUTE, 3 * MINUTE, 11 * 60 * MINUTE, 3 * DAY]))
    return candles


@given(histories(), st.data())
@settings(deadline=None, max_examples=100)
def test_any_split_into_batches_gives_the_same_bits(candles: list[Candle], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(candles)), max_size=8)))
    whole, split, single = run(candles), run(candles, cuts), run(candles, range(1, len(candles)))
    for other in (split, single):
        assert same_state(other.result()) == same_state(whole.result())
        assert other.progress() == whole.progress()
        assert other.equity_checksum == whole.equity_checksum


@given(histories())
@settings(deadline=None, max_examples=150)
def test_candles_come_to_what_their_definitions_say(candles: list[Candle]) -> None:
    result = run(candles).result()
    worst = worst_drawdown(CAPITAL, candles)
    assert result.max_drawdown_peak == worst.peak
    assert result.max_drawdown_trough == worst.trough
    assert result.max_drawdown == float(worst.fraction)
    assert result.max_drawdown_money == largest_fall(CAPITAL, candles)
    longest = (result.longest_drawdown, result.longest_drawdown_candles, result.longest_drawdown_start)
    assert longest == time_below_peak(CAPITAL, candles, MINUTE)
    assert result.candles == sum(candle.rows for candle in candles)
    assert result.exposure == sum(candle.open_positions > 0 for candle in candles) / len(candles)
    assert result.end_equity == candles[-1].equity
    assert result.total_return == float(Fraction(candles[-1].equity, CAPITAL) - 1)


@given(histories(), st.sampled_from([0, 22, -2, 13]))
@settings(deadline=None, max_examples=150)
def test_daily_returns_are_of_the_last_equity_of_each_day(candles: list[Candle], hour: int) -> None:
    days, values, before = [], [], CAPITAL
    session = hour * 60 * MINUTE
    for day, equity in day_ends(candles, session):
        if before <= 0:
            break
        days.append(day)
        values.append(float(Fraction(equity, before) - 1))
        before = equity
    found = run(candles, session=session).result().daily_returns
    assert [day for day, _ in found] == days
    assert [value for _, value in found] == pytest.approx(values, rel=1e-14)


@given(histories())
@settings(deadline=None, max_examples=150)
def test_trades_come_to_what_their_definitions_say(candles: list[Candle]) -> None:
    events = [event for candle in candles for event in candle.events]
    closed = [event for event in events if isinstance(event, Trade)]
    wins, losses = [t.pnl for t in closed if t.pnl > 0], [t.pnl for t in closed if t.pnl < 0]
    total, holding = sum(wins) + sum(losses), [t.time - t.entry_time for t in closed]
    result = run(candles).result()
    assert (result.total_trades, result.winning_trades, result.losing_trades) == (len(closed), len(wins), len(losses))
    assert result.break_even_trades == sum(t.pnl == 0 for t in closed)
    assert (result.total_pnl, result.gross_profit, result.gross_loss) == (total, sum(wins), sum(losses))
    assert result.win_rate == (len(wins) / len(closed) if closed else None)
    assert result.profit_factor == (float(Fraction(sum(wins), -sum(losses))) if losses else None)
    assert result.expectancy == (round_half_even(total, len(closed)) if closed else None)
    assert result.average_win == (round_half_even(sum(wins), len(wins)) if wins else None)
    assert result.average_loss == (round_half_even(sum(losses), len(losses)) if losses else None)
    assert (result.largest_win, result.largest_loss) == (max(wins, default=None), min(losses, default=None))
    assert result.max_consecutive_wins == longest_run([t.pnl > 0 for t in closed])
    assert result.max_consecutive_losses == longest_run([t.pnl < 0 for t in closed])
    assert result.average_holding_time == (round_half_even(sum(holding), len(holding)) if holding else None)
    assert (result.min_holding_time, result.max_holding_time) == (
        min(holding, default=None),
        max(holding, default=None),
    )
    assert result.fills == sum(isinstance(event, Fill) for event in events)
    assert (result.rejections, result.halts) == (events.count(REJECTED), events.count(HALTED))
    assert result.same_bar_trades == sum(t.assumption == "same_bar" for t in closed)
    assert result.gap_trades == sum(t.assumption == "gap" for t in closed)
    assert result.total_commission == sum(event.commission for event in events if isinstance(event, Fill))


@given(st.lists(trades(), min_size=1, max_size=30))
@settings(deadline=None, max_examples=100)
def test_averages_over_trades_agree_with_exact_arithmetic(closed: list[Trade]) -> None:
    result = after_trades(*closed)
    count, pnls = len(closed), [t.pnl for t in closed]
    mean = Fraction(sum(pnls), count)
    squares = sum((pnl - mean) ** 2 for pnl in pnls)
    if squares == 0:
        assert result.sqn is None
    else:
        wanted = sqrt(count) * float(mean) / sqrt(squares / (count - 1))
        assert result.sqn == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    adverse = sum(Fraction(abs(t.entry_price - t.worst), t.entry_price) for t in closed) / count
    favourable = sum(Fraction(abs(t.best - t.entry_price), t.entry_price) for t in closed) / count
    assert result.average_mae == pytest.approx(float(adverse), rel=1e-12)
    assert result.average_mfe == pytest.approx(float(favourable), rel=1e-12)


def test_sums_beyond_64_bits_stay_exact() -> None:
    large = 2**62 - 1
    result = after_trades(*[trade(pnl=large, time=large)] * 5, *[trade(pnl=-large)] * 7, *[fill(large)] * 9)
    assert (result.gross_profit, result.gross_loss, result.total_pnl) == (5 * large, -7 * large, -2 * large)
    assert result.average_holding_time == round(Fraction(5 * large, 12))
    assert result.total_commission == 9 * large


def test_a_break_even_trade_ends_both_streaks() -> None:
    result = after_trades(*(trade(pnl) for pnl in (1, 1, 0, 1, -1, -1, 0, -1, -1, -1)))
    assert (result.max_consecutive_wins, result.max_consecutive_losses) == (2, 3)


def test_the_larger_of_two_drawdowns_is_told_where_floats_cannot() -> None:
    first, second, trough = 3 * 2**58, 3 * 2**58 + 1, 2**59
    assert (first - trough) / first == (second - trough) / second
    result = run(equities(first, trough, second, trough, 2 * first)).result()
    assert (result.max_drawdown_peak, result.max_drawdown_trough) == (second, trough)


def test_the_first_drawdown_falls_from_the_start_capital_at_the_first_open() -> None:
    result = run(equities(900, 950, 1000, 999), capital=1000).result()
    assert (result.max_drawdown, result.max_drawdown_money) == (0.1, 100)
    assert (result.longest_drawdown, result.longest_drawdown_candles) == (3 * MINUTE, 3)
    assert result.longest_drawdown_start == MONDAY


def test_days_without_candles_are_not_counted() -> None:
    friday = MONDAY - 3 * DAY
    candles = [Candle(friday, 1010), Candle(friday + DAY - 1, 1100), Candle(MONDAY, 990)]
    returns = run(candles, capital=1000).result().daily_returns
    assert returns == ((date(2025, 1, 3), 0.1), (date(2025, 1, 6), -0.1))


def test_nothing_is_made_up_for_a_run_without_candles() -> None:
    result = run([]).result()
    undefined = {name for name in Metrics.__struct_fields__ if getattr(result, name) is None}
    assert undefined == {
        "win_rate", "profit_factor", "expectancy", "average_win", "average_loss", "largest_win", "largest_loss", "sqn",
        "average_mae", "average_mfe", "average_holding_time", "min_holding_time", "max_holding_time", "exposure",
        "longest_drawdown_start", "cagr", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio",
    }  # fmt: skip
    assert (result.end_equity, result.max_drawdown, result.daily_returns) == (CAPITAL, 0.0, ())


def test_a_result_taken_on_the_way_changes_nothing() -> None:
    candles = equities(CAPITAL - 5, CAPITAL - 9, CAPITAL + 1, CAPITAL - 2, step=DAY // 2)
    core = MetricsCore(CAPITAL, MINUTE)
    for candle in candles:
        core.process(executions([candle]))
        core.result()
    assert core.result() == run(candles).result()


@given(histories(), st.integers(-(10**6), 2**61), st.data())
@settings(deadline=None, max_examples=100)
def test_settling_replaces_the_last_equity_and_is_no_candle(
    candles: list[Candle], equity: int, data: st.DataObject
) -> None:
    settled = Candle(candles[-1].time, equity, events=(trade(), fill(2)))
    cut = data.draw(st.integers(0, len(candles)))
    before, core = run(candles).result(), run(candles, [cut], settled=settled)
    result = core.result()
    assert (result.candles, result.exposure) == (before.candles, before.exposure)
    assert (result.total_trades, result.fills) == (before.total_trades + 1, before.fills + 1)
    assert result.end_equity == equity
    replaced = [*candles[:-1], candles[-1]._replace(equity=equity)]
    assert result.daily_returns == run(replaced).result().daily_returns
    marks = [*candles, settled]
    worst = worst_drawdown(CAPITAL, marks)
    assert (result.max_drawdown_peak, result.max_drawdown_trough) == (worst.peak, worst.trough)
    assert result.max_drawdown_money == largest_fall(CAPITAL, marks)
    assert core.progress() == Progress(before.candles, candles[-1].time, equity, 0, before.total_trades + 1)


def test_a_drawdown_that_settling_ends_has_no_candle_more() -> None:
    result = run(equities(1000, 990, 980), capital=1000, settled=Candle(MONDAY + 2 * MINUTE, 1005)).result()
    assert (result.longest_drawdown, result.longest_drawdown_candles) == (2 * MINUTE, 2)
    assert (result.max_drawdown_trough, result.end_equity) == (980, 1005)


def test_progress_is_of_the_last_candle() -> None:
    last = Candle(MONDAY + MINUTE, 7, open_positions=2, events=(trade(), fill(1), trade()), rows=3)
    core = run([Candle(MONDAY, 5), last])
    assert core.progress() == Progress(candles=4, time=MONDAY + MINUTE, equity=7, open_positions=2, trades=2)


def test_the_checksum_covers_every_equity_and_the_order() -> None:
    checksum = 0
    for equity in (5, -3, 2**61):
        checksum = (checksum * 6364136223846793005 + equity) % 2**64
    assert run(equities(5, -3, 2**61)).equity_checksum == checksum
    assert len({run(equities(*order)).equity_checksum for order in ((1, 2, 3), (2, 1, 3), (1, 2, 4), (2, 2, 3))}) == 4


def test_the_days_of_many_years_fit() -> None:
    days = 3000
    core = run(equities(*range(1000, 1000 + days), step=DAY), cuts=[1, 700, 701], capital=1000)
    _, ends = core.daily_equity()
    assert ends.tolist() == list(range(1000, 1000 + days))


def test_statistics_of_a_year_equal_those_of_empyrical() -> None:
    moves = np.random.default_rng(7).integers(-30_000, 34_000, 4 * 260)
    candles = equities(*(10**7 + np.cumsum(moves)).tolist(), step=DAY // 4)
    result = run(candles, capital=10**7).result()
    closes = np.array([10**7, *(end for _, end in day_ends(candles))], float)
    returns = closes[1:] / closes[:-1] - 1
    assert result.sharpe_ratio == pytest.approx(empyrical.sharpe_ratio(returns), rel=1e-10)
    assert result.sortino_ratio == pytest.approx(empyrical.sortino_ratio(returns), rel=1e-10)
    assert result.volatility == pytest.approx(empyrical.annual_volatility(returns), rel=1e-10)
    assert result.cagr == pytest.approx(empyrical.cagr(returns), rel=1e-10)
    assert result.calmar_ratio == pytest.approx(empyrical.calmar_ratio(returns), rel=1e-10)
