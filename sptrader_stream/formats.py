"""Numbers and times as people read them: on the terminal and on the page of a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sptrader_stream.metrics.summary import METRICS
from sptrader_stream.money import MONEY_SCALE, divide_half_even
from sptrader_stream.timeframes import NANOSECONDS


def format_metric(name: str, value: object) -> str:
    """Write a metric for people, in its unit; a dash where it is not defined."""
    unit = METRICS[name].unit
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:z.2%}" if unit == "fraction" else f"{value:z,.2f}"
    if not isinstance(value, int):
        raise TypeError(f"{name} is not a single value")
    writers: dict[str, Callable[[int], str]] = {
        "money": format_cents,
        "duration": format_duration,
        "time": format_minute,
    }
    return writers.get(unit, "{:,}".format)(value)


def format_cents(money: int) -> str:
    """Write money (10^-8) to the cent, rounded half to even."""
    cents = divide_half_even(money, MONEY_SCALE // 100)
    whole, part = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{part:02d}"


def format_minute(moment: int) -> str:
    """Write nanoseconds since 1970 as UTC date and minute."""
    return datetime.fromtimestamp(moment // NANOSECONDS, UTC).strftime("%Y-%m-%d %H:%M")


def format_duration(nanoseconds: int) -> str:
    """Write a duration with its two largest units: ``2d 4h``."""
    left = nanoseconds // NANOSECONDS
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count:,}{unit}")
    return " ".join(parts[:2]) or "0s"
