"""The bounds actor: walks the same decisions with the other ``same_bar`` policy; only what they come to is kept."""

from __future__ import annotations

from actors.position_manager import Settlement, execute, settle
from sptrader_stream.events import Candles, Decisions
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.metrics.core import MetricsCore
from sptrader_stream.topics import Inbox


async def bounds(
    positions: PositionCore,
    metrics: MetricsCore,
    settlement: Settlement,
    candles: Inbox[Candles],
    decisions: Inbox[Decisions],
) -> None:
    """Take every batch through a portfolio of its own into statistics of its own."""
    candle = 0
    async for decided in decisions:
        batch = await anext(candles)
        metrics.process(execute(positions, batch, decided))
        candle = batch.first + len(batch.time)
    settled = settle(positions, settlement(), candle)
    if settled is not None:
        metrics.process(settled)
