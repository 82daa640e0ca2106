"""Runs a shape in the position core, and all shapes of an engine in that engine's own environment."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pytest

from benchmarks.peers import ENVIRONMENTS, ROOT
from sptrader_stream.events import Candles, Decisions
from sptrader_stream.execution import settings
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.execution.records import Fill, Trade, unpack
from tests.execution.page import RULES
from tests.peers.comparing import Difference, Rule
from tests.peers.engines.replay import Done
from tests.peers.shapes import Columns, Decided, Shape

TIMEOUT = 300.0
MONEY = 10**8
SPAN = 60 * 10**9


def replay(engine: str, candles: Columns, decisions: dict[str, list[Decided]]) -> dict[str, list[Done]]:
    """Run an engine's script over the candles, and give its trades by shape.

    Where the engine's environment was not built the test is skipped.
    """
    python = ENVIRONMENTS / engine / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{engine} is not installed in {python.parents[1]}: make peers")
    done = subprocess.run(
        [python, "-m", f"tests.peers.engines.{engine}"],
        input=json.dumps({"candles": candles, "decisions": decisions}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: [Done(*each) for each in trades] for name, trades in json.loads(done.stdout).items()}


def run_core(shape: Shape, candles: Columns, decisions: Iterable[Decided], same_bar: str = "stop_first") -> list[Done]:
    """The trades of the position core and what is open in the end."""
    decided = list(decisions)
    core = PositionCore(execution_settings(shape, same_bar))
    time, open_, high, low, close = (np.array(column, np.int64) for column in candles)
    executed = core.process(
        Candles(0, [len(time)], time, open_, high, low, close, np.zeros(len(time))),
        Decisions(
            first=0,
            generated=0,
            ends=[len(decided)],
            moments=np.array([2 * each.row + 1 for each in decided], np.int64),
            entries=np.array([each.entries for each in decided], np.uint32),
            exits=np.array([each.exits for each in decided], np.uint32),
            atr=None,
            closes=None,
            closes_ends=[],
        ),
    )
    events = list(unpack(executed.records))
    assert all(isinstance(event, Fill | Trade) for event in events), "a rejection: the capital is too small"
    trades = [
        Done(event.entry_candle, event.side, event.entry_price, event.candle, event.price, event.quantity)
        for event in events
        if isinstance(event, Trade)
    ]
    return trades + [
        Done(each.entry_candle, each.side, each.entry_price, -1, 0.0, each.quantity) for each in core.open_positions()
    ]


def execution_settings(shape: Shape, same_bar: str) -> settings.ExecutionSettings:
    trailing = None
    if shape.trail is not None:
        trailing = settings.TrailingStop(activation=shape.activation, trail=shape.trail)
    return settings.ExecutionSettings(
        start_capital=shape.capital * MONEY,
        instruments=(
            settings.InstrumentSettings(
                price_precision=5,
                quantity_precision=0,
                minimum_quantity=1,
                entries=tuple(
                    settings.Entry(
                        side=each.side,
                        sizing="quantity" if shape.share is None else "percent",
                        size=shape.quantity if shape.share is None else shape.share,
                        max_positions=each.most,
                    )
                    for each in shape.entries
                ),
                stop_loss=None if shape.stop is None else settings.Distance(value=shape.stop),
                targets=tuple(
                    settings.Target(distance=settings.Distance(value=each.distance), close=each.part)
                    for each in shape.targets
                ),
            ),
        ),
        timeframe=SPAN,
        strategy_timeframe=SPAN,
        exits=tuple(each.part for each in shape.exits),
        fill=shape.fill,
        same_bar="target_first" if same_bar == "target_first" else "stop_first",
        trailing_stop=trailing,
        max_holding_period=None if shape.holding is None else settings.HoldingPeriod(candles=shape.holding),
    )


def known(found: Sequence[Difference]) -> dict[str, tuple[int, str]]:
    """How often each rule made a difference, and the time of the first candle where it did."""
    counts = Counter(each.rule for each in found)
    return {rule: (count, next(each.time for each in found if each.rule == rule)) for rule, count in counts.items()}


def tell(found: Iterable[Difference], rules: Mapping[str, Rule]) -> None:
    """Print each difference: its candle, the rule of the page, and what the other engine does."""
    for each in found:
        print(f"candle {each.row} ({each.time}): {each.rule}: {RULES[each.rule]}; {rules[each.rule].theirs}")
