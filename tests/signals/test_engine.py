"""The engine gives each operand its column: in order, in the user's units, undefined while warming up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from sptrader_stream.errors import SignalError
from sptrader_stream.indicators import INDICATORS
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand, Operand, SignalOperand
from sptrader_stream.rules.plan import ConfigValue
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.signals.registry import SIGNALS
from tests.signals.support import EURUSD, MINUTE, candles_of, part, plan_of, run, splits_of, walk

CLOSE = FieldOperand("close")
RSI = IndicatorOperand("rsi", (("period", 3),), "value", CLOSE)
MACD = (("fast", 3), ("slow", 6), ("signal", 2))


def sma(period: int, source: FieldOperand | IndicatorOperand = CLOSE) -> IndicatorOperand:
    return IndicatorOperand("sma", (("period", period),), "value", source)


def test_fields_come_in_price_units_and_volume_as_it_is() -> None:
    candles = candles_of([100000, 100007, 99998], [2])
    names = ("open", "high", "low", "close", "volume", "hl2", "hlc3", "ohlc4")
    columns, _ = run([FieldOperand(name) for name in names], candles)
    assert [column.tolist() for column in columns[:5]] == [
        [1.0, 1.0, 1.00007],
        [1.00002, 1.00009, 1.00009],
        [0.99998, 0.99998, 0.99996],
        [1.0, 1.00007, 0.99998],
        [6.0, 6.0, 4.0],
    ]
    assert columns[5][1] == pytest.approx((1.00009 + 0.99998) / 2)
    assert columns[6][1] == pytest.approx((1.00009 + 0.99998 + 1.00007) / 3)
    assert columns[7][1] == pytest.approx((1.0 + 1.00009 + 0.99998 + 1.00007) / 4)
    assert {column.dtype for column in columns} == {np.dtype(np.float64)}


def test_indicators_are_undefined_first_and_then_in_price_units() -> None:
    columns, _ = run([sma(3), sma(2, FieldOperand("volume"))], candles_of([100000, 100003, 100006, 100009]))
    assert np.isnan(columns[0][:2]).all()
    assert columns[0][2:].tolist() == [1.00003, 1.00006]
    assert columns[1][1:].tolist() == [(6 + 2) / 2, (2 + 5) / 2, (5 + 1) / 2]


def test_an_indicator_over_an_indicator_starts_when_the_inner_one_does() -> None:
    columns, _ = run([RSI, sma(4, RSI), sma(2, sma(4, RSI))], walk(50))
    inner, outer, outermost = columns
    assert [int(np.isnan(each).sum()) for each in columns] == [3, 6, 7]
    for i in range(7, 50):
        assert outer[i] == pytest.approx(inner[i - 3 : i + 1].mean())
        assert outermost[i] == pytest.approx(outer[i - 1 : i + 1].mean())


def test_columns_follow_the_order_of_the_operands_whatever_they_share() -> None:
    outputs = [IndicatorOperand("macd", MACD, name, CLOSE) for name in ("histogram", "line", "signal")]
    columns, _ = run([CLOSE, outputs[0], sma(2), outputs[1], CLOSE, outputs[2]], walk(40))
    assert np.array_equal(columns[0], columns[4])
    assert np.allclose(columns[1], columns[3] - columns[5], equal_nan=True)
    assert columns[3][20] != columns[5][20]


def test_indicators_with_fixed_inputs_ignore_the_source() -> None:
    atr = [IndicatorOperand("atr", (("period", 5),), "value", source) for source in (CLOSE, RSI)]
    columns, _ = run(atr, walk(30))
    assert np.array_equal(columns[0], columns[1], equal_nan=True)
    assert 0 < columns[0][-1] < 0.001


def every_operand() -> list[Operand]:
    indicators = [
        IndicatorOperand(
            name,
            tuple((each.name, 3 if each.default is None else each.default) for each in info.parameters),
            output,
            CLOSE,
        )
        for name, info in INDICATORS.items()
        for output in info.outputs
    ]
    return [*indicators, sma(4, RSI), FieldOperand("ohlc4")]


WALK = walk(200, seed=9)
WHOLE, _ = run(every_operand(), WALK)


@settings(max_examples=10, deadline=None)
@given(splits=splits_of(200))
def test_every_indicator_gives_the_same_bits_for_any_batching(splits: list[int]) -> None:
    pieces, _ = run(every_operand(), WALK, splits)
    assert [each.tobytes() for each in pieces] == [each.tobytes() for each in WHOLE]


def test_generated_counts_candles_where_a_signal_speaks_once_per_signal() -> None:
    cross = [SignalOperand("ma_crossover", each.name) for each in SIGNALS["ma_crossover"].outputs]
    channel = SignalOperand("donchian_breakout", "breakout")
    config: dict[str, dict[str, ConfigValue]] = {
        "ma_crossover": {"fast": 2, "slow": 5},
        "donchian_breakout": {"period": 5},
    }
    columns, generated = run([*cross, channel, cross[0]], walk(300), (), config)
    spoken = int((columns[0] != 0).sum()), int((columns[2] != 0).sum())
    assert min(spoken) > 10
    assert generated == sum(spoken)
    _, alone = run([cross[1]], walk(300), (), config)
    assert alone == spoken[0]


def test_generated_counts_the_first_output_with_choices_only(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from sptrader_stream.signals.api import *\n"
        "class Mine(StatefulSignal):\n"
        "    outputs = (Output('n'), Output('a', choices=('x',)), Output('b', choices=('y',)))\n"
        "    def update(self, candles, indicators):\n"
        "        odd = (candles.time // 60_000_000_000) % 2\n"
        "        return {'n': odd, 'a': odd, 'b': 0 * odd + 1}\n"
    )
    _, generated = run([SignalOperand("mine", "b")], walk(10), (), {}, tmp_path)
    assert generated == 5


def test_a_batch_keeps_its_place_and_of_a_single_timeframe_needs_no_moments() -> None:
    engine = SignalEngine(plan_of([SignalOperand("ma_crossover", "crossover_type")]), [EURUSD], MINUTE)
    signals = engine.process(part(walk(10), 4, 9))
    assert signals.first == 4
    (told,) = signals.instruments
    assert told.columns[0].dtype == np.int8
    assert told.closes == []


def test_an_output_that_a_signal_does_not_have() -> None:
    with pytest.raises(SignalError, match="ma_crossover has no output 'type'; it has crossover_type, strength"):
        SignalEngine(plan_of([SignalOperand("ma_crossover", "type")]), [EURUSD], MINUTE)
