"""Several instruments and timeframes: each operand sees the closed candles of its own series, in any batching."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.candles import ReadyCandles, part_of
from sptrader_stream.errors import SignalError, UserError
from sptrader_stream.events import Candles
from sptrader_stream.instruments import Instrument
from sptrader_stream.resampling import CandleBuilder
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand, Operand, SignalOperand
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.timeframes import HOUR, span_origin
from tests.signals.support import EURUSD, MINUTE, plan_of, walk

CLOSE = FieldOperand("close")
SMA = IndicatorOperand("sma", (("period", 3),), "value", CLOSE)
CROSS = SignalOperand("ma_crossover", "crossover_type")
CROSSES = {"ma_crossover": {"fast": 2, "slow": 3}}
USDJPY = Instrument(symbol="USDJPY", price_precision=3, quantity_precision=2, session=-2 * MINUTE)
START = 1_700_000_000_000_000_000 // HOUR * HOUR

# The strategy's own candles, then those of two higher timeframes.
PLAN = plan_of(
    [SMA, CROSS, CLOSE, SMA, CROSS, SMA],
    CROSSES,
    timeframe="3m",
    higher=("6m", "15m"),
    timeframes=[0, 0, 1, 1, 2, 2],
)


class Told(NamedTuple):
    """Of one instrument: every column, and by timeframe the rows (of the whole run) and halves at which it closed."""

    columns: list[list[float]]
    closes: list[list[int]]


def series(present: Sequence[bool], seed: int) -> ReadyCandles:
    """Candles of a minute where they are present."""
    whole = walk(len(present), seed)
    rows = np.flatnonzero(np.array(present, np.bool_))
    return ReadyCandles(
        time=START + rows * MINUTE,
        open=whole.open[rows],
        high=whole.high[rows],
        low=whole.low[rows],
        close=whole.close[rows],
        volume=whole.volume[rows],
        spread=None,
    )


def batch(instruments: Sequence[ReadyCandles], first: int = 0) -> Candles:
    ends = np.cumsum([len(each) for each in instruments]).tolist()
    names = ("time", "open", "high", "low", "close", "volume")
    columns = [np.concatenate([getattr(each, name) for each in instruments]) for name in names]
    return Candles(first, ends, *columns)


def told(
    plan: StrategyPlan,
    traded: Sequence[Instrument],
    instruments: Sequence[ReadyCandles],
    minutes: Sequence[int] = (),
) -> tuple[list[Told], int]:
    """What the engine says; batches end before each of ``minutes``."""
    engine = SignalEngine(plan, traded, MINUTE)
    found = [Told([[] for _ in plan.operands], [[] for _ in (0, *plan.higher_timeframes)]) for _ in traded]
    places, generated = [0] * len(traded), 0
    for end in [*sorted(START + each * MINUTE for each in set(minutes)), 2**62]:
        cuts = [int(each.time.searchsorted(end)) for each in instruments]
        blocks = [part_of(each, place, cut) for each, place, cut in zip(instruments, places, cuts, strict=True)]
        signals = engine.process(batch(blocks, sum(places)))
        assert signals.first == sum(places)
        generated += signals.generated
        for index, each in enumerate(signals.instruments):
            for column, values in zip(found[index].columns, each.columns, strict=True):
                column.extend(values.tolist())
            for moments, new in zip(found[index].closes, each.closes, strict=bool(each.closes)):
                moments.extend((new + 2 * places[index]).tolist())
        places = cuts
    return found, generated


def closed(candles: ReadyCandles, minutes: int, session: int = 0) -> ReadyCandles:
    timeframe = minutes * MINUTE
    return CandleBuilder(MINUTE, timeframe, span_origin(timeframe, session)).process(candles)


def alone(operand: Operand, instrument: Instrument, candles: ReadyCandles) -> list[float]:
    """An operand's column over candles that are there already."""
    (found,), _ = told(plan_of([operand], CROSSES), [instrument], [candles])
    return found.columns[0]


