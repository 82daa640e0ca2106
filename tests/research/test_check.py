"""A check finds every way in which a strategy can know what it cannot know, and names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.errors import SignalError
from sptrader_stream.events import Candles, Decisions
from sptrader_stream.execution.core import Executed, PositionCore
from sptrader_stream.execution.records import CANDLE
from sptrader_stream.instruments import Instrument
from sptrader_stream.research.check import CheckReport, check
from sptrader_stream.research.check_findings import CheckFinding
from sptrader_stream.research.check_history import History, collect
from sptrader_stream.research.check_passes import evenly, make_setup, run_pass
from sptrader_stream.research.check_scramble import SCRAMBLINGS, Scrambling, scrambled
from sptrader_stream.research.check_trials import cut_places, trials
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.signals.operand_engine import OperandEngine
from sptrader_stream.timeframes import MINUTE, format_time
from tests.research.support import EURUSD, MONEY, in_chunks, synthetic_candles

GBPUSD = Instrument(symbol="GBPUSD", price_precision=5, quantity_precision=0)
CROSSES = """
name: crosses
entry: {when: [{expr: "crosses_above(close, sma(20))"}], action: buy, size: 0.1}
exit:
  signal_exit: {when: [{expr: "close < ema(10)"}], action: close_all}
  stop_loss: {type: percentage, value: 0.002}
"""
OWN = """
name: own
entry: {when: [{signal: mine, outputs: {move: up}}], action: buy, size: 0.1}
exit: {signal_exit: {when: [{signal: mine, outputs: {move: down}}], action: close_all}}
"""
HEAD = """
import sys
import time
import numpy as np
from sptrader_stream.signals.api import *
"""
STATEFUL = """
class Mine(StatefulSignal):
    outputs = (Output("move", choices=("up", "down")),)
    def update(self, candles, indicators):
"""
WINDOW = """
class Mine(WindowSignal):
    outputs = (Output("move", choices=("up", "down")),)
    frame = "pandas"
    lookback = 12
    def compute(self, candles, indicators):
        close = candles["close"]
"""
UP_OR_DOWN = "return np.where({0} > {1}, 'up', np.where({0} < {1}, 'down', 'none'))"


def checked(
    text: str,
    candles: ReadyCandles,
    *others: ReadyCandles,
    folder: Path | None = None,
    cuts: int = 9,
) -> CheckReport:
    instruments = (EURUSD, GBPUSD)[: 1 + len(others)]
    setup = make_setup(compile_strategy(text, "s.yaml", signals_folder=folder), instruments, MINUTE, 100_000 * MONEY)
    return check(setup, History([candles, *others]), cuts, lambda done, total: None)


def of_own_signal(folder: Path, head: str, *lines: str, count: int = 1500) -> CheckReport:
    """Check a strategy over a signal of the user's own, ``lines`` are the end of its method."""
    body = "".join(f"        {line}\n" for line in lines)
    (folder / "mine.py").write_text(HEAD + head + body)
    return checked(OWN, synthetic_candles(count), folder=folder)


def only(report: CheckReport) -> CheckFinding:
    (found,) = report.findings
    return found


def names_the_signal(found: CheckFinding, folder: Path) -> bool:
    words = (found.signal, found.output, found.file, found.symbol, found.timeframe)
    return words == ("mine", "move", str(folder / "mine.py"), "EURUSD", "1m") and str(folder) in found.message


def test_a_clean_strategy_is_clean() -> None:
    report = checked(CROSSES, synthetic_candles(3000))
    assert report.is_clean
    assert report.complete
    assert report.decisions > 50
    assert report.fills > 20
    assert report.cuts == 9
    assert report.candles == 3000


def test_gaps_two_timeframes_and_two_instruments_change_nothing() -> None:
    text = CROSSES.replace("name: crosses", "name: crosses\ntimeframe: 5m").replace(
        'expr: "close < ema(10)"', 'expr: "close < ema(10)", tf: 15m'
    )
    report = checked(text, synthetic_candles(4000, 0.2), synthetic_candles(4000, 0.3, seed=2))
    assert report.is_clean
    assert report.symbols == ("EURUSD", "GBPUSD")
    assert report.strategy_timeframe == "5m"
    assert report.decisions > 20
    assert report.fills > 10


