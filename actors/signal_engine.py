"""The signal engine: candles in, the columns that the strategy's rules read out."""

from __future__ import annotations

import math
from typing import Final

import trio

from sptrader_stream.errors import SignalError
from sptrader_stream.events import Candles, Signals
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.topics import Inbox, Topic

# How long code of the user's own may go on after its run was cancelled.
PATIENCE_SECONDS: Final = 5.0


class Patience:
    """With code of the user's own in a thread: without end, until the run is cancelled."""

    def __init__(self) -> None:
        self._is_ending = False
        self._deadline = math.inf
        self._scope: trio.CancelScope | None = None

    def end_soon(self) -> None:
        """From now on it is ``PATIENCE_SECONDS``, for what is at work already as well."""
        self._is_ending = True
        if self._scope is not None:
            self._begin_end()
            self._scope.deadline = self._deadline

    def scope(self) -> trio.CancelScope:
        """A scope that is cancelled when it ends; to be entered at once."""
        if self._is_ending:
            self._begin_end()
        self._scope = trio.CancelScope(deadline=self._deadline)
        return self._scope

    def _begin_end(self) -> None:
        # One deadline for all batches that are still to come.
        if self._deadline == math.inf:
            self._deadline = trio.current_time() + PATIENCE_SECONDS


async def signal_engine(core: SignalEngine, candles: Inbox[Candles], signals: Topic[Signals]) -> None:
    """Compute signals and indicators for every batch of candles."""
    with signals:
        async for batch in candles:
            await signals.publish(core.process(batch))


async def signal_engine_in_thread(
    core: SignalEngine, candles: Inbox[Candles], signals: Topic[Signals], patience: Patience
) -> None:
    """Do the same in a thread, because code of the user's own may take long, or for ever.

    Args:
        core, candles, signals: as for :func:`signal_engine`.
        patience: when it ends, the thread is left to itself.

    Raises:
        SignalError: the thread was left to itself.
    """
    with signals:
        async for batch in candles:
            with patience.scope() as scope:
                done = await trio.to_thread.run_sync(core.process, batch, abandon_on_cancel=True)
            if scope.cancelled_caught:
                raise SignalError(
                    f"a signal of the strategy's own had not answered {PATIENCE_SECONDS:g} s after the run was "
                    f"cancelled, at candle {batch.first}: look for a loop that does not end"
                )
            await signals.publish(done)