def same(some: Sequence[float], others: Sequence[float]) -> bool:
    return np.array_equal(np.array(some, np.float64), np.array(others, np.float64), equal_nan=True)


def gappy(length: int, seed: int) -> list[bool]:
    return (np.random.default_rng(seed).random(length) < 0.8).tolist()  # type: ignore[no-any-return]


EURO, YEN = series(gappy(300, 1), 1), series(gappy(300, 2), 2)


def test_every_operand_is_computed_over_the_candles_of_its_timeframe() -> None:
    found, _ = told(PLAN, [EURUSD, USDJPY], [EURO, YEN])
    for instrument, candles, each in zip((EURUSD, USDJPY), (EURO, YEN), found, strict=True):
        for place, operand in enumerate(PLAN.operands):
            minutes = (3, 6, 15)[PLAN.operand_timeframes[place]]
            wanted = alone(operand, instrument, closed(candles, minutes, instrument.session))
            assert len(wanted) > 10
            assert same(each.columns[place], wanted)


def test_the_moments_of_every_timeframe_are_told() -> None:
    # Minutes 0 to 8 without 5: the second candle of three minutes, and the first of six, close before the row of 6.
    candles = series([True] * 5 + [False] + [True] * 3, 1)
    plan = plan_of([CLOSE], timeframe="3m", higher=("6m",))
    (found,), _ = told(plan, [EURUSD], [candles])
    assert found.closes == [[2 * 2 + 1, 2 * 5, 2 * 7 + 1], [2 * 5]]
    assert found.columns == [[candles.close[row] / 1e5 for row in (2, 4, 7)]]


def test_with_a_higher_timeframe_each_row_closes_a_candle_of_the_datas() -> None:
    plan = plan_of([CLOSE, CLOSE], higher=("2m",), timeframes=[0, 1])
    candles = series([True] * 5, 1)
    (found,), _ = told(plan, [EURUSD], [candles])
    assert found.closes == [[1, 3, 5, 7, 9], [3, 7]]
    assert [len(column) for column in found.columns] == [5, 2]


def test_a_strategys_timeframe_may_be_that_of_the_data() -> None:
    named, unnamed = (told(plan_of([SMA], timeframe=each), [EURUSD], [EURO]) for each in ("1m", None))
    assert same(named[0][0].columns[0], unnamed[0][0].columns[0])
    assert named[0][0].closes == [[]]


def test_batches_in_which_nothing_closes_have_columns_of_no_length_and_the_right_type() -> None:
    engine = SignalEngine(PLAN, [EURUSD, USDJPY], MINUTE)
    for instrument in engine.process(batch([part_of(EURO, 0, 1), part_of(YEN, 0, 0)])).instruments:
        assert [len(column) for column in instrument.columns] == [0] * 6
        assert [column.dtype.name for column in instrument.columns] == [
            "float64", "int8", "float64", "float64", "int8", "float64",
        ]  # fmt: skip
        assert [(len(each), each.dtype.name) for each in instrument.closes] == [(0, "int64")] * 3


def test_an_instrument_without_a_candle_in_a_batch_says_nothing_and_loses_nothing() -> None:
    plan = plan_of([SMA])
    late = series([False] * 20 + [True] * 20, 3)
    found, _ = told(plan, [EURUSD, USDJPY], [EURO, late], range(1, 300))
    assert same(found[1].columns[0], alone(SMA, USDJPY, late))


def test_signals_are_counted_over_all_instruments_and_timeframes() -> None:
    found, generated = told(PLAN, [EURUSD, USDJPY], [EURO, YEN])
    spoken = [sum(code != 0 for code in each.columns[place]) for each in found for place in (1, 4)]
    assert min(spoken) > 0
    assert generated == sum(spoken)


WHOLE = told(PLAN, [EURUSD, USDJPY], [EURO, YEN])


