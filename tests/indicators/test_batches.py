"""Every indicator gives the same bits however its candles are cut into batches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.indicators import INDICATORS, build
from tests.indicators.conftest import make_candles

PARAMETERS: dict[str, dict[str, float]] = {
    name: {each.name: 7 for each in info.parameters if each.default is None} for name, info in INDICATORS.items()
}


@pytest.mark.parametrize("name", INDICATORS)
@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 400), max_size=60).map(sorted),
    kind=st.sampled_from(["walk", "flat stretches", "jumps"]),
    undefined=st.sets(st.integers(0, 399), max_size=5),
)
def test_any_cut_into_batches_gives_the_same_bits(name: str, cuts: list[int], kind: str, undefined: set[int]) -> None:
    info = INDICATORS[name]
    candles = make_candles(kind, 400)
    inputs = [candles[field] for field in info.inputs]
    inputs[-1][list(undefined)] = np.nan
    whole = build(name, PARAMETERS[name], 1000.0).update(*inputs)
    cut = build(name, PARAMETERS[name], 1000.0)
    edges = [0, *cuts, 400]
    pieces = [cut.update(*(each[start:end] for each in inputs)) for start, end in pairwise(edges)]
    for output, parts in zip(whole, zip(*pieces, strict=True), strict=True):
        assert np.concatenate(parts).tobytes() == output.tobytes()
    assert len(whole) == len(info.outputs)


@pytest.mark.parametrize("name", INDICATORS)
def test_candles_one_by_one_give_the_same_bits(name: str) -> None:
    candles = make_candles("walk", 300)
    inputs = [candles[field] for field in INDICATORS[name].inputs]
    whole = build(name, PARAMETERS[name], 1000.0).update(*inputs)
    single = build(name, PARAMETERS[name], 1000.0)
    pieces = [single.update(*(each[i : i + 1] for each in inputs)) for i in range(300)]
    for output, parts in zip(whole, zip(*pieces, strict=True), strict=True):
        assert np.concatenate(parts).tobytes() == output.tobytes()
