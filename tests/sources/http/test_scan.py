"""Candles read by the kernel: the floats that any correct decoder gives, or left to one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.sources.http.scan import UNUSUAL, scan

FIELDS = ("time", "open", "high", "low", "close", "volume")
NUMBER = st.one_of(
    st.integers(0, 10**15 - 1).map(str),
    st.tuples(st.integers(0, 99_999), st.integers(1, 10)).flatmap(
        lambda whole: st.integers(0, 10 ** whole[1] - 1).map(lambda part: f"{whole[0]}.{part:0{whole[1]}}")
    ),
)
BLANK = st.sampled_from(["", " ", "\n", "\t ", "\r\n"])
CANDLE = st.fixed_dictionaries(
    {"time": st.integers(0, 10**14).map(str), **dict.fromkeys(FIELDS[1:5], NUMBER)}, optional={"volume": NUMBER}
)


def scanned(text: str, room: int = 100) -> list[dict[str, float]] | None:
    times = np.zeros(room, np.int64)
    open_, high, low, close, volume = (np.zeros(room) for _ in range(5))
    count = scan(np.frombuffer(text.encode(), np.int8), times, open_, high, low, close, volume, np.empty(6))
    if count == UNUSUAL:
        return None
    columns = (times, open_, high, low, close, volume)
    return [{name: float(column[i]) for name, column in zip(FIELDS, columns, strict=True)} for i in range(count)]


@given(st.lists(CANDLE, max_size=8), BLANK, BLANK, st.randoms())
def test_what_is_read_is_what_python_reads(rows: list[dict[str, str]], one: str, two: str, chance: object) -> None:
    items = []
    for row in rows:
        names = list(row)
        chance.shuffle(names)  # type: ignore[attr-defined]
        inner = f"{two},{one}".join(f'"{name}"{one}:{two}{row[name]}' for name in names)
        items.append(f"{{{one}{inner}{two}}}")
    text = f"{one}[{two}{f'{one},{two}'.join(items)}{one}]{two}"
    expected = [{"volume": 0.0} | each for each in json.loads(text, parse_int=float)]
    found = scanned(text)
    if found is not None:
        assert found == expected
    else:
        # Only what has more digits than are beyond doubt is left to a decoder.
        assert any(len(each.replace(".", "").lstrip("0")) > 15 for row in rows for each in row.values())


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[", "]", "[{}]", "[1]", "[null]", '{"error": "x"}', "[]x", "[],", "[[]]",
        '[{"time":1,"open":1,"high":1,"low":1}]',
        '[{"time":1,"open":1,"high":1,"low":1,"close":1,}]',
        '[{"time":1,"open":1,"high":1,"low":1,"close":1},]',
        '[{"time":1,"open":1,"high":1,"low":1,"close":1}',
        '[{"time":1,"open":1,"high":1,"low":1,"close":1} {}]',
        '[{"time":1,"time":2,"open":1,"high":1,"low":1,"close":1}]',
        '[{"time":1.5,"open":1,"high":1,"low":1,"close":1}]',
        '[{"time":1,"open":1e5,"high":1,"low":1,"close":1}]',
        '[{"time":1,"open":01,"high":1,"low":1,"close":1}]',
        '[{"time":1,"open":1.,"high":1,"low":1,"close":1}]',
        '[{"time":1,"open":.5,"high":1,"low":1,"close":1}]',
        '[{"time":1,"open":null,"high":1,"low":1,"close":1}]',
        '[{"time":1,"open":"1","high":1,"low":1,"close":1}]',
        '[{"time":1,"open":NaN,"high":1,"low":1,"close":1}]',
        '[{"time":1,"open":1.0000000000000001,"high":1,"low":1,"close":1}]',
        '[{"time":1,"open":1,"high":1,"low":1,"close":1,"spread":1}]',
    ],
)  # fmt: skip
def test_what_is_unusual_is_left_to_a_decoder(text: str) -> None:
    assert scanned(text) is None


def test_no_more_is_written_than_there_is_room_for() -> None:
    candle = '{"time":1,"open":1,"high":1,"low":1,"close":1}'
    assert scanned(f"[{candle},{candle}]", room=1) is None
    assert scanned(f"[{candle}]", room=1) is not None
