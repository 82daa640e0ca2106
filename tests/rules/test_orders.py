"""What a strategy says of its orders: scaling in and out, targets, stops that move, time exits and distances."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sptrader_stream.execution.settings import HoldingPeriod, TrailingStop
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand
from sptrader_stream.rules.plan import ExecutionRules, PriceDistance, PriceTarget
from sptrader_stream.timeframes import DAY, HOUR
from tests.rules.support import VALID, compiled

ENTRY = "name: a\nentry: {when: {expr: close > 1}, action: buy, size: 0.1}\n"


def exits(text: str) -> ExecutionRules:
    return compiled(f"{ENTRY}exit:\n{text}\n").execution


def percentage(value: str) -> PriceDistance:
    return PriceDistance(kind="percentage", value=Decimal(value))


def test_the_seeds_multiple_positions_work_as_they_are_written_there() -> None:
    plan = compiled("""\
name: seed
entry:
  when: {expr: close > 1}
  action: buy
  size: 0.1
  scale_in: true  # Allow multiple positions
  max_positions: 3

exit:
  take_profit: {type: percentage, value: 0.02}
  scale_out: true  # Close positions partially
  partial_close_pct: 0.5  # Close 50% on first TP
""")
    assert plan.entries[0].max_positions == 3
    assert plan.execution.targets == (PriceTarget(distance=percentage("0.02"), close=50_000_000),)


def test_the_seeds_trailing_stop_works_as_it_is_written_there() -> None:
    found = exits("  trailing_stop: {activation_pct: 0.01, trail_pct: 0.005}")
    assert found.trailing_stop == TrailingStop(activation=1_000_000, trail=500_000)
    assert exits("  trailing_stop: {trail_pct: 0.005}").trailing_stop == TrailingStop(activation=0, trail=500_000)


def test_without_scaling_there_is_one_position_that_closes_whole() -> None:
    plan = compiled(VALID + "  scale_out: false\n  take_profit: {value: 0.02}\n")
    assert plan.entries[0].max_positions == 1
    assert plan.execution.targets == (PriceTarget(distance=percentage("0.02")),)


def test_a_list_of_targets_ends_with_one_that_takes_the_rest() -> None:
    written = "  take_profit: [{value: 0.01, close: 0.5}, {type: atr, value: 2, close: 0.3}, {value: 0.03%s}]"
    for last in ("", ", close: 0.2"):
        assert exits(written % last).targets == (
            PriceTarget(distance=percentage("0.01"), close=50_000_000),
            PriceTarget(distance=PriceDistance(kind="atr", value=Decimal(2)), close=30_000_000),
            PriceTarget(distance=percentage("0.03")),
        )


def test_targets_of_different_types_are_not_compared() -> None:
    found = exits("  take_profit: [{type: offset, value: 5, close: 0.5}, {value: 0.03}]")
    assert [each.distance.kind for each in found.targets] == ["offset", "percentage"]


@pytest.mark.parametrize(("kind", "value"), [("percentage", "0.01"), ("offset", "0.0025"), ("atr", "1.5")])
def test_a_distance_is_a_fraction_a_price_or_a_multiple(kind: str, value: str) -> None:
    found = exits(f"  stop_loss: {{type: {kind}, value: {value}}}")
    assert found.stop_loss is not None
    assert (found.stop_loss.kind, found.stop_loss.value) == (kind, Decimal(value))


def test_a_distance_is_a_fraction_unless_it_says_otherwise() -> None:
    assert exits("  stop_loss: {value: 0.01}").stop_loss == percentage("0.01")


def test_a_position_is_held_for_candles_or_for_a_time() -> None:
    for text, held in (
        ("48", HoldingPeriod(candles=48)),
        ("12h", HoldingPeriod(duration=12 * HOUR)),
        ("20d", HoldingPeriod(duration=20 * DAY)),
    ):
        assert exits(f"  max_holding_period: {text}").max_holding_period == held


def test_a_trigger_moves_the_stop_to_the_entry() -> None:
    assert exits("  break_even: {trigger_pct: 0.015}").break_even == 1_500_000


def test_an_exit_rule_closes_all_or_a_part() -> None:
    plan = compiled(
        ENTRY + "exit:\n  signal_exit:\n    - {when: {expr: close > 2}, action: close_partial, percent: 0.25}\n"
        "    - {when: {expr: close > 3}, action: close_all}\n"
    )
    assert [rule.close for rule in plan.exits] == [25_000_000, None]


def test_leverage_and_closing_at_the_end_are_executions() -> None:
    found = compiled(ENTRY + "execution: {leverage: 2.5, close_at_end: true}\n").execution
    assert (found.leverage, found.close_at_end) == (250_000_000, True)
    assert (exits("  scale_out: false").leverage, exits("  scale_out: false").close_at_end) == (100_000_000, False)


def test_a_share_of_equity_may_be_as_large_as_the_leverage() -> None:
    plan = compiled(VALID.replace("size: 0.02", "size: 2.5\nexecution: {leverage: 2.5}"))
    assert plan.entries[0].size == Decimal("2.5")


def test_a_parameter_can_stand_for_any_of_it() -> None:
    text = """\
name: a
parameters: {many: 4, hold: 3d, kind: atr, wide: 2, part: 0.5}
entry:
  when: {expr: close > 1}
  action: buy
  size: 0.1
  scale_in: true
  max_positions: parameters.many
exit:
  stop_loss: {type: parameters.kind, value: parameters.wide}
  take_profit: [{value: 0.01, close: parameters.part}, {value: 0.02}]
  max_holding_period: parameters.hold
"""
    plan = compiled(text, many="5", hold="10", kind="offset", part="0.25")
    assert plan.entries[0].max_positions == 5
    assert plan.execution.stop_loss == PriceDistance(kind="offset", value=Decimal(2))
    assert plan.execution.targets[0].close == 25_000_000
    assert plan.execution.max_holding_period == HoldingPeriod(candles=10)


ATR = IndicatorOperand("atr", (("period", 14),), "value", FieldOperand("close"))


@pytest.mark.parametrize("exit_", ["stop_loss: {type: atr, value: 2}", "take_profit: {type: atr, value: 2}"])
def test_the_average_true_range_is_computed_where_a_distance_depends_on_it(exit_: str) -> None:
    plan = compiled(f"{ENTRY}exit: {{{exit_}}}\n")
    assert (plan.operands, plan.atr) == ((FieldOperand("close"), ATR), 1)


def test_the_average_true_range_of_a_rule_is_not_computed_twice() -> None:
    plan = compiled(ENTRY.replace("close > 1", "atr(14) > 1") + "exit: {stop_loss: {type: atr, value: 2}}\n")
    assert (plan.operands, plan.atr) == ((ATR,), 0)


def test_no_average_true_range_is_computed_where_nothing_depends_on_it() -> None:
    assert compiled(VALID).atr is None
    assert compiled(ENTRY.replace("close > 1", "atr(14) > 1")).atr is None


def test_a_plan_remembers_what_it_was_made_of() -> None:
    plan = compiled(VALID, stop="0.02")
    assert (plan.text, plan.overrides) == (VALID, {"stop": "0.02"})
