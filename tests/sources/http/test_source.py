"""Candles of a market-data server: all of them, each once, as they were written, or a clear failure."""

from __future__ import annotations

import json
import threading
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import httpx
import msgspec
import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.errors import DataError, UserError
from sptrader_stream.instruments import Instrument, load_instruments
from sptrader_stream.opening import open_source
from sptrader_stream.sources.http.body import AnswerError, read_candles
from sptrader_stream.sources.http.settings import HttpSettings
from sptrader_stream.sources.http.source import HttpSource
from sptrader_stream.sources.intake import Intake, ready_chunks
from sptrader_stream.timeframes import NANOSECONDS, parse_end, parse_time
from tests.sources.http.servers import FAULTS, SETTINGS, Candle, Fault, MarketServer, cut_connection, hourly, truncated

EURUSD = load_instruments(Path(__file__).parents[3] / "config" / "instruments.yaml")["EURUSD"]
ALWAYS = msgspec.structs.replace(EURUSD, trading_hours="always")
CANDLES = hourly(450)


def source(server: MarketServer, *, settings: HttpSettings = SETTINGS, **options: object) -> HttpSource:
    return HttpSource(settings, ALWAYS, timeframe="1h", client=server.client, **options)  # type: ignore[arg-type]


def ticks(text: str, instrument: Instrument = ALWAYS) -> int:
    scaled = Decimal(text) * 10**instrument.price_precision
    return int(scaled.to_integral_value(ROUND_HALF_EVEN))


def rows(opened: HttpSource) -> list[tuple[int, ...]]:
    """What the engine gets, in ticks."""
    found = []
    for chunk in ready_chunks(opened, Intake(opened, ALWAYS)):
        columns = (chunk.time, chunk.open, chunk.high, chunk.low, chunk.close, chunk.volume)
        found += [tuple(int(each) for each in row) for row in zip(*columns, strict=True)]
    return found


def expected(candles: list[Candle]) -> list[tuple[int, ...]]:
    return [
        (time * NANOSECONDS, ticks(open_), ticks(high), ticks(low), ticks(close), int(volume))
        for time, open_, high, low, close, volume in candles
    ]


@pytest.mark.parametrize("piece", [1, 7, 100, 449, 450, 10_000])
def test_pieces_have_seams_without_doubles_or_holes(piece: int) -> None:
    server = MarketServer(CANDLES)
    found = rows(source(server, settings=msgspec.structs.replace(SETTINGS, piece_candles=piece)))
    assert found == expected(CANDLES)
    assert all(later[0] == sooner[1] for sooner, later in zip(server.asked, server.asked[1:], strict=False))


def test_a_range_has_both_its_ends() -> None:
    opened = source(MarketServer(CANDLES), start=parse_time("2023-01-05T10:00Z"), end=parse_time("2023-01-09T07:00Z"))
    first, last = 3 * 24 + 10, 7 * 24 + 7
    assert rows(opened) == expected(CANDLES[first : last + 1])
    assert (opened.info.start, opened.info.end) == (CANDLES[first][0] * NANOSECONDS, CANDLES[last][0] * NANOSECONDS)
    one = source(MarketServer(CANDLES), start=parse_time("2023-01-05T10:00Z"), end=parse_time("2023-01-05T10:30Z"))
    assert rows(one) == expected(CANDLES[first : first + 1])


def test_the_same_candles_are_asked_for_by_the_same_addresses_whatever_the_range() -> None:
    whole, part = MarketServer(CANDLES), MarketServer(CANDLES)
    rows(source(whole))
    rows(source(part, start=parse_time("2023-01-05T10:00Z"), end=parse_end("2023-01-20")))
    # All but the first and the last piece, which the range cuts.
    assert set(part.asked[1:-1]) <= set(whole.asked)


def test_gaps_are_no_mistake_of_the_server() -> None:
    with_gaps = CANDLES[:30] + CANDLES[290:]
    assert rows(source(MarketServer(with_gaps))) == expected(with_gaps)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_server_that_stumbles_is_asked_again(fault: Fault) -> None:
    server = MarketServer(CANDLES, faults=[fault], share=0.5, seed=3)
    assert rows(source(server)) == expected(CANDLES)
    assert len(server.asked) > len(set(server.asked))


@pytest.mark.parametrize("seed", range(25))
def test_whatever_a_server_does_the_candles_are_right_or_there_is_an_error(seed: int) -> None:
    server = MarketServer(CANDLES, faults=FAULTS, share=0.3 + seed % 7 / 10, seed=seed)
    patience = msgspec.structs.replace(SETTINGS, patience_seconds=0.3)
    try:
        found = rows(source(server, settings=patience))
    except DataError as error:
        found, message = None, str(error)
    if found is None:
        assert "http://market.test/api/candles/EURUSD/1h?from=" in message
        assert "no usable answer of the market-data server in" in message
    else:
        assert found == expected(CANDLES)


def test_a_server_that_does_not_get_up_is_given_up_with_what_it_said() -> None:
    patience = msgspec.structs.replace(SETTINGS, patience_seconds=0.1)
    with pytest.raises(DataError, match="the last was: peer closed connection") as caught:
        rows(source(MarketServer(CANDLES, faults=[cut_connection], share=1.0), settings=patience))
    assert "from=1672617600&to=" in str(caught.value)
    with pytest.raises(DataError, match=r"the last was: no list of candles: .*; it began with"):
        rows(source(MarketServer(CANDLES, faults=[truncated], share=1.0), settings=patience))


