"""Returns by month, as a table whose cells are the darker the larger the return is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Final

from sptrader_stream.report.html import Markup, element, scrolled

_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DEEPEST: Final = 0.55
_SHALLOWEST: Final = 0.08


def monthly_returns(daily: Sequence[tuple[date, float]]) -> dict[tuple[int, int], float]:
    """Compound daily returns (fractions) by year and month."""
    months: dict[tuple[int, int], float] = {}
    for day, value in daily:
        months[day.year, day.month] = (1.0 + months.get((day.year, day.month), 0.0)) * (1.0 + value) - 1.0
    return months


def months_table(daily: Sequence[tuple[date, float]]) -> Markup:
    """A row for each year, a column for each month, and the year's return at the end."""
    months = monthly_returns(daily)
    largest = max(map(abs, months.values()), default=0.0)
    rows = []
    for year in sorted({year for year, _ in months}):
        found = [months.get((year, month)) for month in range(1, 13)]
        whole = math.prod(1.0 + each for each in found if each is not None) - 1.0
        cells = [_cell(each, largest) for each in found]
        rows.append(element("tr", element("th", str(year), scope="row"), *cells, element("td", f"{whole:z.2%}")))
    names = [element("th", each, scope="col") for each in ("", *_NAMES, "Year")]
    table = element(
        "table",
        element("caption", "Compounded from the returns of days."),
        element("thead", element("tr", *names)),
        element("tbody", *rows),
        class_="months",
    )
    return scrolled(table, "monthly returns")


def _cell(value: float | None, largest: float) -> Markup:
    if value is None:
        return element("td", "")
    if not value or not largest:
        return element("td", f"{value:z.2%}")
    depth = _SHALLOWEST + (_DEEPEST - _SHALLOWEST) * abs(value) / largest
    return element("td", f"{value:z.2%}", class_="gain" if value > 0 else "fall", style=f"--depth: {depth:.2f}")