@settings(max_examples=25, deadline=None)
@given(st.one_of(st.just(range(300)), st.lists(st.integers(0, 300), max_size=8)))
def test_any_batching_gives_the_same_bits(minutes: Sequence[int]) -> None:
    found, generated = told(PLAN, [EURUSD, USDJPY], [EURO, YEN], minutes)
    assert generated == WHOLE[1]
    for each, whole in zip(found, WHOLE[0], strict=True):
        assert each.closes == whole.closes
        assert [np.array(column).tobytes() for column in each.columns] == [
            np.array(column).tobytes() for column in whole.columns
        ]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 299), st.integers(5, 9))
def test_only_closed_candles_are_seen(minutes: int, seed: int) -> None:
    """What closes before a minute is the same whatever the market does from then on."""
    border = START + minutes * MINUTE
    other = series(gappy(300, seed), seed)
    rows, others = int(EURO.time.searchsorted(border)), int(other.time.searchsorted(border))
    names = [name for name in ReadyCandles.__struct_fields__ if name != "spread"]
    mixed = {
        name: np.concatenate([getattr(EURO, name)[:rows], getattr(other, name)[others:]]) for name in names
    }  # fmt: skip
    changed, _ = told(PLAN, [EURUSD], [ReadyCandles(spread=None, **mixed)])
    for index, moments in enumerate(changed[0].closes):
        known = [moment for moment in moments if moment < 2 * rows]
        assert known == [moment for moment in WHOLE[0][0].closes[index] if moment < 2 * rows]
        for place in np.flatnonzero(np.array(PLAN.operand_timeframes) == index):
            now, before = (each[0].columns[place][: len(known)] for each in (changed, WHOLE[0]))
            assert same(now, before)


COUNTER = """
from sptrader_stream.signals.api import *
class Mine(StatefulSignal):
    outputs = (Output("seen"),)
    def start(self):
        self.seen = 0
    def update(self, candles, indicators):
        count = len(candles.close)
        seen = [self.seen + row + 1 for row in range(count)]
        self.seen += count
        return seen
"""


def test_each_series_has_its_own_instance_of_a_users_signal(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(COUNTER)
    mine = SignalOperand("mine", "seen")
    plan = plan_of([mine, mine], folder=tmp_path, timeframe="2m", higher=("4m",), timeframes=[0, 1])
    found, _ = told(plan, [EURUSD, USDJPY], [series([True] * 12, 1), series([True] * 8, 2)], [3, 6])
    assert [each.columns for each in found] == [[[1, 2, 3, 4, 5, 6], [1, 2, 3]], [[1, 2, 3, 4], [1, 2]]]


def test_a_users_failing_signal_is_told_with_instrument_and_timeframe(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(COUNTER.replace("self.seen += count", "self.seen += count // (self.seen < 2)"))
    mine = SignalOperand("mine", "seen")
    plan = plan_of([CLOSE, mine], folder=tmp_path, timeframe="2m", higher=("4m",), timeframes=[0, 1])
    with pytest.raises(SignalError, match=r"mine.py:10: ZeroDivisionError: .* \(USDJPY, 4m candles\)$"):
        told(plan, [EURUSD, USDJPY], [series([True] * 6, 1), series([True] * 12, 2)], range(12))


def test_timeframes_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(UserError, match="1m"):
        SignalEngine(plan_of([CLOSE], timeframe="90s"), [EURUSD], MINUTE)


def test_instruments_differ_in_session_and_precision() -> None:
    candles = series([True] * 12, 4)
    plan = plan_of([CLOSE], timeframe="4m")
    found, _ = told(plan, [EURUSD, USDJPY, msgspec.structs.replace(EURUSD, session=MINUTE)], [candles] * 3)
    assert [each.closes for each in found] == [[[7, 15, 23]], [[3, 11, 19]], [[1, 9, 17]]]
    assert found[0].columns[0] == [candles.close[row] / 1e5 for row in (3, 7, 11)]
    assert found[1].columns[0] == [candles.close[row] / 1e3 for row in (1, 5, 9)]
