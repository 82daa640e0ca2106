"""The page's charts as plotly takes them: plain mappings of data and layout, which plotly.js draws.

Colours of lines and marks are the same on a light and on a dark page; what has to differ (text, grid) is set by the
page's script. Text of the user's is escaped, because plotly reads a part of HTML in every text that it draws.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.execution.records import Halt
from sptrader_stream.metrics.trades import excursions
from sptrader_stream.money import MONEY_SCALE, PERCENT_SCALE
from sptrader_stream.report.equity import EquityCurve
from sptrader_stream.report.trades import DrawnTrade, profit_percent

Figure = dict[str, Any]

LONG: Final = "#2f7de1"
SHORT: Final = "#d9822b"
PROFIT: Final = "#189a6b"
LOSS: Final = "#d6454f"
NEUTRAL: Final = "#8592a6"

# Plotly's date axes count these, here in nanoseconds.
MILLISECOND: Final = 1_000_000
_BINS: Final = 36


def milliseconds(times: Ints) -> list[int]:
    """Times as plotly's date axes take them, whole milliseconds since 1970."""
    return [each // MILLISECOND for each in times.tolist()]


def plain(text: str) -> str:
    """Make a text say what it says where plotly draws it."""
    return html.escape(text, quote=False)


def equity_figure(curve: EquityCurve, end: int, start_capital: int, halts: Sequence[Halt]) -> Figure:
    """Equity over time, and below it the drawdown from the running peak.

    Args:
        curve: where they changed.
        end: the run's last timestamp, to which the last value holds, nanoseconds since 1970.
        start_capital: money (10^-8).
        halts: to mark.
    """
    time = milliseconds(np.append(curve.time, end))
    equity, drawdown = (np.append(each, each[-1:]) for each in (curve.equity, curve.drawdown))
    gained = bool(len(equity)) and float(equity[-1]) * MONEY_SCALE >= start_capital
    step = {"type": "scatter", "mode": "lines", "x": time[: len(equity)]}
    data: list[Figure] = [
        {
            **step,
            "name": "Equity",
            "y": _rounded(equity, 2),
            "line": {"shape": "hv", "width": 1.6, "color": PROFIT if gained else LOSS},
            "hovertemplate": "%{y:,.2f}",
        },
        {
            **step,
            "name": "Drawdown",
            "y": _rounded(drawdown, 6),
            "yaxis": "y2",
            "fill": "tozeroy",
            "line": {"shape": "hv", "width": 1.2, "color": LOSS},
            "hovertemplate": "%{y:.2%}",
        },
    ]
    if halts:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "Halt",
                "x": [each.time // MILLISECOND for each in halts],
                "y": [round(each.equity / MONEY_SCALE, 2) for each in halts],
                "text": [each.reason.replace("_", " ") for each in halts],
                "marker": {"symbol": "octagon", "size": 10, "color": LOSS, "line": {"width": 1, "color": "#fff"}},
                "hovertemplate": "%{text}",
            }
        )
    layout = {
        "hovermode": "x unified",
        "showlegend": False,
        "xaxis": {"type": "date", "anchor": "y2"},
        "yaxis": {"domain": [0.36, 1], "tickformat": ",", "title": {"text": "equity"}},
        "yaxis2": {"domain": [0, 0.28], "tickformat": ".3~%", "title": {"text": "drawdown"}, "rangemode": "tozero"},
        "shapes": [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": start_capital / MONEY_SCALE,
                "y1": start_capital / MONEY_SCALE,
                "line": {"color": NEUTRAL, "width": 1, "dash": "dot"},
            }
        ],
    }
    return {"data": data, "layout": layout}