def test_the_close_of_the_next_candle_is_found_and_named(tmp_path: Path) -> None:
    report = of_own_signal(tmp_path, WINDOW, "later = close.shift(-1)", UP_OR_DOWN.format("later", "close"))
    found = only(report)
    assert found.kind == "looks_ahead"
    assert names_the_signal(found, tmp_path)
    # Candle 12 is the first behind the lookback; its own close and the next say what it must claim to know.
    candles = synthetic_candles(1500)
    first = next(k for k in range(12, 100) if candles.close[k] != candles.close[k + 1])
    assert (found.candle, found.time) == (first, format_time(int(candles.time[first])))
    assert found.whole == ("up" if candles.close[first + 1] > candles.close[first] else "down")
    assert found.other == "none"


def test_a_rare_look_at_the_next_candle_is_found_by_cuts_at_its_signals(tmp_path: Path) -> None:
    candles = synthetic_candles(1500)
    rises = candles.close[1:] / candles.close[:-1] - 1
    lines = ("later = close.shift(-1)", f"return np.where(later / close - 1 > {np.sort(rises)[-8]}, 'up', 'none')")
    report = of_own_signal(tmp_path, WINDOW, *lines)
    # The signals' own guards look only here and there.
    assert report.complete
    assert 5 <= report.decisions <= 9
    assert only(report).kind == "looks_ahead"
    assert names_the_signal(only(report), tmp_path)


def test_a_centred_window_is_found(tmp_path: Path) -> None:
    mean = "mean = close.rolling(9, center=True).mean()"
    found = only(of_own_signal(tmp_path, WINDOW, mean, UP_OR_DOWN.format("close", "mean")))
    assert (found.kind, names_the_signal(found, tmp_path)) == ("looks_ahead", True)


def test_scaling_by_the_largest_of_a_window_is_found(tmp_path: Path) -> None:
    found = only(of_own_signal(tmp_path, WINDOW, UP_OR_DOWN.format("close / close.max()", "0.9999")))
    assert (found.kind, names_the_signal(found, tmp_path)) == ("looks_ahead", True)


def test_scaling_by_the_largest_of_a_batch_is_found(tmp_path: Path) -> None:
    line = UP_OR_DOWN.format("candles.close / candles.close.max()", "0.9999")
    found = only(of_own_signal(tmp_path, STATEFUL, line))
    assert (found.kind, names_the_signal(found, tmp_path)) == ("depends_on_batches", True)
    assert found.candle is not None
    assert found.candle < 256
    assert found.whole != found.other == "up"


def test_later_closes_read_from_a_global_are_found(tmp_path: Path) -> None:
    """The signal's own guard is deceived: the twin that gets candles singly reads the same global."""
    head = "CLOSES = {}\n" + STATEFUL
    report = of_own_signal(
        tmp_path,
        head,
        "CLOSES.update((each.time, each.close) for each in candles.rows())",
        "later = np.array([CLOSES.get(each.time + 60 * 10**9, each.close) for each in candles.rows()])",
        UP_OR_DOWN.format("later", "candles.close"),
    )
    found = only(report)
    assert report.complete
    assert (found.kind, names_the_signal(found, tmp_path)) == ("looks_ahead", True)
    assert found.other == "none"


def test_what_outlives_a_run_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.closes_of_an_earlier_run", {}, raising=False)
    found = only(
        of_own_signal(
            tmp_path,
            STATEFUL,
            "known = sys.closes_of_an_earlier_run",
            "later = np.array([known.get(each.time + 60 * 10**9, each.close) for each in candles.rows()])",
            "if len(candles.time) > 1: known.update((each.time, each.close) for each in candles.rows())",
            UP_OR_DOWN.format("later", "candles.close"),
        )
    )
    assert (found.kind, names_the_signal(found, tmp_path)) == ("not_deterministic", True)


