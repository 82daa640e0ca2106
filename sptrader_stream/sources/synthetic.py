"""Made-up candles of any symbol, timeframe and range: the same request gives the same candles, a longer range extends
them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.columns import Floats
from sptrader_stream.errors import DataError
from sptrader_stream.instruments import Instrument, TradingHours
from sptrader_stream.money import parse_scaled
from sptrader_stream.sources import generator
from sptrader_stream.sources.source import CHUNK_ROWS, SourceInfo
from sptrader_stream.timeframes import (
    DAY,
    FIRST_MONDAY,
    HOUR,
    MINUTE,
    WEEK,
    format_time,
    format_timeframe,
    parse_time,
    parse_timeframe,
)

DEFAULT_START: Final = parse_time("2024-01-01")
_YEAR: Final = 365 * DAY
_FEWEST_CANDLES: Final = 2_000
_LATEST: Final = parse_time("2261-01-01")

# Pairs of nanoseconds since Monday, from which and before which no candle opens.
_NIGHT: Final = (21 * HOUR, 38 * HOUR + 30 * MINUTE)
CLOSED: Final[dict[TradingHours, tuple[int, ...]]] = {
    "always": (),
    "forex": (4 * DAY + 22 * HOUR, 6 * DAY + 22 * HOUR),
    "us_shares": (
        *(0, 14 * HOUR + 30 * MINUTE),
        *(day * DAY + hour for day in range(4) for hour in _NIGHT),
        *(4 * DAY + 21 * HOUR, WEEK),
    ),
}

# Decimal text, because a price is exact; a symbol that is not here starts at a price drawn from its name.
_BASE_PRICES: Final = {
    "EURUSD": "1.08", "GBPUSD": "1.27", "AUDUSD": "0.66", "NZDUSD": "0.61", "USDCAD": "1.36", "USDCHF": "0.89",
    "EURGBP": "0.85", "EURCHF": "0.96", "EURAUD": "1.63", "EURCAD": "1.47", "EURNZD": "1.77", "GBPCHF": "1.13",
    "GBPAUD": "1.92", "GBPCAD": "1.73", "GBPNZD": "2.08", "AUDCAD": "0.90", "AUDCHF": "0.59", "AUDNZD": "1.08",
    "NZDCAD": "0.83", "NZDCHF": "0.54", "CADCHF": "0.65", "EURSEK": "11.3", "EURNOK": "11.6", "USDSEK": "10.5",
    "USDNOK": "10.7", "USDJPY": "150", "EURJPY": "162", "GBPJPY": "190", "AUDJPY": "99", "NZDJPY": "91",
    "CADJPY": "110", "CHFJPY": "168", "XAUUSD": "2300", "XAGUSD": "28", "BTCUSD": "60000", "BTCUSDT": "60000",
    "ETHUSD": "3000", "ETHUSDT": "3000", "SOLUSD": "140", "SOLUSDT": "140", "BNBUSDT": "580", "LTCUSD": "80",
    "XRPUSD": "0.52", "XRPUSDT": "0.52", "ADAUSD": "0.45", "DOGEUSD": "0.15", "AAPL": "190", "AMD": "160",
    "AMZN": "180", "DIA": "390", "GOOG": "165", "GOOGL": "165", "INTC": "35", "IWM": "205", "JPM": "195", "KO": "62",
    "META": "490", "MSFT": "415", "NFLX": "620", "NVDA": "120", "QQQ": "450", "SPY": "520", "TSLA": "200", "V": "275",
    "XOM": "115",
}  # fmt: skip


class _Market(NamedTuple):
    """What a market is like.

    Attributes:
        volatility: standard deviation of a year's return.
        hours: trading hours in a year.
        spread: as a share of the price.
        volume: in a minute.
    """

    volatility: float
    hours: float
    spread: float
    volume: float


_MARKETS: Final[dict[TradingHours, _Market]] = {
    "always": _Market(volatility=0.6, hours=8_760, spread=0.0001, volume=20),
    "forex": _Market(volatility=0.08, hours=6_240, spread=0.00007, volume=60),
    "us_shares": _Market(volatility=0.3, hours=1_638, spread=0.0001, volume=5_000),
}


class SyntheticSource:
    """Candles that nobody ever traded.

    Args:
        instrument: whose symbol, precision and trading hours they have.
        timeframe: such as ``1m``.
        start: no candle opens earlier, nanoseconds since 1970 UTC; 2024-01-01 when None. Part of the seed.
        end: no candle opens later; a year after the start when None, or longer for 2,000 candles.

    Raises:
        UserError: ``timeframe`` is none.
        DataError: the range holds no candle, or ends after 2260.
    """

    def __init__(
        self, instrument: Instrument, *, timeframe: str, start: int | None = None, end: int | None = None
    ) -> None:
        self._timeframe = parse_timeframe(timeframe)
        self._instrument = instrument
        hours = instrument.trading_hours
        daily = hours == "us_shares" and self._timeframe >= DAY
        closed = (5 * DAY, WEEK) if daily else CLOSED[hours]
        # A candle of a week or more spans every closure.
        self._closed = np.array(() if self._timeframe >= WEEK else closed, np.int64)
        self._first = _aligned(DEFAULT_START if start is None else start, self._timeframe)
        self._last = self._first + max(_YEAR, _FEWEST_CANDLES * self._timeframe) - 1 if end is None else end
        if self._last > _LATEST:
            raise DataError(f"synthetic candles end in 2260: choose an end before {format_time(_LATEST)}")
        count = _count_open_times(self._first, self._last, self._timeframe, self._closed.tolist())
        if count == 0:
            raise DataError(
                f"synthetic: no {timeframe} candle of {instrument.symbol} opens from {format_time(self._first)} to "
                f"{format_time(self._last)}. Choose a longer range"
            )
        self.info = SourceInfo(
            kind="synthetic",
            name="synthetic",
            symbol=instrument.symbol,
            timeframe=format_timeframe(self._timeframe),
            rows=count,
            start=self._first,
            end=self._last,
            synthetic=True,
            trust="synthetic",
        )

    def place(self, row: int) -> str:
        """Say where a row is: ``row 1`` is the first."""
        return f"row {row + 1}"

    def chunks(self) -> Iterator[ReadyCandles]:
        """Make the candles, see ``CandleSource``."""
        state = np.zeros(generator.STATE_LENGTH, np.int64)
        state[generator.NEXT_TIME] = self._first
        state[generator.RANDOM] = self._seed()
        model = self._model()
        walk = np.zeros(generator.WALK_LENGTH)
        walk[generator.LEVEL] = model[generator.BASE]
        made = CHUNK_ROWS
        while made == CHUNK_ROWS:
            columns = [np.empty(CHUNK_ROWS, np.int64) for _ in range(6)]
            time, open_, high, low, close, spread = columns
            volume = np.empty(CHUNK_ROWS)
            made = generator.generate(
                time, open_, high, low, close, volume, spread,
                self._timeframe, self._last, self._closed, model, walk, state,
            )  # fmt: skip
            if made:
                yield ReadyCandles(
                    time=time[:made],
                    open=open_[:made],
                    high=high[:made],
                    low=low[:made],
                    close=close[:made],
                    volume=volume[:made],
                    spread=spread[:made],
                )

    def _seed(self) -> int:
        text = f"{self._instrument.symbol}|{self._timeframe}|{self._first}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)

    def _model(self) -> Floats:
        symbol = self._instrument.symbol
        market = _MARKETS[self._instrument.trading_hours]
        digest = hashlib.sha256(symbol.encode()).digest()
        price = _BASE_PRICES.get(symbol, str(20 + digest[0]))
        base = parse_scaled(price, self._instrument.price_precision, f"base price of {symbol}")
        model = np.zeros(generator.MODEL_LENGTH)
        model[generator.BASE] = base
        # From a day on a candle spans its nights, too: what counts is the calendar.
        year = _YEAR if self._timeframe >= DAY else market.hours * HOUR
        model[generator.MOVE] = market.volatility * math.sqrt(self._timeframe / year)
        model[generator.SPREAD] = max(1.0, base * market.spread)
        model[generator.VOLUME] = market.volume * self._timeframe / MINUTE
        return model


def _count_open_times(first: int, last: int, timeframe: int, closed: list[int]) -> int:
    """Count the candles from ``first`` to ``last`` that open in trading hours."""

    def before(time: int) -> int:
        return max(0, -(-(min(time, last + 1) - first) // timeframe))

    count = before(last + 1)
    monday = first - (first - FIRST_MONDAY) % WEEK
    while closed and monday <= last:
        for start, end in zip(closed[::2], closed[1::2], strict=True):
            count -= before(monday + end) - before(monday + start)
        monday += WEEK
    return count


def _aligned(start: int, timeframe: int) -> int:
    """Give the first open time of a timeframe from ``start`` on; weekly candles open on Mondays."""
    phase = FIRST_MONDAY if timeframe % WEEK == 0 else 0
    return start + (phase - start) % timeframe