def test_a_symbol_that_the_server_does_not_know_is_told_at_once() -> None:
    other = msgspec.structs.replace(EURUSD, symbol="XXXYYY")
    with pytest.raises(DataError, match=r"metadata\?symbol=XXXYYY: the market-data server answered 404 .*not found"):
        HttpSource(SETTINGS, other, timeframe="1h", client=MarketServer(CANDLES).client)


def test_a_timeframe_or_a_range_that_the_server_has_not_is_told_with_what_it_has() -> None:
    with pytest.raises(UserError, match="no candles that make up 90s; it has 1m, 5m, 15m, 1h, 4h, 12h"):
        HttpSource(SETTINGS, EURUSD, timeframe="90s", client=MarketServer(CANDLES).client)
    with pytest.raises(DataError, match="has them from 2023-01-02T00:00:00Z to 2023-01-20T17:00:00Z"):
        source(MarketServer(CANDLES), start=parse_time("2024-01-01"))


def test_candles_that_the_server_has_not_are_made_of_the_coarsest_that_it_has() -> None:
    found = HttpSource(SETTINGS, EURUSD, timeframe="2h", client=MarketServer(CANDLES).client)
    assert found.info.timeframe == "1h"


def test_candles_that_change_while_they_are_read_are_an_error() -> None:
    class Changing(MarketServer):
        def answer(self, request: httpx.Request) -> httpx.Response:
            right = super().answer(request)
            if len(self.asked) == 2:
                changed = json.loads(right.content)
                changed[0]["close"] = changed[0]["low"]
                return httpx.Response(200, json=changed)
            return right

    with pytest.raises(DataError, match=r"came twice, with close .* candles changed while they were read"):
        rows(source(Changing(CANDLES)))


def test_reading_is_stopped_while_the_server_is_silent() -> None:
    is_asked = threading.Event()

    class Silent(MarketServer):
        async def wait(self, request: httpx.Request) -> httpx.Response:
            if request.url.path != "/api/metadata":
                is_asked.set()
                await trio.sleep_forever()
            return self.answer(request)

        def client(self, settings: HttpSettings) -> httpx.AsyncClient:
            return httpx.AsyncClient(base_url=settings.url, transport=httpx.MockTransport(self.wait))

    opened = source(Silent(CANDLES))

    def stop() -> None:
        is_asked.wait(10)
        opened.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(DataError, match="reading was stopped"):
        rows(opened)
    stopper.join()


def test_whoever_reads_only_a_part_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    chunks = source(MarketServer(CANDLES)).chunks()
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert threading.active_count() <= before + 1


@given(
    st.decimals(min_value=Decimal("0.0001"), max_value=Decimal("99999"), allow_nan=False, places=None).filter(
        lambda price: ticks(f"{price:f}") > 0
    )
)
def test_a_price_is_the_tick_nearest_to_its_text_however_long_that_is(price: Decimal) -> None:
    text = f"{price:f}"
    body = f'[{{"time": 3600, "open": {text}, "high": {text}, "low": {text}, "close": {text}}}]'.encode()
    raw = read_candles(body, 0, 10_000, ALWAYS.price_precision, 0)
    intake = Intake(_Named(), ALWAYS)  # type: ignore[arg-type]
    ready = intake.accept(raw)
    assert ready.close.tolist() == [ticks(text)]
    off = abs(Decimal(text) * 10**ALWAYS.price_precision - ticks(text)) > Decimal("0.001")
    assert [each.kind for each in intake.issues()] == (["precision"] if off else [])


class _Named:
    """As much of a source as an intake asks for."""

    def __init__(self) -> None:
        self.info = source(MarketServer(CANDLES)).info

    def place(self, row: int) -> str:
        return str(row)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no list of candles"),
        (b'{"error": "x"}', "no list of candles"),
        (b'[{"time": 1, "open": 1, "high": 1, "low": 1}]', "missing required field `close`"),
        (b'[{"time": 1.5, "open": 1, "high": 1, "low": 1, "close": 1}]', r"\$\[0\].time"),
        (b'[{"time": 1, "open": null, "high": 1, "low": 1, "close": 1}]', r"\$\[0\].open"),
        (b'[{"time": 1, "open": "1", "high": 1, "low": 1, "close": 1}]', r"\$\[0\].open"),
        (b'[{"time": 999999, "open": 1, "high": 1, "low": 1, "close": 1}]', "outside of the range"),
        (b"\xff\xfe", "no list of candles"),
    ],
)
def test_what_is_no_answer_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        read_candles(body, 0, 10_000, 5, 0)


def test_no_candles_is_an_answer() -> None:
    assert np.array_equal(read_candles(b"[]", 0, 10_000, 5, 0).time, [])


def test_a_server_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WS_MARKET_DATA_URL", raising=False)
    with pytest.raises(UserError, match="which market-data server\\? Set WS_MARKET_DATA_URL"):
        open_source("http", EURUSD, timeframe="1h")
    monkeypatch.setenv("WS_MARKET_DATA_URL", "ftp://x")
    with pytest.raises(UserError, match="WS_MARKET_DATA_URL: 'ftp://x' is no address"):
        open_source("http", EURUSD, timeframe="1h")
