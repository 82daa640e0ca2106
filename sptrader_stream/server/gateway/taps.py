"""Candles and signals of a run under way: the last few batches are kept, and put into messages when it is time.

A run at full speed has millions of candles a second; nothing of them is even decoded but what is shown.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np

from actors.run import Run
from sptrader_stream.candles import block_of
from sptrader_stream.events import Candles, Signals, decoder
from sptrader_stream.money import format_scaled
from sptrader_stream.report.operands import drawn_operands
from sptrader_stream.rules.operands import SignalOperand
from sptrader_stream.rules.wording import Wording
from sptrader_stream.server.messages import CandlesMessage, SignalOutput, SignalsMessage
from sptrader_stream.timeframes import format_time

_BATCHES: Final = 64
_MOST_CANDLES: Final = 500
_MOST_OUTPUTS: Final = 200
_CANDLES: Final = decoder(Candles)
_SIGNALS: Final = decoder(Signals)


class CandleTap:
    """The newest candles of a run.

    Args:
        run: under way.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._frames: deque[bytes] = deque(maxlen=_BATCHES)
        self._taken = [0] * len(run.spec.markets)
        self.close = run.candles.tap(self._frames.append)

    def messages(self) -> list[CandlesMessage]:
        """One for each instrument that has candles since the last call."""
        batches = [_CANDLES.decode(frame) for frame in self._frames]
        self._frames.clear()
        return [each for index in range(len(self._taken)) if (each := self._message(index, batches)) is not None]

    def _message(self, index: int, batches: list[Candles]) -> CandlesMessage | None:
        market = self._run.spec.markets[index]
        blocks = [block_of(each, index) for each in batches]
        blocks = [each for each in blocks if len(each.time)]
        if not blocks:
            return None
        digits = market.instrument.price_precision

        def joined(name: str) -> list[int]:
            values: list[int] = np.concatenate([getattr(each, name) for each in blocks])[-_MOST_CANDLES:].tolist()
            return values

        def prices(name: str) -> list[str]:
            return [format_scaled(each, digits) for each in joined(name)]

        times = joined("time")
        end = batches[-1].first + len(batches[-1].time)
        cut_off = sum(len(each.time) for each in blocks) > len(times)
        return CandlesMessage(
            backtest_id=self._run.spec.run_id,
            symbol=market.instrument.symbol,
            timeframe=market.source.info.timeframe,
            first=end - len(times) if cut_off else batches[0].first,
            next=end,
            time=list(map(format_time, times)),
            open=prices("open"),
            high=prices("high"),
            low=prices("low"),
            close=prices("close"),
            volume=[float(each) for each in joined("volume")],
        )


class SignalTap:
    """What a run's signals said last.

    Args:
        run: under way.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._plan = run.spec.strategy
        self._wording = Wording(self._plan)
        self._candles: deque[bytes] = deque(maxlen=_BATCHES)
        self._signals: deque[bytes] = deque(maxlen=_BATCHES)
        self._came = 0
        self._values: dict[str, dict[str, float | None]] = {}
        self._untap = (run.candles.tap(self._candles.append), run.signals.tap(self._take))

    def close(self) -> None:
        """Keep nothing any more."""
        for untap in self._untap:
            untap()

    def _take(self, frame: bytes) -> None:
        self._came += 1
        self._signals.append(frame)

    def messages(self) -> list[SignalsMessage]:
        """What was said since the last call, if anything came."""
        if not self._signals:
            return []
        candles = {each.first: each for each in map(_CANDLES.decode, self._candles)}
        outputs: list[SignalOutput] = []
        for signals in map(_SIGNALS.decode, self._signals):
            batch = candles.get(signals.first)
            if batch is not None:
                outputs += self._outputs(signals, batch)
        skipped = self._came > len(self._signals) or len(outputs) > _MOST_OUTPUTS
        self._came = 0
        self._signals.clear()
        return [
            SignalsMessage(
                backtest_id=self._run.spec.run_id,
                skipped=skipped,
                outputs=sorted(outputs[-_MOST_OUTPUTS:], key=lambda each: each.time),
                values=self._values,
            )
        ]

    def _outputs(self, signals: Signals, batch: Candles) -> Iterator[SignalOutput]:
        for index, found in enumerate(signals.instruments):
            symbol = self._run.spec.markets[index].instrument.symbol
            time = block_of(batch, index).time
            values = self._values.setdefault(symbol, {})
            for drawn in drawn_operands(self._plan):
                column = found.columns[drawn.column]
                if column.dtype.kind == "f" and len(column):
                    last = float(column[-1])
                    values[drawn.name] = last if math.isfinite(last) else None
            for number, operand in enumerate(self._plan.operands):
                column = found.columns[number]
                if not isinstance(operand, SignalOperand) or column.dtype.kind == "f":
                    continue
                closes = found.closes[self._plan.operand_timeframes[number]] if found.closes else None
                for place in np.flatnonzero(column).tolist()[-_MOST_OUTPUTS:]:
                    # A moment lies between rows; what closes late closed with the row before.
                    row = place if closes is None else max((int(closes[place]) - 1) // 2, 0)
                    yield SignalOutput(
                        time=format_time(int(time[row])),
                        symbol=symbol,
                        signal=operand.signal,
                        output=operand.output,
                        value=self._wording.choice(number, int(column[place])),
                    )
