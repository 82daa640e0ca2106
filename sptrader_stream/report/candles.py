"""The chart of an instrument as plotly takes it: candles, what the rules read, and the trades.

The candles themselves stand beside the figure, in several timeframes; the page's script puts into it those that suit
the stretch of time in view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from sptrader_stream.instruments import Instrument
from sptrader_stream.money import PERCENT_SCALE, format_scaled
from sptrader_stream.report.figures import LONG, LOSS, NEUTRAL, PROFIT, SHORT, Figure, milliseconds, plain
from sptrader_stream.report.levels import Level
from sptrader_stream.report.market import MarketChart
from sptrader_stream.report.operands import DrawnOperand
from sptrader_stream.report.trades import DrawnTrade
from sptrader_stream.rules.plan import PriceDistance, StrategyPlan
from sptrader_stream.terminal import format_cents, format_time
from sptrader_stream.timeframes import format_timeframe

MOST_PANELS: Final = 4
_LINES: Final = ("#7c5cd6", "#0f9bb3", "#c2549d", "#a88a10", "#5f86c9", "#8d6e4f")
_MILLISECOND: Final = 1_000_000
_VALUE_DIGITS: Final = 10
_PANEL_SHARE: Final = 0.17


def market_figure(
    instrument: Instrument, chart: MarketChart | None, trades: Sequence[DrawnTrade], plan: StrategyPlan | None
) -> dict[str, Any]:
    """Put together what the page's script needs to draw an instrument.

    Args:
        instrument: whose chart it is.
        chart: its candles; None where they could not be read again.
        trades: those of the instrument that are drawn.
        plan: the strategy, for its levels; None where it could not be compiled again.

    Returns:
        ``symbol``, ``figure`` (data and layout), ``levels`` (timeframe and columns, the finest first) and
        ``operands`` (how many traces behind the candles take their values from a level).
    """
    operands, levels, left_out = ([], [], 0) if chart is None else _shown(chart)
    panels = list(dict.fromkeys(each.panel for _, each in operands if each.panel))
    data: list[Figure] = [_candlestick()]
    data += [_line(each, panels, index) for index, (_, each) in enumerate(operands)]
    data += trade_traces(instrument, trades, plan)
    return {
        "symbol": instrument.symbol,
        "figure": {"data": data, "layout": _layout(panels)},
        "operands": len(operands),
        "left_out": left_out,
        "levels": [_columns(each, instrument, [column for column, _ in operands]) for each in levels],
    }


def trade_traces(instrument: Instrument, trades: Sequence[DrawnTrade], plan: StrategyPlan | None) -> list[Figure]:
    """Lines from entry to exit, the levels that the strategy set at the entry, and marks for entries and exits."""
    scale = 10**instrument.price_precision
    traces: list[Figure] = []
    for label, colour, chosen in (
        ("Profit", PROFIT, [each for each in trades if each.trade.pnl > 0]),
        ("Loss", LOSS, [each for each in trades if each.trade.pnl <= 0]),
    ):
        ends = [(each.trade.entry_time, each.trade.entry_price, each.trade.time, each.trade.price) for each in chosen]
        traces.append(_segments(label, colour, "solid", 1.6, ends, scale))
    if plan is not None:
        stop = plan.execution.stop_loss
        for label, colour, sign, distances in (
            ("Stop", LOSS, -1, [] if stop is None else [stop]),
            ("Target", PROFIT, 1, [each.distance for each in plan.execution.targets]),
        ):
            levels = []
            for each in (drawn.trade for drawn in trades):
                for distance in distances:
                    level = _level(each.entry_price, each.side * sign, distance, scale)
                    if level is not None:
                        levels.append((each.entry_time, level, each.time, level))
            traces.append(_segments(label, colour, "dot", 1.0, levels, scale))
    for label, colour, symbol, chosen in (
        ("Long", LONG, "triangle-up", [each for each in trades if each.trade.side > 0]),
        ("Short", SHORT, "triangle-down", [each for each in trades if each.trade.side < 0]),
    ):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label,
                "x": [each.trade.entry_time // _MILLISECOND for each in chosen],
                "y": [each.trade.entry_price / scale for each in chosen],
                "text": [_entry_text(each, instrument) for each in chosen],
                "marker": {"symbol": symbol, "size": 11, "color": colour, "line": {"width": 1, "color": "#fff"}},
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "Exit",
            "x": [each.trade.time // _MILLISECOND for each in trades],
            "y": [each.trade.price / scale for each in trades],
            "text": [_exit_text(each, instrument) for each in trades],
            "marker": {
                "symbol": "x-thin",
                "size": 8,
                "line": {"width": 2.2, "color": [PROFIT if each.trade.pnl > 0 else LOSS for each in trades]},
            },
            "hovertemplate": "%{text}<extra></extra>",
        }
    )
    return [each for each in traces if each["x"]]


def _shown(chart: MarketChart) -> tuple[list[tuple[int, DrawnOperand]], list[Level], int]:
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


def _segments(
    name: str, colour: str, dash: str, width: float, ends: Sequence[tuple[int, int, int, int]], scale: int
) -> Figure:
    """Separate lines as one trace: from time and price to time and price."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [each for one in ends for each in (one[0] // _MILLISECOND, one[2] // _MILLISECOND, None)],
        "y": [each for one in ends for each in (one[1] / scale, one[3] / scale, None)],
        "line": {"color": colour, "dash": dash, "width": width},
        "hoverinfo": "skip",
    }


def _level(entry: int, direction: int, distance: PriceDistance, scale: int) -> int | None:
    """Where a stop or target was at the entry, ticks; None where that depends on the ATR then: no record tells it."""
    if distance.kind == "atr":
        return None
    if distance.kind == "offset":
        return max(0, entry + direction * int(distance.value * scale))
    parts = PERCENT_SCALE + direction * int(distance.value * PERCENT_SCALE)
    return max(0, round(entry * parts / PERCENT_SCALE))


def _entry_text(drawn: DrawnTrade, instrument: Instrument) -> str:
    trade = drawn.trade
    side = "long" if trade.side > 0 else "short"
    quantity = format_scaled(trade.quantity, instrument.quantity_precision)
    price = format_scaled(trade.entry_price, instrument.price_precision)
    return f"Trade {drawn.number}: {side} {quantity} at {price}<br>{format_time(trade.entry_time)}"


def _exit_text(drawn: DrawnTrade, instrument: Instrument) -> str:
    trade = drawn.trade
    price = format_scaled(trade.price, instrument.price_precision)
    why = trade.reason.replace("_", " ")
    doubt = "" if trade.assumption == "none" else f", assumed: {trade.assumption.replace('_', ' ')}"
    return (
        f"Trade {drawn.number}: out at {price}, {why}{doubt}<br>P&L {format_cents(trade.pnl)}"
        f"<br>{format_time(trade.time)}"
    )


def _columns(level: Level, instrument: Instrument, chosen: Sequence[int]) -> dict[str, Any]:
    scale = 10**instrument.price_precision
    prices = [(each / scale).tolist() for each in level.candles[1:]]
    return {
        "timeframe": format_timeframe(level.timeframe),
        "span": level.timeframe // _MILLISECOND,
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
