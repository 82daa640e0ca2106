"""What a run tells all who watch it beside its events: state, progress, metrics, candles and signals.

Only the newest of it matters. It is put together at ticks, once for everybody and each format, and only what somebody
wants.
"""

from __future__ import annotations

from typing import Final

import msgspec

from sptrader_stream.server.gateway.taps import CandleTap, SignalTap
from sptrader_stream.server.log.encoding import Format, frame
from sptrader_stream.server.messages import Topic
from sptrader_stream.server.runs.handle import RunHandle

CONFLATED: Final[tuple[Topic, ...]] = ("progress", "metrics", "candles", "signals")


class RunFeed:
    """A watched run.

    Attributes:
        run: it.
        tick: rises whenever there is something newer to tell.

    Args:
        run: see above.
        interval: between two ticks at least, seconds.
    """

    def __init__(self, run: RunHandle, interval: float) -> None:
        self.run = run
        self.tick = 0
        self._interval = interval
        self._next = float("-inf")
        self._version = -1
        self._messages: dict[Topic, list[msgspec.Struct]] = {}
        self._frames: dict[tuple[Topic, Format], bytes] = {}
        self._state: tuple[str, str, int | None] | None = None
        self._state_frames: dict[Format, bytes] = {}
        self.state_tick = 0
        self._taps: dict[Topic, CandleTap | SignalTap] = {}

    def want(self, topics: set[Topic]) -> None:
        """Say which topics anybody watches: only for these candles and signals are kept."""
        for topic in ("candles", "signals"):
            if topic in topics and topic not in self._taps and self.run.live is not None:
                self._taps[topic] = CandleTap(self.run.live) if topic == "candles" else SignalTap(self.run.live)
            elif topic not in topics and topic in self._taps:
                self._taps.pop(topic).close()

    def advance(self, now: float) -> float | None:
        """Begin a new tick if something has changed and it is time.

        Args:
            now: monotonic seconds.

        Returns:
            When to try again, where it was too soon.
        """
        run = self.run
        if run.version == self._version:
            return None
        state = run.state_message()
        known = (state.status, state.pace, state.queue_position)
        if known != self._state:
            self._state = known
            self._state_frames = {}
            self.state_tick += 1
        elif now < self._next and not run.is_over:
            return self._next
        self._version = run.version
        self._next = now + self._interval
        self.tick += 1
        self._messages = {}
        self._frames = {}
        return None

    def state(self, form: Format) -> bytes:
        """The state, as a frame."""
        if form not in self._state_frames:
            self._state_frames[form] = frame(self.run.state_message(), form)
        return self._state_frames[form]

    def newest(self, topic: Topic, form: Format) -> bytes:
        """The newest of a topic, as frames; empty where there is nothing."""
        key = (topic, form)
        if key not in self._frames:
            if topic not in self._messages:
                self._messages[topic] = self._tell(topic)
            self._frames[key] = b"".join(frame(each, form) for each in self._messages[topic])
        return self._frames[key]

    def _tell(self, topic: Topic) -> list[msgspec.Struct]:
        match topic:
            case "progress":
                return [self.run.progress_message()]
            case "metrics":
                metrics = self.run.metrics_message()
                return [] if metrics is None else [metrics]
            case _:
                tap = self._taps.get(topic)
                return [] if tap is None else list(tap.messages())
