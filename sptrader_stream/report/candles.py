"""The chart of an instrument as plotly takes it: candles, what the rules read, and the trades.

The candles themselves stand beside the figure, in several timeframes; the page's script puts into it those that suit
the stretch of time in view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from sptrader_stream.execution.settings import InstrumentSettings
from sptrader_stream.instruments import Instrument
from sptrader_stream.report.figures import MILLISECOND, NEUTRAL, Figure, milliseconds, plain
from sptrader_stream.report.market import MarketChart
from sptrader_stream.report.marks import trade_traces
from sptrader_stream.report.operands import DrawnOperand
from sptrader_stream.report.trades import DrawnTrade
from sptrader_stream.report.zoom import ZoomLevel
from sptrader_stream.timeframes import format_timeframe

MOST_PANELS: Final = 4
_LINES: Final = ("#7c5cd6", "#0f9bb3", "#c2549d", "#a88a10", "#5f86c9", "#8d6e4f")
_VALUE_DIGITS: Final = 10
_PANEL_SHARE: Final = 0.17


def market_figure(
    instrument: Instrument,
    chart: MarketChart | None,
    trades: Sequence[DrawnTrade],
    settings: InstrumentSettings | None,
) -> dict[str, Any]:
    """Put together what the page's script needs to draw an instrument.

    Args:
        instrument: whose chart it is.
        chart: its candles; None where they could not be read again.
        trades: those of the instrument that are drawn.
        settings: of the run, for the levels of the strategy; None where it could not be compiled again.

    Returns:
        ``symbol``, ``figure`` (data and layout), ``levels`` (timeframe and columns, the finest first) and
        ``operands`` (how many traces behind the candles take their values from a level).
    """
    operands, levels, left_out = ([], [], 0) if chart is None else _shown(chart)
    panels = list(dict.fromkeys(each.panel for _, each in operands if each.panel))
    data: list[Figure] = [_candlestick()]
    data += [_line(each, panels, index) for index, (_, each) in enumerate(operands)]
    data += trade_traces(instrument, trades, settings)
    return {
        "symbol": instrument.symbol,
        "figure": {"data": data, "layout": _layout(panels)},
        "operands": len(operands),
        "left_out": left_out,
        "levels": [_columns(each, instrument, [column for column, _ in operands]) for each in levels],
    }


def _shown(chart: MarketChart) -> tuple[list[tuple[int, DrawnOperand]], list[ZoomLevel], int]:
    """Choose what has room: operands by their index among the level's series, and how many have none."""
    panels = list(dict.fromkeys(each.panel for each in chart.operands if each.panel))[:MOST_PANELS]
    shown = [(index, each) for index, each in enumerate(chart.operands) if not each.panel or each.panel in panels]
    return shown, chart.levels, len(chart.operands) - len(shown)


def _candlestick() -> Figure:
    return {
        "type": "candlestick",
        "name": "Candles",
        "x": [],
        "open": [],
        "high": [],
        "low": [],
        "close": [],
        "increasing": {"line": {"color": NEUTRAL, "width": 1}, "fillcolor": "rgba(133,146,166,0.12)"},
        "decreasing": {"line": {"color": NEUTRAL, "width": 1}, "fillcolor": NEUTRAL},
        "showlegend": False,
    }


def _line(operand: DrawnOperand, panels: Sequence[str | None], index: int) -> Figure:
    axis = panels.index(operand.panel) + 2 if operand.panel else 1
    return {
        "type": "scatter",
        "mode": "lines",
        "name": plain(operand.name),
        "x": [],
        "y": [],
        "yaxis": "y" if axis == 1 else f"y{axis}",
        "line": {"width": 1.4, "color": _LINES[index % len(_LINES)]},
        "hovertemplate": "%{y}",
    }


def _columns(level: ZoomLevel, instrument: Instrument, chosen: Sequence[int]) -> dict[str, Any]:
    scale = 10**instrument.price_precision
    prices = [(each / scale).tolist() for each in level.candles[1:]]
    return {
        "timeframe": format_timeframe(level.timeframe),
        "span": level.timeframe // MILLISECOND,
        "time": milliseconds(level.candles[0]),
        **dict(zip(("open", "high", "low", "close"), prices, strict=True)),
        "values": [_significant(level.values[index].tolist()) for index in chosen],
    }


def _significant(values: Sequence[float]) -> list[float | None]:
    return [None if np.isnan(each) else float(f"{each:.{_VALUE_DIGITS}g}") for each in values]


def _layout(panels: Sequence[str | None]) -> Figure:
    below = _PANEL_SHARE * len(panels)
    layout: Figure = {
        "hovermode": "closest",
        "dragmode": "pan",
        "showlegend": True,
        "xaxis": {
            "type": "date",
            "rangeslider": {"visible": False},
            "anchor": f"y{len(panels) + 1}" if panels else "y",
        },
        "yaxis": {"domain": [below + 0.03 if panels else 0, 1], "side": "right"},
    }
    for index in range(len(panels)):
        top = below - index * _PANEL_SHARE
        layout[f"yaxis{index + 2}"] = {
            "domain": [top - _PANEL_SHARE + 0.02, top - 0.01],
            "side": "right",
            "nticks": 4,
        }
    # Names stand inside their panels: beside so low a panel there is no room for them.
    layout["annotations"] = [
        {
            "text": plain(panel or ""),
            "xref": "paper",
            "x": 0.004,
            "xanchor": "left",
            "yref": "paper",
            "y": below - index * _PANEL_SHARE - 0.01,
            "yanchor": "top",
            "showarrow": False,
            "font": {"size": 11},
        }
        for index, panel in enumerate(panels)
    ]
    return layout