@pytest.mark.parametrize(
    ("head", "source"),
    [(STATEFUL, "np.random.default_rng()"), (WINDOW, "np.random.default_rng()")],
    ids=["stateful", "window"],
)
def test_chance_is_found(tmp_path: Path, head: str, source: str) -> None:
    count = "len(candles.close)" if head is STATEFUL else "len(candles)"
    found = only(of_own_signal(tmp_path, head, f"return {source}.choice(['up', 'down'], {count})"))
    assert (found.kind, names_the_signal(found, tmp_path)) == ("not_deterministic", True)


def test_a_constant_drawn_at_random_is_found(tmp_path: Path) -> None:
    """Nothing differs within a run, so that only repeating it tells."""
    head = "FACTOR = int(np.random.default_rng().integers(2**31)) ^ time.time_ns() % 2**31\n" + STATEFUL
    line = UP_OR_DOWN.format("np.rint(candles.close * 1e5) * FACTOR // 64 % 2", "1")
    report = of_own_signal(tmp_path, head, line)
    assert report.complete
    assert (only(report).kind, names_the_signal(only(report), tmp_path)) == ("not_deterministic", True)


def test_a_signal_that_fails_on_another_future_is_a_finding(tmp_path: Path) -> None:
    top = int(synthetic_candles(1500).high.max())
    report = of_own_signal(
        tmp_path,
        STATEFUL,
        f"assert candles.high.max() < {top * 1.5 / 1e5}, 'no such price'",
        UP_OR_DOWN.format("candles.close", "candles.open"),
    )
    found = only(report)
    assert (found.kind, found.signal, found.file) == ("failed", "mine", str(tmp_path / "mine.py"))
    assert "mine.py:10: AssertionError: no such price" in found.message
    assert "when other candles follow" in found.message


def test_a_signal_that_fails_on_the_candles_themselves_is_told_as_in_a_run(tmp_path: Path) -> None:
    with pytest.raises(SignalError, match=r"mine\.py:10: ZeroDivisionError"):
        of_own_signal(tmp_path, STATEFUL, "1 / 0")


def test_a_refusal_on_a_higher_timeframe_names_its_candle(tmp_path: Path) -> None:
    lines = "        later = close.shift(-1)\n        " + UP_OR_DOWN.format("later", "close") + "\n"
    (tmp_path / "mine.py").write_text(HEAD + WINDOW + lines)
    text = OWN.replace("name: own", "name: own\ntimeframe: 5m")
    found = only(checked(text, synthetic_candles(2000), synthetic_candles(2000, seed=3), folder=tmp_path))
    assert (found.kind, found.symbol, found.timeframe) == ("looks_ahead", "EURUSD", "5m")
    assert found.candle is not None
    assert found.time == format_time(int(synthetic_candles(1).time[0]) + found.candle * 5 * MINUTE)


def broken(original: Callable[..., Any], change: Callable[[Any, tuple[Any, ...]], Any]) -> Callable[..., Any]:
    def method(self: Any, *words: Any) -> Any:
        return change(original(self, *words), words)

    return method


def test_a_core_that_knows_the_last_close_of_a_batch_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(executed: Executed, words: tuple[Candles, Decisions]) -> Executed:
        return msgspec.structs.replace(executed, equity=executed.equity + words[0].close[-1])

    monkeypatch.setattr(PositionCore, "process", broken(PositionCore.process, change))
    found = only(checked(CROSSES, synthetic_candles(1500)))
    assert (found.kind, found.part, found.candle) == ("looks_ahead", "execution", 0)
    assert "mistake in SPTrader" in found.message


def test_a_core_that_forgets_an_event_in_small_batches_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(executed: Executed, words: tuple[Candles, Decisions]) -> Executed:
        return executed if len(words[0].time) > 2 else msgspec.structs.replace(executed, records=executed.records[:0])

    monkeypatch.setattr(PositionCore, "process", broken(PositionCore.process, change))
    found = only(checked(CROSSES, synthetic_candles(1500)))
    assert (found.kind, found.part) == ("depends_on_batches", "execution")
    assert found.whole is not None
    assert found.whole.startswith("fill (entry)")


