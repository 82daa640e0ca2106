"""Candles in ticks for the indicators' tests, and a call that computes an indicator over them in one batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sptrader_stream.columns import Floats
from sptrader_stream.indicators import INDICATORS, build

MINUTE = 60 * 1_000_000_000


def make_candles(kind: str, count: int = 3000, seed: int = 7) -> dict[str, Floats]:
    """Whole-number columns: a random walk, one that often stands still, one with jumps, or a price that never moves."""
    random = np.random.default_rng(seed)
    steps = random.integers(-9, 10, count)
    wicks = random.integers(0, 7, (2, count))
    if kind == "flat stretches":
        still = np.arange(count) % 400 > 150
        steps[still], wicks[:, still] = 0, 0
    elif kind == "never moves":
        steps[:], wicks[:] = 0, 0
    elif kind == "jumps":
        steps += np.where(random.random(count) < 0.01, random.integers(-30_000, 30_000, count), 0)
    close = 110_000 + np.cumsum(steps)
    opening = close - steps // 2
    columns = {
        "open": opening,
        "high": np.maximum(opening, close) + wicks[0],
        "low": np.minimum(opening, close) - wicks[1],
        "close": close,
        "source": close,
        "volume": random.integers(0, 500, count),
    }
    candles = {name: column.astype(np.float64) for name, column in columns.items()}
    candles["time"] = 1_735_689_600_000_000_000 + np.arange(count) * MINUTE
    return candles


@pytest.fixture(params=["walk", "flat stretches", "jumps", "never moves"])
def candles(request: pytest.FixtureRequest) -> dict[str, Floats]:
    return make_candles(request.param)


@pytest.fixture
def walk() -> dict[str, Floats]:
    return make_candles("walk")


@pytest.fixture(scope="session")
def compute() -> Callable[..., tuple[Floats, ...]]:
    def compute_in_one_batch(
        name: str, candles: dict[str, Floats], scale: float = 1.0, **parameters: float
    ) -> tuple[Floats, ...]:
        inputs = [candles[field] for field in INDICATORS[name].inputs]
        return build(name, parameters, scale).update(*inputs)

    return compute_in_one_batch
