"""A result's numbers as people read them, from the texts and numbers of the document."""

from __future__ import annotations

from sptrader_stream.formats import format_cents, format_metric
from sptrader_stream.metrics.summary import METRICS
from sptrader_stream.money import MONEY_DIGITS, parse_scaled
from sptrader_stream.store.head import Head, MetricValue
from sptrader_stream.timeframes import HOUR, parse_time


def metric_text(head: Head, name: str) -> str:
    """Write a metric of a result in its unit; a dash where it is not defined."""
    return format_metric(name, _counted(name, head.metrics[name]))


def metric_sign(head: Head, name: str) -> int:
    """Whether an amount or share is a gain (1), a loss (-1) or neither (0)."""
    value = _counted(name, head.metrics[name])
    return 0 if not isinstance(value, int | float) else (value > 0) - (value < 0)


def money_text(amount: str) -> str:
    """Write exact decimal text to the cent."""
    return format_cents(parse_scaled(amount, MONEY_DIGITS, "amount"))


def _counted(name: str, value: MetricValue) -> MetricValue:
    """Undo what the document does to a metric's unit."""
    match METRICS[name].unit:
        case "money" if isinstance(value, str):
            return parse_scaled(value, MONEY_DIGITS, name)
        case "time" if isinstance(value, str):
            return parse_time(value)
        case "duration" if isinstance(value, int | float):
            return round(value * HOUR)
        case _:
            return value
