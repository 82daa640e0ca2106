"""Candles of the server's files, as the market-data server gives them."""

from __future__ import annotations

import re
from decimal import Decimal

import httpx

from sptrader_stream.timeframes import parse_time
from tests.server.process import ServerProcess

MONDAY = parse_time("2025-01-06") // 10**9


def test_metadata_names_what_there_is(client: httpx.Client) -> None:
    found = client.get("/api/metadata").json()
    (symbol,) = found["symbols"]
    assert (symbol["symbol"], symbol["earliest"], symbol["tick_count"]) == ("GBPUSD", MONDAY, 234)
    one = client.get("/api/metadata/GBPUSD").json()
    assert one["timeframes"] == ["1h", "4h", "12h", "1d"]
    assert client.get("/api/metadata", params={"symbol": "GBPUSD"}).json() == one
    assert client.get("/api/metadata/EURUSD").status_code == 404


def test_candles_are_exact_and_rise_in_time(client: httpx.Client, server: ServerProcess) -> None:
    end = MONDAY + 86_400
    answer = client.get("/api/candles", params={"symbol": "GBPUSD", "timeframe": "1h", "from": MONDAY, "to": end})
    rows = (server.workspace / "data" / "GBPUSD-1h.csv").read_text().splitlines()[1:26]
    prices = re.findall(r'"close":([0-9.]+)', answer.text)
    assert prices == [row.split(",")[-1] for row in rows]
    assert [each["time"] for each in answer.json()] == list(range(MONDAY, end + 1, 3_600))
    assert client.get(f"/api/candles/GBPUSD/1h?from={MONDAY}&to={end}").json() == answer.json()


def test_coarser_candles_are_made_of_the_files_own(client: httpx.Client) -> None:
    end = MONDAY + 86_400
    fine = client.get(f"/api/candles/GBPUSD/1h?from={MONDAY}&to={end}").json()
    coarse = client.get(f"/api/candles/GBPUSD/4h?from={MONDAY}&to={end}").json()
    for index, candle in enumerate(coarse):
        part = fine[4 * index : 4 * index + 4]
        assert (candle["open"], candle["close"]) == (part[0]["open"], part[-1]["close"])
        assert Decimal(str(candle["high"])) == max(Decimal(str(each["high"])) for each in part)
    assert len(coarse) == 6


def test_an_empty_range_says_what_there_is(client: httpx.Client) -> None:
    answer = client.get("/api/candles?symbol=GBPUSD&timeframe=1h&from=1000&to=2000")
    assert (answer.json(), answer.headers["x-data-available"]) == ([], "false")
    assert answer.headers["x-available-from"] == "2025-01-06T00:00:00Z"


def test_who_has_the_candles_already_gets_nothing(client: httpx.Client) -> None:
    path = f"/api/candles?symbol=GBPUSD&timeframe=1h&from={MONDAY}&to={MONDAY + 7_200}"
    tag = client.get(path).headers["etag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_asked_for_wrongly_is_named(client: httpx.Client) -> None:
    answer = client.get("/api/candles?symbol=GBPUSD&timeframe=7h&from=5&to=2")
    assert answer.status_code == 422
    assert [each["path"] for each in answer.json()["errors"]] == ["timeframe", "from"]