def profit_figure(pnl: Ints) -> Figure:
    """How often trades came to which P&L; no bar has both gains and losses.

    Args:
        pnl: of every trade, money (10^-8); at least one.
    """
    amounts = pnl / MONEY_SCALE
    width = _round_width((float(amounts.max()) - float(amounts.min())) or abs(float(amounts[0])) or 1.0)
    first = math.floor(float(amounts.min()) / width)
    # A whole number of bins away from zero, so that zero lies between two of them.
    bins = np.floor(amounts / width).astype(np.int64) - first
    counts = np.bincount(bins)
    edges = (first + np.arange(len(counts))) * width
    return {
        "data": [
            {
                "type": "bar",
                "name": "Trades",
                "x": [float(f"{edge + width / 2:.10g}") for edge in edges.tolist()],
                "y": counts.tolist(),
                "width": width,
                "customdata": [[float(f"{edge:.10g}"), float(f"{edge + width:.10g}")] for edge in edges.tolist()],
                "marker": {"color": [PROFIT if edge >= 0 else LOSS for edge in edges.tolist()]},
                "hovertemplate": "%{y:,} trades from %{customdata[0]:,} to %{customdata[1]:,}<extra></extra>",
            }
        ],
        "layout": {
            "showlegend": False,
            "bargap": 0.05,
            "xaxis": {"title": {"text": "P&L of a trade"}, "tickformat": ","},
            "yaxis": {"title": {"text": "trades"}, "tickformat": ","},
        },
    }


def excursion_figures(trades: Sequence[DrawnTrade], digits: Sequence[int]) -> tuple[Figure, Figure]:
    """For each trade its P&L against how far the price went against it (MAE), and for it (MFE).

    Args:
        trades: to draw.
        digits: by instrument, decimal places of prices and quantities together.
    """
    figures = []
    for index, name in enumerate(("adverse", "favourable")):
        data = []
        for wins, label, colour, symbol in ((True, "Profit", PROFIT, "circle"), (False, "Loss", LOSS, "diamond")):
            chosen = [each for each in trades if (each.trade.pnl > 0) == wins]
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": label,
                    "x": [round(excursions(each.trade)[index] / PERCENT_SCALE, 8) for each in chosen],
                    "y": [round(profit_percent(each.trade, digits[each.trade.instrument]), 8) for each in chosen],
                    "text": [f"trade {each.number}" for each in chosen],
                    "marker": {"size": 6, "opacity": 0.65, "color": colour, "symbol": symbol},
                    "hovertemplate": "%{text}: %{y:.2%}, excursion %{x:.2%}<extra></extra>",
                }
            )
        layout = {
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": {"title": {"text": f"largest {name} excursion"}, "tickformat": ".3~%"},
            "yaxis": {"title": {"text": "P&L"}, "tickformat": ".3~%"},
        }
        figures.append({"data": data, "layout": layout})
    return figures[0], figures[1]


def exposure_figure(period: tuple[int, int], long: Floats, short: Floats) -> Figure:
    """Open notional as a share of equity, long above zero and short below.

    Args:
        period: the first and last time, nanoseconds since 1970.
        long, short: by equal stretches of the period, fractions, both positive.
    """
    edges = np.linspace(period[0], period[1], len(long) + 1).astype(np.int64)
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": milliseconds(edges),
            "y": _rounded(np.append(values, values[-1]) * sign, 6),
            "fill": "tozeroy",
            "line": {"shape": "hv", "width": 1, "color": colour},
            "hovertemplate": "%{y:.2%}",
        }
        for name, values, sign, colour in (("Long", long, 1.0, LONG), ("Short", short, -1.0, SHORT))
        if values.any()
    ]
    layout = {
        "hovermode": "x unified",
        "showlegend": len(data) > 1,
        "xaxis": {"type": "date"},
        "yaxis": {"title": {"text": "of equity"}, "tickformat": ".3~%", "rangemode": "tozero"},
    }
    return {"data": data, "layout": layout}


def _round_width(spread: float) -> float:
    """A width of 1, 2 or 5 times a power of ten, of which about ``_BINS`` cover ``spread``."""
    power = 10.0 ** math.floor(math.log10(spread / _BINS))
    return float(next(each for each in (1, 2, 5, 10) if each * power >= spread / _BINS * 0.999) * power)


def _rounded(values: Floats, digits: int) -> list[float]:
    found: list[float] = np.round(values, digits).tolist()
    return found
