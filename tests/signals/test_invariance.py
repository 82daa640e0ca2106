"""Any batching gives the same bits, and more candles later change nothing before: built-in and shipped signals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sptrader_stream.rules.operands import Operand, SignalOperand
from sptrader_stream.rules.plan import ConfigValue
from sptrader_stream.signals.loader import find_signal, user_signals
from sptrader_stream.signals.registry import SIGNALS
from tests.signals.support import SHIPPED, run, walk

CONFIGS: dict[str, dict[str, ConfigValue]] = {
    "ma_crossover": {"fast": 5, "slow": 12, "source": "hlc3", "min_separation": 0.00001, "confirmation_bars": 1},
    "volatility_squeeze": {"narrow": 0.001},
    "trend_pullback": {"pullback": 2},
}
NAMES = [*SIGNALS, *user_signals(SHIPPED)]
# Longer than two blocks of a window signal.
CANDLES = walk(1300, seed=3)


def operands(name: str) -> list[Operand]:
    return [SignalOperand(name, each.name) for each in find_signal(name, SHIPPED).outputs]


def bits(columns: list[np.ndarray[Any, Any]]) -> list[bytes]:
    return [each.tobytes() for each in columns]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 7, 64, 600])
def test_batches_of_any_size_give_the_same_bits(name: str, size: int) -> None:
    # Pandas takes milliseconds a call: one at a time only around the first block's end.
    splits = [*range(500, 530)] if name == "trend_pullback" and size == 1 else list(range(0, 1300, size))
    config = {name: CONFIGS.get(name, {})}
    whole, counted = run(operands(name), CANDLES, (), config, SHIPPED)
    pieces, counted_in_pieces = run(operands(name), CANDLES, splits, config, SHIPPED)
    assert bits(pieces) == bits(whole)
    assert counted == counted_in_pieces > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_future_changes_nothing(name: str) -> None:
    config = {name: CONFIGS.get(name, {})}
    whole, _ = run(operands(name), CANDLES, (), config, SHIPPED)
    for length in (1, 30, 511, 900):
        # Up to there the candles are the same, then they are others.
        other = walk(1300, seed=4)
        for field in ("open", "high", "low", "close", "volume"):
            getattr(other, field)[:length] = getattr(CANDLES, field)[:length]
        changed, _ = run(operands(name), other, (), config, SHIPPED)
        assert bits([each[:length] for each in changed]) == bits([each[:length] for each in whole])
