"""The signal engine: candles in, the columns that the strategy's rules read out."""

from __future__ import annotations

from sptrader_stream.events import Candles, Signals
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.topics import Inbox, Topic


async def signal_engine(core: SignalEngine, candles: Inbox[Candles], signals: Topic[Signals]) -> None:
    """Compute signals and indicators for every batch of candles."""
    with signals:
        async for batch in candles:
            await signals.publish(core.process(batch))
