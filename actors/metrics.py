"""The metrics actor: what was executed in, the run's statistics kept, reports for the log out."""

from __future__ import annotations

from sptrader_stream.events import Executions, Reports
from sptrader_stream.metrics.core import MetricsCore
from sptrader_stream.topics import Inbox, Topic


async def metrics(core: MetricsCore, executions: Inbox[Executions], reports: Topic[Reports]) -> None:
    """Take every batch of executions into the statistics and report where the run stands."""
    with reports:
        async for batch in executions:
            core.process(batch)
            await reports.publish(
                Reports(batch.first, batch.generated, batch.time, batch.equity, batch.records, core.progress())
            )
