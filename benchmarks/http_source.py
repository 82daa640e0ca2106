"""``python -m benchmarks.http_source``: candles of a market-data server, from the bytes of its answers on.

Parsing alone, and a source read through the data contract, whose server is in the same process: it gives answers that
were made before, so that what is measured is the client.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import httpx

from sptrader_stream.instruments import load_instruments
from sptrader_stream.sources.http.body import read_candles
from sptrader_stream.sources.http.settings import HttpSettings
from sptrader_stream.sources.http.source import HttpSource
from sptrader_stream.sources.intake import Intake, ready_chunks

CANDLES: Final = 1_000_000
PIECE: Final = 20_000
ROUNDS: Final = 5
_STEP: Final = 60
_FIRST: Final = 1_500_000_000 // (PIECE * _STEP) * (PIECE * _STEP)


def body(first: int, last: int) -> bytes:
    """An answer with every candle from ``first`` to ``last``, Unix seconds, inclusive."""
    rows = []
    for moment in range(first, last + 1, _STEP):
        # The same at each asking, because a seam comes twice.
        low = moment * 7_919 % 90_000
        open_, high, close = (f"1.{low + each:05}" for each in (5, 10, 7))
        rows.append(
            f'{{"time":{moment},"open":{open_},"high":{high},"low":1.{low:05},"close":{close},"volume":{moment % 500}}}'
        )
    return f"[{','.join(rows)}]".encode()


def main() -> None:
    """Measure, and print candles a second."""
    instruments = load_instruments(Path(__file__).parents[1] / "config" / "instruments.yaml")
    length = PIECE * _STEP
    answers = {start: body(start, start + length) for start in range(_FIRST, _FIRST + CANDLES * _STEP, length)}
    parsing = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for start, answer in answers.items():
            read_candles(answer, start, start + length, 5, 0)
        parsing.append(CANDLES / (time.perf_counter() - begun))

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/metadata":
            known = {"symbol": "EURUSD", "earliest": _FIRST, "latest": _FIRST + len(answers) * length,
                     "timeframes": ["1m"]}  # fmt: skip
            return httpx.Response(200, json=known)
        return httpx.Response(200, content=answers[int(request.url.params["from"])])

    reading = []
    for _ in range(ROUNDS):
        source = HttpSource(
            HttpSettings(url="http://market.test", piece_candles=PIECE),
            instruments["EURUSD"],
            timeframe="1m",
            client=lambda settings: httpx.AsyncClient(base_url=settings.url, transport=httpx.MockTransport(serve)),
        )
        policy = Intake(source, instruments["EURUSD"])
        begun = time.perf_counter()
        count = sum(len(chunk) for chunk in ready_chunks(source, policy))
        reading.append(count / (time.perf_counter() - begun))
    figures = {"parsing_best": round(max(parsing)), "reading_best": round(max(reading)), "candles": count}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
