"""Bounds: the same decisions with either ``same_bar`` policy, beside the run and without a trace in its log."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors import position_manager
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.plan import StrategyPlan
from tests.actors.support import Memory, execute, make, make_spec, one_chunk, recorded

CANDLES = one_chunk(2_000)


def strategy(same_bar: str) -> StrategyPlan:
    """Levels so near that one candle often reaches both."""
    return compile_strategy(
        f"""
name: near
entry:
  when:
    - expr: close > shift(close, 1)
  action: buy
  size: 0.2
exit:
  stop_loss: {{value: 0.0004}}
  take_profit: {{value: 0.0005}}
execution: {{same_bar: {same_bar}, close_at_end: true}}
""",
        "near.yaml",
    )


def summary(result: dict[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in ("total_pnl", "end_capital", "total_trades", "max_drawdown")}


@pytest.mark.parametrize("batch", [1, 97, 8192])
@pytest.mark.parametrize("same_bar", ["stop_first", "target_first"])
def test_both_ends_are_what_runs_with_these_policies_come_to(tmp_path: Path, same_bar: str, batch: int) -> None:
    alone = {each: make(tmp_path / each, Memory(CANDLES), strategy(each)) for each in ("stop_first", "target_first")}
    found = make(tmp_path / "both", Memory(CANDLES), strategy(same_bar), bounds=True, batch=batch)
    bounds = found.result["bounds"]
    for each in ("stop_first", "target_first"):
        assert bounds[each] == summary(alone[each].result)
    ends = [Decimal(bounds[each]["total_pnl"]) for each in ("stop_first", "target_first")]
    assert ends[0] < ends[1]
    assert [Decimal(each) for each in bounds["pnl_interval"]] == ends


def test_the_run_itself_is_the_same_with_bounds(tmp_path: Path) -> None:
    without, having = (
        make(tmp_path / str(bounds), Memory(CANDLES), strategy("stop_first"), bounds=bounds) for bounds in (False, True)
    )
    assert without.result.pop("bounds") is None
    assert having.result.pop("bounds") is not None
    assert having.everything == without.everything


def test_ambiguous_trades_are_counted_and_listed(tmp_path: Path) -> None:
    outcome = execute(make_spec(tmp_path / "run", Memory(CANDLES), strategy("stop_first"), bounds=True))
    result = recorded(tmp_path / "run").result
    found = result["ambiguous_trades"]
    by_kind: dict[str, list[int]] = {"none": [], "same_bar": [], "gap": []}
    for trade in result["completed_trades"]:
        by_kind[trade["assumption"]].append(trade["id"])
    assert (found["same_bar"], found["gap"]) == (len(by_kind["same_bar"]), len(by_kind["gap"]))
    assert found["trades"] == sorted(by_kind["same_bar"] + by_kind["gap"])
    assert found["same_bar"] > 10
    assert outcome.ambiguous_trades == len(found["trades"])
    assert outcome.first_ambiguous == found["trades"][:10]
    assert outcome.bounds is not None


def test_a_failure_of_the_second_portfolio_is_one_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works: Callable[..., Any] = position_manager.execute

    def fail(core: Any, batch: Any, decided: Any) -> Any:
        if batch.first >= 500:
            raise ZeroDivisionError("a loose cable")
        return works(core, batch, decided)

    monkeypatch.setattr("actors.bounds.execute", fail)
    source = Memory(CANDLES, 64, endless=True)
    outcome = execute(make_spec(tmp_path / "run", source, strategy("stop_first"), bounds=True))
    assert outcome.failure is not None
    assert (outcome.failure.actor, outcome.failure.candle) == ("bounds", 512)
    reasons = {each["exit_reason"] for each in recorded(tmp_path / "run").result["completed_trades"]}
    assert reasons == {"stop_loss", "take_profit"}
