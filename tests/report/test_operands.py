"""Where an operand of the rules is drawn, and what its value is at the close of each row."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sptrader_stream.events import InstrumentSignals
from sptrader_stream.report.operands import DrawnOperand, drawn_operands, lies_at_prices, values_by_row
from sptrader_stream.rules.loader import compile_strategy

NAN = float("nan")


def plan_of(*expressions: str) -> str:
    conditions = "".join(f"    - expr: {each}\n" for each in expressions)
    return f"name: s\ntimeframe: 5m\nentry:\n  when:\n{conditions}  action: buy\n  size: 0.1\n"


def test_prices_lie_over_the_candles_and_all_else_below() -> None:
    plan = compile_strategy(
        plan_of(
            "close > sma(20)", "sma(volume, 5) > 3", "rsi(14) < bollinger(20)", "volume > 1", "sma(rsi(14), 3) < 50",
            'macd(12, 26, 9) > macd(12, 26, 9, output="signal")',
        ),
        "s.yaml",
    )  # fmt: skip
    assert {each.name: each.panel for each in drawn_operands(plan)} == {
        "sma(20)": "",
        "sma(volume, 5)": "sma(volume, 5)",
        "rsi(14)": "rsi(14)",
        "bollinger(20, 2)": "",
        "volume": "volume",
        "sma(rsi(14), 3)": "sma(rsi(14), 3)",
        "macd(12, 26, 9)": "macd(12, 26, 9)",
        'macd(12, 26, 9, output="signal")': "macd(12, 26, 9)",
    }


def test_a_higher_timeframe_is_named() -> None:
    text = plan_of("sma(5) > 1").replace("- expr: sma(5) > 1", "- expr: rsi(5) > 1\n      tf: 1h")
    (drawn,) = drawn_operands(compile_strategy(text, "s.yaml"))
    assert (drawn.name, drawn.panel) == ("rsi(5) on 1h", "rsi(5) on 1h")


def test_a_coarser_candles_value_holds_until_the_next_one_closes() -> None:
    """One closes at row 1, one late before row 4, one at row 4."""
    plan = compile_strategy(plan_of("sma(5) > 1"), "s.yaml")
    signals = InstrumentSignals([np.array([7.0, 8.0, 9.0])], [np.array([3, 8, 9])])
    drawn = DrawnOperand(0, "sma(5)", "")
    assert values_by_row(plan, drawn, signals, 6, 5.0).tolist() == [5.0, 7.0, 7.0, 7.0, 9.0, 9.0]
    nothing = InstrumentSignals([np.empty(0)], [np.empty(0, np.int64)])
    assert values_by_row(plan, drawn, nothing, 2, 5.0).tolist() == [5.0, 5.0]


def test_a_value_that_is_not_defined_is_not_carried_over() -> None:
    plan = compile_strategy(plan_of("sma(5) > 1"), "s.yaml")
    signals = InstrumentSignals([np.array([NAN, 2.0])], [np.array([1, 5])])
    found = values_by_row(plan, DrawnOperand(0, "sma(5)", ""), signals, 3, 4.0).tolist()
    assert math.isnan(found[0])
    assert math.isnan(found[1])
    assert found[2] == 2.0


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([NAN, 1.1, 1.2], True), ([0.4, 0.5, 0.6], False), ([NAN, NAN], False), ([1.1] * 8 + [70.0] * 2, False)],
)
def test_values_of_unknown_kind_are_judged_by_where_they_are(values: list[float], wanted: bool) -> None:
    assert lies_at_prices(np.array(values), 1.0, 1.4) is wanted
