"""The recorder: gives the lossless events their sequence, journals them, and hands the log to whoever watches."""

from __future__ import annotations

from collections.abc import Callable

from sptrader_stream.events import LogEvent, Progress, Reports
from sptrader_stream.store.recording import Recording
from sptrader_stream.topics import Inbox, Topic


async def recorder(
    recording: Recording, reports: Inbox[Reports], log: Topic[LogEvent], note: Callable[[Progress], None]
) -> None:
    """Record every report, and note that it was; the frame that goes to the journal goes to the subscribers."""
    async for report in reports:
        frame = recording.add(report)
        note(report.progress)
        if log.has_subscribers:
            if frame is not None:
                await log.publish_frame(frame)
            await log.publish(report.progress)
