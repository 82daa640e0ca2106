"""The position manager: candles and decisions in, fills, trades and equity out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from sptrader_stream.events import Candles, Decisions, Executions
from sptrader_stream.execution.core import Executed, PositionCore
from sptrader_stream.topics import Inbox, Topic

# Why open positions are closed at the end of a run; None where they are not.
Settlement = Callable[[], Literal["cancelled", "end_of_data"] | None]


async def position_manager(
    core: PositionCore,
    settlement: Settlement,
    candles: Inbox[Candles],
    decisions: Inbox[Decisions],
    executions: Topic[Executions],
) -> None:
    """Walk every batch of candles with the decisions made on it, and settle at the end.

    The inboxes are read in turn, candles k and then decisions k: nothing depends on which of them came first.
    """
    with executions:
        candle = 0
        async for decided in decisions:
            batch = await anext(candles)
            await executions.publish(execute(core, batch, decided))
            candle = batch.first + len(batch.time)
        settled = settle(core, settlement(), candle)
        if settled is not None:
            await executions.publish(settled)


def execute(core: PositionCore, batch: Candles, decided: Decisions) -> Executions:
    """Walk one batch of candles."""
    return _executions(core.process(batch, decided), batch.first, len(batch.time), decided.generated)


def settle(core: PositionCore, reason: Literal["cancelled", "end_of_data"] | None, candle: int) -> Executions | None:
    """Close what is open at the end of a run, where the strategy asks for that; ``candle`` is how many there were."""
    done = None if reason is None else core.finish(reason)
    return None if done is None else _executions(done, candle, 0, 0, settles=True)


def _executions(done: Executed, first: int, candles: int, generated: int, *, settles: bool = False) -> Executions:
    return Executions(first, candles, generated, done.time, done.equity, done.open_positions, done.records, settles)
