"""The position manager: candles and decisions in, fills, trades and equity out."""

from __future__ import annotations

from sptrader_stream.events import Candles, Decisions, Executions
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.topics import Inbox, Topic


async def position_manager(
    core: PositionCore, candles: Inbox[Candles], decisions: Inbox[Decisions], executions: Topic[Executions]
) -> None:
    """Walk every batch of candles with the decisions made on it.

    The inboxes are read in turn, candles k and then decisions k: nothing depends on which of them came first.
    """
    with executions:
        async for decided in decisions:
            batch = await anext(candles)
            done = core.process(batch, decided.entries, decided.exits)
            await executions.publish(
                Executions(
                    first=batch.first,
                    generated=decided.generated,
                    time=batch.time,
                    equity=done.equity,
                    open_positions=done.open_positions,
                    records=done.records,
                )
            )
