"""Events survive the wire bit for bit, their columns without a copy."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.events import (
    Candles,
    DataIssue,
    Decisions,
    Executions,
    Failure,
    InstrumentSignals,
    LogEvent,
    Market,
    Progress,
    Records,
    Reports,
    RunEnded,
    RunStarted,
    Signals,
    decoder,
    encode,
)
from sptrader_stream.instruments import Instrument

words = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40)
PROGRESS = Progress(candles=7, time=1_735_689_600_000_000_000, equity=-5, open_positions=1, trades=2)
MARKET = Market(
    instrument=Instrument(symbol="EURUSD", price_precision=5, quantity_precision=0, session=-7_200 * 10**9),
    source="a.csv", path="/data/a.csv", size=10, modified=20, start=None, end=30,
)  # fmt: skip
STARTED = RunStarted(
    run_id="r", strategy="s", strategy_version="1", strategy_digest="d", strategy_file="s.yaml", strategy_text="s",
    overrides={"fast": "10"}, parameters={"fast": "10"}, signals_folder=None, markets=[MARKET], timeframe="1m",
    strategy_timeframe="1h", start_capital=10**12, entry_rules=["long", "short"], exit_rules=["out"],
    data_policy={"gap": "warn"},
)  # fmt: skip
ENDED = RunEnded(
    seq=9, status="failed", failure=Failure("metrics", 4, "loose"), candles=3,
    issues=(DataIssue("gap", "warn", "EURUSD", 2, ("2025-01-01T00:00:00Z",), "2 gaps"),),
    equity_checksum=2**64 - 1, fingerprint="f",
)  # fmt: skip


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


def candles(spread: Any = None) -> Candles:
    column = ints(1, 2, 3)
    return Candles(5, [2, 3], column, column, column, column, column, np.array([1.5, np.nan, -0.0]), spread)


BATCHES = [
    candles(),
    candles(ints(4, 5, 6)),
    Signals(0, 2, [InstrumentSignals([np.array([0.5, np.nan]), np.array([-1, 2], np.int8)], [ints(1, 4)])]),
    Decisions(0, 1, [1, 2], ints(1, 4), np.array([3, 2**32 - 1], np.uint32), np.zeros(2, np.uint32), None, None, []),
    Decisions(0, 1, [1], ints(1), np.ones(1, np.uint32), np.zeros(1, np.uint32), ints(-1), ints(0, 3), [2]),
    Executions(0, 2, 3, ints(1, 2), ints(3, 4), np.array([0, 1], np.uint32), ints(), settles=True),
    Reports(0, 1, ints(1), ints(-(2**62)), ints(*range(13)), PROGRESS),
    Records(4, ints(*range(26))),
]


def fields(event: Any) -> list[Any]:
    """All values of an event, those of the Structs and lists in it one by one."""
    if isinstance(event, list):
        return [value for each in event for value in fields(each)]
    if isinstance(event, msgspec.Struct):
        return [value for name in event.__struct_fields__ for value in fields(getattr(event, name))]
    return [event]


def with_column(column: Any) -> Signals:
    return Signals(0, 0, [InstrumentSignals([column], [])])


@pytest.mark.parametrize("event", BATCHES, ids=lambda each: type(each).__name__)
def test_a_batch_arrives_as_it_was_sent_and_without_a_copy(event: Any) -> None:
    frame = encode(event)
    arrived = decoder(type(event)).decode(frame)
    assert type(arrived) is type(event)
    memory = np.frombuffer(frame, np.uint8)
    for sent, got in zip(fields(event), fields(arrived), strict=True):
        if isinstance(sent, np.ndarray):
            assert got.dtype == sent.dtype
            assert got.tobytes() == sent.tobytes()
            assert not got.flags.owndata or not len(got)
            assert np.shares_memory(got, memory) or not len(got)
        else:
            assert got == sent


@pytest.mark.parametrize("event", [PROGRESS, STARTED, ENDED], ids=lambda each: type(each).__name__)
def test_an_event_of_the_log_arrives_as_what_it_is(event: Any) -> None:
    assert decoder(cast("type[LogEvent]", LogEvent)).decode(encode(event)) == event


@given(words)
def test_every_int64_survives(values: list[int]) -> None:
    arrived = decoder(Records).decode(encode(Records(1, ints(*values)))).records
    assert arrived.dtype == np.int64
    assert arrived.tolist() == values


@given(st.lists(st.floats(width=64), max_size=40))
def test_every_float_survives_bit_for_bit(values: list[float]) -> None:
    column = np.array(values, np.float64)
    arrived = decoder(Signals).decode(encode(with_column(column))).instruments[0].columns[0]
    assert arrived.dtype == np.float64
    assert arrived.tobytes() == column.tobytes()


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.uint32, np.int8, np.bool_])
def test_an_empty_column_keeps_its_type(dtype: Any) -> None:
    arrived = decoder(Signals).decode(encode(with_column(np.empty(0, dtype)))).instruments[0].columns[0]
    assert (arrived.dtype, arrived.shape) == (np.dtype(dtype), (0,))


def test_the_same_event_is_the_same_bytes() -> None:
    assert [encode(each) for each in BATCHES] == [encode(each) for each in BATCHES]


def test_one_kind_of_event_is_not_taken_for_another() -> None:
    with pytest.raises(msgspec.ValidationError):
        decoder(Signals).decode(encode(BATCHES[0]))


def test_events_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        PROGRESS.candles = 8  # type: ignore[misc]


@pytest.mark.parametrize("column", [np.zeros(2, np.float32), np.zeros(2, np.int32)])
def test_only_the_agreed_column_types_are_sent(column: Any) -> None:
    with pytest.raises(KeyError):
        encode(with_column(column))


def test_only_columns_are_sent() -> None:
    with pytest.raises(NotImplementedError, match="object"):
        encode(Progress(object(), 0, 0, 0, 0))  # type: ignore[arg-type]
