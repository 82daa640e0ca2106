"""JSON: lists and lines, objects and lists of values, with a clear word about what is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sptrader_stream.errors import DataError
from sptrader_stream.opening import open_source
from sptrader_stream.sources import json_file
from tests.plain_candles import EURUSD, NOON, plain, through_the_contract

ROWS = plain(20_000)


def price(ticks: int) -> str:
    return f"{ticks / 10**5:.5f}"


OBJECTS = [
    {
        "time": time // 10**9,
        "open": float(price(o)),
        "high": float(price(h)),
        "low": float(price(low)),
        "close": float(price(c)),
        "volume": volume,
    }
    for time, o, h, low, c, volume, _ in ROWS
]
BINANCE = [
    [
        time // 10**6,
        price(o),
        price(h),
        price(low),
        price(c),
        str(volume),
        time // 10**6 + 59_999,
        "0",
        5,
        "0",
        "0",
        "0",
    ]
    for time, o, h, low, c, volume, _ in ROWS
]


def test_a_list_of_objects_as_the_market_data_server_gives_it(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD-1m.json"
    path.write_text(json.dumps(OBJECTS))
    source = open_source(str(path), EURUSD)
    assert (source.info.kind, source.info.timeframe) == ("json", "1m")
    assert through_the_contract(source) == ROWS


def test_lines_of_objects_and_lists_of_values(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text("\n".join(json.dumps(each) for each in OBJECTS) + "\n\n")
    assert through_the_contract(open_source(str(lines), EURUSD)) == ROWS
    lists = tmp_path / "a.json"
    lists.write_text(json.dumps(BINANCE))
    assert through_the_contract(open_source(str(lists), EURUSD)) == ROWS


def test_other_names_texts_and_spreads(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        '[{"t": "2025-01-06T12:00:00Z", "o": "1.1", "h": "1.2", "l": "1.0", "c": "1.1", "v": null, "spread": 2e-5},'
        ' {"t": "2025-01-06T12:01:00Z", "o": "1.1", "h": "1.2", "l": "1.0", "c": "1.1", "v": 5, "spread": "0.00003"}]'
    )
    found = through_the_contract(open_source(str(path), EURUSD))
    assert [(row[0] - NOON, row[1], row[5], row[6]) for row in found] == [
        (0, 110_000, 0.0, 2),
        (60 * 10**9, 110_000, 5.0, 3),
    ]


def test_ticks_in_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"time": 1736164800, "bid": 1.1, "ask": 1.1002}\n{"time": 1736164801, "bid": 1.2, "ask": 1.2}\n')
    ((_, open_, high, low, close, volume, spread),) = through_the_contract(
        open_source(str(path), EURUSD, timeframe="1m")
    )
    assert (open_, high, low, close, volume, spread) == (110_000, 120_000, 110_000, 120_000, 2.0, 0)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "", "empty"),
        ("a.json", "[]", "holds no candles"),
        ("a.json", "{}", "not a list of candles in JSON: Expected `array`"),
        ("a.json", '[{"time": 1, "open": 1}]', "no column for high, low, close. Found: time, open"),
        ("a.json", "[[1, 2]]", "candle 1: 2 values, expected time, open, high, low, close, volume"),
        ("a.json", '[{"time":60,"open":1,"high":1,"low":1,"close":"x"}]', "candle 1: close is 'x', which is no number"),
        ("a.json", '[{"time":60,"open":1,"high":[],"low":1,"close":1}]', "candle 1: high is no number"),
        ("a.json", "[" * 100_000, "not a list of candles in JSON"),
        ("a.json", '{"time": 1}', "not a list of candles in JSON"),
        ("a.jsonl", '{"time":60,"open":1,"high":1,"low":1,"close":1}\nnonsense\n', "line 2: not a candle in JSON"),
        (
            "a.jsonl",
            '{"time":60,"open":1,"high":1,"low":1,"close":1}\n' + "x" * 70_000,
            "line 2: longer than 65,536 bytes",
        ),
        ("a.json", b"\xff\xfe\x00", "not a list of candles in JSON"),
    ],
)
def test_what_is_none_is_told(tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message):
        through_the_contract(open_source(str(path), EURUSD))


def test_a_document_that_is_too_large_to_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(OBJECTS))
    monkeypatch.setattr(json_file, "_LARGEST_DOCUMENT", 1 << 20)
    with pytest.raises(DataError, match=r"2 MiB in one JSON document are too much .* a line for each candle"):
        open_source(str(path), EURUSD)
