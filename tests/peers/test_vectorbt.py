"""vectorbt fills at the close, with stop and target inside the candles after it: trades are equal.

Each difference has a rule of EXECUTION.md; ``pytest -rP`` lists all of them with their candles. Where positions add
up it knows only one with an average price, so that there the fills are compared.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from sptrader_stream.timeframes import format_time
from tests.execution.page import RULES
from tests.peers.candles import real, rough
from tests.peers.comparing import compare, fills
from tests.peers.engines.replay import Done
from tests.peers.rules import VECTORBT_RULES
from tests.peers.running import known, replay, run_core, tell
from tests.peers.shapes import VECTORBT, Columns, Decided, decide

# A year of EURUSD, and 5,000 candles full of gaps and wide ranges.
CANDLES = {"real": lambda: real(step=1, count=200_000), "rough": lambda: rough(5000)}
ADDS_UP = "three positions"

# How often each rule makes a difference, and where first; none where nothing is said.
DIFFERENCES = {
    ("real", "stop and target"): {"3.6 close": (72, "2025-01-02T11:29:00Z")},
    ("real", "trailing stop"): {
        "1.2 levels": (702, "2025-01-02T01:00:00Z"),
        "3.6 close": (144, "2025-01-02T08:00:00Z"),
    },
    ("real", "at the next open"): {"3": (92, "2025-01-03T17:05:00Z"), "3.2 step 1": (4, "2025-03-03T15:00:00Z")},
    ("rough", "stop and target"): {"3.2b": (1, "2025-01-02T14:54:00Z"), "3.6 close": (4, "2025-01-02T05:41:00Z")},
    ("rough", "trailing stop"): {
        "1.2 levels": (109, "2025-01-01T01:12:00Z"),
        "3.6 close": (3, "2025-01-02T05:41:00Z"),
    },
    ("rough", "at the next open"): {
        "3": (4, "2025-01-02T09:49:00Z"),
        "3.2 step 1": (31, "2025-01-01T01:12:00Z"),
        "3.2b": (1, "2025-01-02T14:54:00Z"),
    },
}


class Replayed(NamedTuple):
    name: str
    candles: Columns
    decisions: dict[str, list[Decided]]
    theirs: dict[str, list[Done]]


@pytest.fixture(scope="module", params=CANDLES)
def replayed(request: pytest.FixtureRequest) -> Replayed:
    candles = CANDLES[request.param]()
    decisions = decide(VECTORBT, candles)
    # To exit and to enter the same side at once ours does both (3.6 order) and vectorbt neither.
    decisions[ADDS_UP] = [each._replace(entries=0) if each.exits else each for each in decisions[ADDS_UP]]
    return Replayed(request.param, candles, decisions, replay("vectorbt", candles, decisions))


@pytest.mark.parametrize("name", [name for name in VECTORBT if name != ADDS_UP])
def test_trades_are_equal_where_no_rule_says_otherwise(replayed: Replayed, name: str) -> None:
    shape, decisions = VECTORBT[name], replayed.decisions[name]
    ours = run_core(shape, replayed.candles, decisions)
    found = compare(shape, replayed.candles, decisions, ours, replayed.theirs[name], VECTORBT_RULES)
    tell(found, VECTORBT_RULES)
    assert len(ours) > 50
    assert known(found) == DIFFERENCES.get((replayed.name, name), {})


def test_fills_are_equal_where_positions_add_up_and_close_in_parts(replayed: Replayed) -> None:
    ours = run_core(VECTORBT[ADDS_UP], replayed.candles, replayed.decisions[ADDS_UP])
    assert len(ours) > 50
    assert fills(ours) == fills(replayed.theirs[ADDS_UP])


def test_a_difference_without_a_rule_fails_and_is_told_with_its_candle(replayed: Replayed) -> None:
    shape, decisions = VECTORBT["long"], replayed.decisions["long"]
    first, *rest = run_core(shape, replayed.candles, decisions)
    ours = [first._replace(exit_price=first.exit_price + 1), *rest]
    candle = f"candle {first.exit_row} ({format_time(replayed.candles.time[first.exit_row])};"
    with pytest.raises(AssertionError, match=re.escape(f"1 differences without a rule:\n{candle}")):
        compare(shape, replayed.candles, decisions, ours, replayed.theirs["long"], VECTORBT_RULES)


def test_every_rule_is_one_of_the_page_and_makes_a_difference_somewhere() -> None:
    assert VECTORBT_RULES.keys() <= RULES.keys()
    assert {rule for each in DIFFERENCES.values() for rule in each} == VECTORBT_RULES.keys()
