"""The rule matcher: signal columns in, the rules that are met at each candle out."""

from __future__ import annotations

from sptrader_stream.events import Decisions, Signals
from sptrader_stream.rules.matcher import RuleMatcher
from sptrader_stream.topics import Inbox, Topic


async def rule_matcher(core: RuleMatcher, signals: Inbox[Signals], decisions: Topic[Decisions]) -> None:
    """Match the strategy's rules over every batch of signals."""
    with decisions:
        async for batch in signals:
            await decisions.publish(core.process(batch))
