"""The wiring of one run: the actors, the topics between them, and what happens when one of them fails or is stopped.

    candle_feed ──▶ signal_engine ──▶ rule_matcher ──▶ position_manager ──▶ metrics ──▶ recorder ──▶ log
         └──────────────────────────────────────────────────▲

With bounds, one actor more reads the candles and decisions, for a second portfolio that nobody records.

A run ends through its feed alone: when the source is at its end, when the run is cancelled, or when an actor has
failed, the feed stops and closes its topic, and every actor behind it finishes what it still gets. So what was
recorded is always whole batches, and nothing has to be thrown away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Literal, NamedTuple

import trio

from actors.bounds import bounds
from actors.candle_feed import CandleFeed
from actors.metrics import metrics
from actors.playback import Playback
from actors.position_manager import position_manager
from actors.recorder import recorder
from actors.rule_matcher import rule_matcher
from actors.signal_engine import Patience, signal_engine, signal_engine_in_thread
from sptrader_stream.errors import innermost
from sptrader_stream.events import (
    Candles,
    Decisions,
    Executions,
    Failure,
    LogEvent,
    Reports,
    Signals,
)
from sptrader_stream.execution.core import PositionCore
from sptrader_stream.metrics.core import MetricsCore
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.signals.engine import SignalEngine
from sptrader_stream.store.recording import Recording
from sptrader_stream.topics import Inbox, Topic

# A channel holds about this many candles, so that small batches do not switch tasks at every step and large ones do
# not pile up.
_CANDLES_WAITING = 16_384
_MOST_FRAMES_WAITING = 64


def frames_waiting(batch_size: int) -> int:
    """How many frames a channel holds in a run with batches of this size."""
    return max(1, min(_MOST_FRAMES_WAITING, _CANDLES_WAITING // batch_size))


class Portfolio(NamedTuple):
    """What trades, and what it comes to."""

    positions: PositionCore
    metrics: MetricsCore


class Pipeline:
    """The actors' cores, and their way through one run.

    Attributes:
        feed, signals, rules: the cores of the actors that no portfolio matters to.
        portfolio: the cores of the one that is recorded.
        other: the cores of the one with the other ``same_bar`` policy; None where no bounds are wanted.
        candles, signal_columns: what the feed and the signal engine publish, for whoever watches.
        failure: the first actor that failed, if one did; ``error`` is what it raised.
    """

    def __init__(
        self,
        feed: CandleFeed,
        signals: SignalEngine,
        rules: RuleMatcher,
        portfolio: Portfolio,
        other: Portfolio | None,
        playback: Playback,
        capacity: int,
        *,
        in_thread: bool,
    ) -> None:
        """Put a pipeline together.

        Args:
            feed, signals, rules, portfolio, other: see the attributes.
            playback: in whose hands the feed's time is; told what was recorded.
            capacity: how many frames the channel between two actors holds.
            in_thread: whether the signal engine works in a thread.
        """
        self.feed = feed
        self.signals = signals
        self.rules = rules
        self.portfolio = portfolio
        self.other = other
        self.failure: Failure | None = None
        self.error: BaseException | None = None
        self.candles = Topic(Candles, capacity)
        self.signal_columns = Topic(Signals, capacity)
        self._playback = playback
        self._capacity = capacity
        self._feeding = trio.CancelScope()
        self._patience = Patience()
        self._in_thread = in_thread

    def cancel(self) -> None:
        """Stop within a batch; what was done is kept."""
        self._feeding.cancel()
        self._patience.end_soon()

    async def run(self, recording: Recording, log: Topic[LogEvent]) -> None:
        """Run until every actor has finished.

        Args:
            recording: where the recorder writes.
            log: where it publishes.
        """
        candles, signals, capacity = self.candles, self.signal_columns, self._capacity
        decisions = Topic(Decisions, capacity)
        executions = Topic(Executions, capacity)
        reports = Topic(Reports, capacity)

        candles_to_signals, candles_to_positions = candles.subscribe(), candles.subscribe()
        to_rules, to_positions = signals.subscribe(), decisions.subscribe()
        to_metrics, to_recorder = executions.subscribe(), reports.subscribe()

        async with trio.open_nursery() as nursery:

            def start(name: str, work: Awaitable[None], *inboxes: Inbox[Any]) -> None:
                nursery.start_soon(self._supervise, name, work, inboxes)

            if self._in_thread:
                signal_work = signal_engine_in_thread(self.signals, candles_to_signals, signals, self._patience)
            else:
                signal_work = signal_engine(self.signals, candles_to_signals, signals)
            start("signal_engine", signal_work, candles_to_signals)
            start("rule_matcher", rule_matcher(self.rules, to_rules, decisions), to_rules)
            start(
                "position_manager",
                position_manager(
                    self.portfolio.positions, self._settlement, candles_to_positions, to_positions, executions
                ),
                candles_to_positions,
                to_positions,
            )
            start("metrics", metrics(self.portfolio.metrics, to_metrics, reports), to_metrics)
            start("recorder", recorder(recording, to_recorder, log, self._playback.note), to_recorder)
            if self.other is not None:
                candles_to_bounds, to_bounds = candles.subscribe(), decisions.subscribe()
                start(
                    "bounds",
                    bounds(*self.other, self._settlement, candles_to_bounds, to_bounds),
                    candles_to_bounds,
                    to_bounds,
                )
            await self._supervise_feed(candles)

    def _settlement(self) -> Literal["cancelled", "end_of_data"] | None:
        """Say why positions are closed at the end; asked when the feed is over. A failed run leaves them open."""
        if self.failure is not None or self.feed.failure is not None:
            return None
        return "end_of_data" if self.feed.finished else "cancelled"

    async def _supervise(self, name: str, work: Awaitable[None], inboxes: Sequence[Inbox[Any]]) -> None:
        """Let an actor work to the end of its inboxes; if it fails, remember that and stop the feed."""
        try:
            with trio.CancelScope(shield=True):
                await work
        except Exception as error:
            self._fail(name, inboxes[0].candle, error)
        finally:
            for inbox in inboxes:
                inbox.close()

    async def _supervise_feed(self, candles: Topic[Candles]) -> None:
        try:
            with self._feeding:
                await self.feed.run(candles)
        except Exception as error:
            self._fail("candle_feed", self.feed.candle, error)
        if self.feed.failure is not None:
            self._fail("candle_feed", self.feed.candle, self.feed.failure)

    def _fail(self, actor: str, candle: int, error: BaseException) -> None:
        if self.failure is None:
            self.error = innermost(error)
            words = str(self.error) if isinstance(self.error, Exception) else ""
            self.failure = Failure(actor, candle, words or type(self.error).__name__)
        self._feeding.cancel()
