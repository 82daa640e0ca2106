"""Market-data servers: one in this process, written from the interface alone, and the stand-in in its own."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from sptrader_stream.sources.http.settings import HttpSettings
from sptrader_stream.workspace import create_workspace

URL: Final = "http://market.test"
SETTINGS: Final = HttpSettings(
    url=URL, piece_candles=100, pieces_ahead=2, attempt_seconds=5, patience_seconds=5, first_pause_seconds=0.001,
    longest_pause_seconds=0.002,
)  # fmt: skip
Candle = tuple[int, str, str, str, str, str]
Fault = Callable[[httpx.Response, random.Random], httpx.Response]


def server_error(_: httpx.Response, chance: random.Random) -> httpx.Response:
    return httpx.Response(chance.choice([500, 502, 503, 504]), text="<html>oops</html>")


def rate_limited(_: httpx.Response, __: random.Random) -> httpx.Response:
    return httpx.Response(429, json={"error": "slow down"}, headers={"Retry-After": "0"})


def cut_connection(_: httpx.Response, __: random.Random) -> httpx.Response:
    raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def no_connection(_: httpx.Response, __: random.Random) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def truncated(right: httpx.Response, chance: random.Random) -> httpx.Response:
    return httpx.Response(200, content=right.content[: chance.randrange(max(1, len(right.content)))])


def web_page(_: httpx.Response, __: random.Random) -> httpx.Response:
    return httpx.Response(200, text="<html>Welcome</html>")


def wrong_order(right: httpx.Response, chance: random.Random) -> httpx.Response:
    rows = json.loads(right.content)
    chance.shuffle(rows)
    return httpx.Response(200, json=rows)


def doubled(right: httpx.Response, chance: random.Random) -> httpx.Response:
    rows = json.loads(right.content)
    place = chance.randrange(len(rows))
    return httpx.Response(200, json=[*rows[: place + 1], *rows[place:]])


def out_of_range(right: httpx.Response, _: random.Random) -> httpx.Response:
    rows = json.loads(right.content)
    return httpx.Response(200, json=[*rows, rows[-1] | {"time": rows[-1]["time"] + 10**9}])


def missing_field(right: httpx.Response, chance: random.Random) -> httpx.Response:
    rows = json.loads(right.content)
    del rows[chance.randrange(len(rows))]["close"]
    return httpx.Response(200, json=rows)


def text_price(right: httpx.Response, chance: random.Random) -> httpx.Response:
    rows = json.loads(right.content)
    rows[chance.randrange(len(rows))]["high"] = "high"
    return httpx.Response(200, json=rows)


FAULTS: Final[Sequence[Fault]] = (
    server_error, rate_limited, cut_connection, no_connection, truncated, web_page, wrong_order, doubled, out_of_range,
    missing_field, text_price,
)  # fmt: skip


class MarketServer:
    """Serves candles of one symbol.

    Attributes:
        asked: the ranges that were asked for, as they came.
        unchanged: how many of the answers were that nothing has changed.
        version: of the candles; another one makes all of them new.
    """

    def __init__(
        self, candles: Sequence[Candle], timeframe: str = "1h", faults: Sequence[Fault] = (), share: float = 0.0,
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.asked: list[tuple[int, int]] = []
        self.unchanged = 0
        self.version = 1
        self._candles = candles
        self._timeframe = timeframe
        self._faults = faults
        self._share = share
        self._chance = random.Random(seed)

    def client(self, settings: HttpSettings) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=settings.url, transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        right = self._right(request)
        has_candles = right.status_code == 200 and request.url.path != "/api/metadata" and len(right.content) > 2
        if has_candles and self._chance.random() < self._share:
            return self._chance.choice(self._faults)(right, self._chance)
        return right

    def _right(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if request.url.path == "/api/metadata":
            if query["symbol"] != "EURUSD":
                return httpx.Response(404, json={"error": "Symbol not found", "code": "SYMBOL_NOT_FOUND"})
            return httpx.Response(
                200,
                json={
                    "symbol": "EURUSD", "earliest": self._candles[0][0], "latest": self._candles[-1][0],
                    "tick_count": 5, "timeframes": ["5m", "15m", "1h", "4h", "12h"],
                },
            )  # fmt: skip
        assert request.url.path == f"/api/candles/EURUSD/{self._timeframe}"
        first, last = int(query["from"]), int(query["to"])
        assert 0 < last - first <= 2 * 366 * 86_400
        self.asked.append((first, last))
        tag = f'"{first}-{last}-{self.version}"'
        if request.headers.get("if-none-match") == tag:
            self.unchanged += 1
            return httpx.Response(304, headers={"ETag": tag})
        rows = [
            f'{{"time": {time}, "open": {open_}, "high": {high}, "low": {low}, "close": {close}, "volume": {volume}}}'
            for time, open_, high, low, close, volume in self._candles
            if first <= time <= last
        ]
        return httpx.Response(200, text=f"[{', '.join(rows)}]", headers={"ETag": tag})


def hourly(count: int, seed: int = 1) -> list[Candle]:
    """Candles of hours, from Monday, 2 January 2023; decimal text."""
    chance = random.Random(seed)
    price, found = 108_000, []
    for hour in range(count):
        path = [price := price + chance.randint(-60, 60) for _ in range(4)]
        ticks = (path[0], max(path), min(path), path[-1])
        found.append(
            (1_672_617_600 + 3_600 * hour, *(f"{each / 1e5:.5f}" for each in ticks), str(chance.randint(0, 900)))
        )
    return found  # type: ignore[return-value]


def workspace_of_hours(folder: Path, candles: Sequence[Candle]) -> Path:
    """Make a workspace whose data folder has a file of hourly candles; answers its path."""
    create_workspace(folder)
    (folder / "data").mkdir()
    lines = [",".join(map(str, each)) for each in candles]
    file = folder / "data" / "EURUSD-1h.csv"
    file.write_text("\n".join(["time,open,high,low,close,volume", *lines]) + "\n", encoding="utf-8")
    return file


@contextmanager
def standin(folder: Path, *words: str) -> Iterator[str]:
    """Run ``sptrader data serve`` over a workspace; gives its address."""
    command = [sys.executable, "-m", "sptrader_stream.cli", "data", "serve", "--port", "0", "--workspace", str(folder)]
    with subprocess.Popen([*command, *words], stdout=subprocess.PIPE, env={**os.environ, "NO_COLOR": "1"}) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline().decode())
        assert found is not None
        try:
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