def test_rules_that_know_how_long_a_batch_is_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(decisions: Decisions, words: tuple[Any]) -> Decisions:
        (signals,) = words
        if len(signals.instruments[0].columns[0]) < 1000:
            return decisions
        return msgspec.structs.replace(decisions, entries=np.ones_like(decisions.entries))

    monkeypatch.setattr(RuleMatcher, "process", broken(RuleMatcher.process, change))
    found = only(checked(CROSSES, synthetic_candles(1500)))
    assert found.part == "rules"
    assert found.whole is not None
    assert "entry" in found.whole


def test_an_indicator_that_looks_ahead_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(answer: Any, words: tuple[Any]) -> Any:
        columns, generated = answer
        return [np.append(column[1:], column[-1]) for column in columns], generated

    monkeypatch.setattr(OperandEngine, "process", broken(OperandEngine.process, change))
    report = checked(CROSSES, synthetic_candles(1500))
    assert {(each.kind, each.part, each.subject) for each in report.findings} == {
        ("looks_ahead", "field", "close"),
        ("looks_ahead", "indicator", "sma(20)"),
        ("looks_ahead", "indicator", "ema(10)"),
    }


def test_warm_up_is_told_and_no_mistake() -> None:
    report = checked(CROSSES, synthetic_candles(4000))
    assert report.is_clean
    assert report.warm_up is not None
    by_name = {each.operand: each for each in report.warm_up.operands}
    # A simple average of 20 is defined at its 20th candle; sums of whole numbers are exact.
    assert by_name["sma(20)"].exact == by_name["sma(20)"].close == 19
    # An exponential average forgets by 9/11 a candle: 10^-9 of its value takes some candles, the last bit some more.
    ema = by_name["ema(10)"]
    assert ema.exact is not None
    assert ema.close is not None
    assert 20 < ema.close < ema.exact < 300
    assert [each.start_time for each in report.warm_up.starts] == [
        format_time(int(synthetic_candles(4000).time[place])) for place in (1000, 2000)
    ]
    assert all(each.same_after is not None and each.same_after < 300 for each in report.warm_up.starts)


def test_what_is_summed_over_the_whole_run_never_settles(tmp_path: Path) -> None:
    report = of_own_signal(
        tmp_path,
        STATEFUL.replace("    def update", "    def start(self): self.count = 0\n    def update"),
        "first, self.count = self.count, self.count + len(candles.time)",
        "return np.where(np.arange(first, self.count) % 7 == 3, 'up', 'down')",
        count=1600,
    )
    assert report.is_clean
    assert report.warm_up is not None
    (operand,) = report.warm_up.operands
    assert (operand.exact, operand.close) == (None, None)
    assert report.warm_up.starts[0].decisions_differ > 100
    assert report.warm_up.starts[0].same_after is None


