"""backtesting.py fills at the next open (or at the close), with stop and target inside the candle: trades are equal.

Each difference has a rule of EXECUTION.md; ``pytest -rP`` lists all of them with their candles.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from sptrader_stream.timeframes import format_time
from tests.execution.page import RULES
from tests.peers.candles import real, rough
from tests.peers.comparing import compare
from tests.peers.engines.replay import Done
from tests.peers.rules import BACKTESTING_RULES
from tests.peers.running import known, replay, run_core, tell
from tests.peers.shapes import BACKTESTING, Columns, Decided, decide

# A year of EURUSD in candles of a quarter of an hour, and 5,000 candles full of gaps and wide ranges.
CANDLES = {"real": lambda: real(step=15, count=20_000), "rough": lambda: rough(5000)}

# How often each rule makes a difference, and where first; none where nothing is said.
DIFFERENCES = {
    ("real", "share of the equity"): {"4.2 percent": (189, "2025-01-09T01:11:00Z")},
    ("rough", "stop"): {"6.1 fill price": (2, "2025-01-03T17:05:00Z")},
    ("rough", "stop and target"): {"3.2b": (1, "2025-01-02T14:54:00Z"), "6.1 fill price": (3, "2025-01-01T05:31:00Z")},
    ("rough", "stop and target only"): {
        "3.2b": (1, "2025-01-02T14:54:00Z"),
        "6.1 fill price": (2, "2025-01-03T17:05:00Z"),
    },
    ("rough", "at the close"): {"3.2b": (1, "2025-01-02T14:54:00Z")},
    ("rough", "list of targets"): {"3.2b": (5, "2025-01-01T13:56:00Z"), "6.1 fill price": (3, "2025-01-01T05:31:00Z")},
    ("rough", "three positions with stops"): {"6.1 fill price": (2, "2025-01-03T17:05:00Z")},
    ("rough", "share of the equity"): {"4.2 percent": (92, "2025-01-01T04:19:00Z")},
}


class Replayed(NamedTuple):
    name: str
    candles: Columns
    decisions: dict[str, list[Decided]]
    theirs: dict[str, list[Done]]


@pytest.fixture(scope="module", params=CANDLES)
def replayed(request: pytest.FixtureRequest) -> Replayed:
    candles = CANDLES[request.param]()
    decisions = decide(BACKTESTING, candles)
    return Replayed(request.param, candles, decisions, replay("backtesting", candles, decisions))


@pytest.mark.parametrize("name", BACKTESTING)
def test_trades_are_equal_where_no_rule_says_otherwise(replayed: Replayed, name: str) -> None:
    shape, decisions = BACKTESTING[name], replayed.decisions[name]
    ours = run_core(shape, replayed.candles, decisions)
    found = compare(shape, replayed.candles, decisions, ours, replayed.theirs[name], BACKTESTING_RULES)
    tell(found, BACKTESTING_RULES)
    assert len(ours) > 50
    assert known(found) == DIFFERENCES.get((replayed.name, name), {})


def test_a_difference_without_a_rule_fails_and_is_told_with_its_candle(replayed: Replayed) -> None:
    shape, decisions = BACKTESTING["long"], replayed.decisions["long"]
    first, *rest = run_core(shape, replayed.candles, decisions)
    ours = [first._replace(exit_price=first.exit_price + 1), *rest]
    candle = f"candle {first.exit_row} ({format_time(replayed.candles.time[first.exit_row])};"
    with pytest.raises(AssertionError, match=re.escape(f"1 differences without a rule:\n{candle}")):
        compare(shape, replayed.candles, decisions, ours, replayed.theirs["long"], BACKTESTING_RULES)


def test_every_rule_is_one_of_the_page_and_makes_a_difference_somewhere() -> None:
    assert BACKTESTING_RULES.keys() <= RULES.keys()
    assert {rule for each in DIFFERENCES.values() for rule in each} == BACKTESTING_RULES.keys()
