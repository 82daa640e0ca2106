"""The candles that came closest, against plain Python that looks at every candle by itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sptrader_stream.research.near import RANGE
from sptrader_stream.research.why import nearest_candles
from sptrader_stream.timeframes import MINUTE, format_time
from tests.research.support import candles_of, in_chunks, plan_of, run_of, synthetic_candles

Difference = list[float | None]

RULE = """
name: sample
entries:
  - name: dip
    when:
      - expr: close < shift(close, 3)
      - any:
          - expr: close > high - 0.00002
          - all: [{expr: 'low > shift(low, 1)'}, {expr: volume > 1000000}]
      - expr: crosses_above(close, shift(open, 2))
    action: buy
    size: 0.1
"""


def gap(differences: Difference, row: int) -> float:
    here = differences[row]
    if here is None:
        return math.inf
    if here == 0:
        return 0.0
    recent = [each for each in differences[max(0, row - RANGE + 1) : row + 1] if each is not None]
    width = max(recent) - min(recent)
    return abs(here) / width if width else math.inf


def shifted(column: list[float], back: int) -> list[float | None]:
    return [*[None] * back, *column[: len(column) - back]]


def less(left: list[float], right: list[float | None]) -> Difference:
    return [None if other is None else one - other for one, other in zip(left, right, strict=True)]


def test_the_list_is_that_of_looking_at_every_candle() -> None:
    candles = synthetic_candles(700)
    prices = {name: (getattr(candles, name) / 1e5).tolist() for name in ("open", "high", "low", "close")}
    close = prices["close"]
    falls, top, rises, volume, cross = (
        less(close, shifted(close, 3)),
        less(close, [each - 0.00002 for each in prices["high"]]),
        less(prices["low"], shifted(prices["low"], 1)),
        [each - 1e6 for each in candles.volume.tolist()],
        less(close, shifted(prices["open"], 2)),
    )
    wanted = []
    for row in range(700):

        def above(differences: Difference, row: int = row) -> tuple[bool | None, int, float]:
            """Whether the difference is above zero, as a condition: met, unmet, and how far from being met."""
            here = differences[row]
            met = None if here is None else here > 0
            return met, int(met is not True), 0.0 if met else gap(differences, row)

        fall = above([None if each is None else -each for each in falls])
        near_top, rise, busy = above(top), above(rises), above(volume)
        both = (
            False if False in (rise[0], busy[0]) else None if None in (rise[0], busy[0]) else True,
            rise[1] + busy[1],
            max(rise[2], busy[2]),
        )
        either_met = True if True in (near_top[0], both[0]) else None if None in (near_top[0], both[0]) else False
        either = (either_met, *min(near_top[1:], both[1:]))
        now, before = cross[row], cross[row - 1] if row else None
        if now is None or before is None:
            crossed: tuple[bool | None, int, float] = (None, 1, math.inf)
        else:
            far = max(0.0 if now > 0 else gap(cross, row), gap(cross, row - 1) if before > 0 else 0.0)
            met = now > 0 and before <= 0
            crossed = (met, int(not met), 0.0 if met else far)
        parts = [fall, either, crossed]
        if False in [each[0] for each in parts]:
            wanted.append((sum(each[1] for each in parts), max(each[2] for each in parts), row))
    expected = sorted(wanted)[:40]
    assert {unmet for unmet, *_ in expected} == {1, 2}

    plan = plan_of(RULE)
    found = nearest_candles(run_of(plan, candles), 0, in_chunks(candles, 700), 40)
    assert [each.open for each in found] == [format_time(int(candles.time[row])) for *_, row in expected]
    assert [each.unmet for each in found] == [unmet for unmet, *_ in expected]
    assert [each.distance for each in found] == pytest.approx([distance for _, distance, _ in expected], rel=1e-9)
    assert all(len(each.failing) == each.unmet and each.rule == "dip" for each in found)
    assert {each.met for nearest in found for each in nearest.failing} <= {False, None}


@pytest.mark.parametrize("size", [1, 7, 300])
def test_the_list_does_not_depend_on_how_candles_are_read(size: int) -> None:
    plan, candles = plan_of(RULE), synthetic_candles(300)
    whole = nearest_candles(run_of(plan, candles), 0, in_chunks(candles, 8192), 10)
    assert nearest_candles(run_of(plan, candles), 0, in_chunks(candles, size), 10) == whole


def test_candles_that_lack_only_a_signal_come_after_those_with_a_distance() -> None:
    plan = plan_of(
        "name: sample\nsignal_config: {ma_crossover: {fast: 1, slow: 2}}\nentries:\n"
        "  - {name: cross, when: [{signal: ma_crossover, outputs: {crossover_type: golden_cross}}], action: buy, "
        "size: 0.1}\n"
        "  - {name: level, when: [{expr: close > 1.5}], action: buy, size: 0.1}\n"
    )
    candles = candles_of([110_000, 120_000, 130_000])
    found = nearest_candles(run_of(plan, candles), 0, in_chunks(candles, 2), 5)
    assert [(each.rule, each.distance) for each in found] == [
        ("level", pytest.approx(1.0)),
        ("level", pytest.approx(3.0)),
        ("cross", None),
        ("level", None),
        ("cross", None),
    ]
    assert [each.failing[0].text for each in found[:3]] == [
        "close > 1.5", "close > 1.5", "ma_crossover.crossover_type is golden_cross",
    ]  # fmt: skip


def test_conditions_of_a_higher_timeframe_count_at_their_last_candle() -> None:
    plan = plan_of(
        "name: sample\nentry: {name: trend, when: [{tf: 3m, expr: close > 1.2}, {expr: close > 1}], action: buy, "
        "size: 0.1}\n"
    )
    candles = candles_of([110_000, 111_000, 112_000, 113_000, 114_000, 115_000, 119_000])
    found = nearest_candles(run_of(plan, candles), 0, in_chunks(candles, 2), 3)
    # The candle of three minutes that closed at 1.15 is the nearest, from the sixth minute on.
    assert [each.open for each in found] == [format_time(minute * MINUTE) for minute in (5, 6, 2)]
    assert found[0].failing[0].candle == format_time(3 * MINUTE)
    assert found[0].failing[0].parts[0].readings[0].value == 1.15
    assert np.isclose(found[0].distance or 0, 0.05 / 0.03)