@given(
    start=st.integers(0, 200),
    how=st.sampled_from(SCRAMBLINGS),
    seed=st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_another_future_is_made_of_valid_candles(start: int, how: Scrambling, seed: int) -> None:
    candles = synthetic_candles(200)
    # Near a price of nothing, so that a fall has to be cut off.
    low = int(candles.low.min()) - 20
    names = ("open", "high", "low", "close")
    near_zero = msgspec.structs.replace(candles, **{name: getattr(candles, name) - low for name in names})
    for original in (candles, near_zero):
        other = scrambled(original, start, how, seed)
        for name in (*names, "time", "volume"):
            assert np.array_equal(getattr(other, name)[:start], getattr(original, name)[:start])
        assert np.array_equal(other.time, original.time)
        assert (other.low > 0).all()
        assert (other.low <= np.minimum(other.open, other.close)).all()
        assert (other.high >= np.maximum(other.open, other.close)).all()
        assert (other.volume >= 0).all()
        again = scrambled(original, start, how, seed)
        assert all(np.array_equal(getattr(other, name), getattr(again, name)) for name in names)
        if start < 150:
            assert not np.array_equal(other.close, original.close)


def test_cuts_are_everywhere_and_just_behind_decisions_and_fills() -> None:
    text = CROSSES.replace("sma(20)", "sma(400)")
    setup = make_setup(compile_strategy(text, "s.yaml"), [EURUSD], MINUTE, 100_000 * MONEY)
    history = History([synthetic_candles(6000)])
    whole = run_pass(setup, history, evenly(6000))
    entries = [row for row in whole.decisions[0].tolist() if row[1]]
    assert 0 < len(entries) < 150
    places = cut_places(setup, history, whole, 24)
    fills = {int(each) + 1 for each in whole.records[:, CANDLE]}
    assert 20 <= len(places) <= 24
    assert len(fills) < 300
    assert len(fills & set(places)) >= 4
    assert max(b - a for a, b in zip([0, *places], [*places, 6000], strict=True)) < 700


def test_batches_of_all_sizes_are_tried_also_where_something_is_decided() -> None:
    setup = make_setup(compile_strategy(CROSSES, "s.yaml"), [EURUSD], MINUTE, 100_000 * MONEY)
    history = History([synthetic_candles(3000)])
    whole = run_pass(setup, history, evenly(3000))
    late = msgspec.structs.replace(whole, decisions=[np.array([[2 * 2000 + 1, 1, 0, 0]])])
    lengths = {each.seen: np.diff([0, *each.ends]).tolist() for each in trials(history, late, [])}
    for size in (1, 2, 7, 64, 1000):
        found = lengths[f"in batches of {size}"]
        assert found[:2] == [size, size]
        assert found.count(size) >= 3
    ones = [end for end, length in zip(np.cumsum(lengths["in batches of 1"]), lengths["in batches of 1"], strict=True)
            if length == 1]  # fmt: skip
    assert {1, 2, 3, 1999, 2000, 2001, 2002} <= set(ones)
    assert lengths["in batches of 8192"] == [3000]
    assert len(set(lengths["in batches of random sizes"])) > 10


def test_every_trial_has_the_same_past_and_whole_batches() -> None:
    setup = make_setup(compile_strategy(CROSSES, "s.yaml"), [EURUSD, GBPUSD], MINUTE, 100_000 * MONEY)
    history = History([synthetic_candles(900, 0.3), synthetic_candles(900, 0.3, seed=2)])
    whole = run_pass(setup, history, evenly(len(history)))
    seen = list(trials(history, whole, [1, 500, len(history) - 1]))
    for each in seen:
        assert list(each.ends) == sorted(set(each.ends))
        assert 0 < each.until <= each.ends[-1] <= len(each.history)
        for mine, theirs in zip(each.history.candles, history.candles, strict=True):
            rows = int(np.searchsorted(theirs.time, history.times[each.until - 1], side="right"))
            assert np.array_equal(mine.close[:rows], theirs.close[:rows])
    assert sum("other candles" in each.seen for each in seen) == 3


def test_only_so_many_candles_are_read_and_no_timestamp_is_split() -> None:
    one, other = synthetic_candles(800), synthetic_candles(800, 0.5, seed=2)
    history, more_follow = collect([in_chunks(one, 100), in_chunks(other, 100)], 301)
    assert history is not None
    assert more_follow
    count = sum(map(len, history.candles))
    assert 300 <= count <= 301
    last = int(history.times[-1])
    assert [len(each) for each in history.candles] == [int((each.time <= last).sum()) for each in (one, other)]
    everything, more_follow = collect([in_chunks(one, 100)], 800)
    assert everything is not None
    assert len(everything) == 800
    assert not more_follow
    assert collect([iter(())], 5) == (None, False)


def test_a_pass_counts_moments_over_all_its_batches() -> None:
    text = CROSSES.replace("name: crosses", "name: crosses\ntimeframe: 5m")
    setup = make_setup(compile_strategy(text, "s.yaml"), [EURUSD, GBPUSD], MINUTE, 100_000 * MONEY)
    history = History([synthetic_candles(600), synthetic_candles(600, 0.3, seed=2)])
    found = run_pass(setup, history, [1, 2, 7, 300, len(history)])
    # The first instrument has every minute, so that each of its candles closes with its fifth.
    assert found.closes[0][0].tolist() == [2 * row + 1 for row in range(4, 600, 5)]
    assert [len(column) for column in found.columns[0]] == [120, 120, 120]
    assert found.equity.shape == found.open_positions.shape == (len(history),)
    whole = run_pass(setup, history, [len(history)])
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(found.closes, whole.closes, strict=True))
