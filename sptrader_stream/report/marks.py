"""Trades on the chart of candles: lines from entry to exit, levels, and marks that say what happened there."""

from __future__ import annotations

from collections.abc import Sequence

from sptrader_stream.execution.levels import distance_level
from sptrader_stream.execution.records import SIDE_NAMES
from sptrader_stream.execution.settings import Distance, InstrumentSettings
from sptrader_stream.formats import format_cents, format_minute
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import format_scaled
from sptrader_stream.report.figures import LONG, LOSS, MILLISECOND, PROFIT, SHORT, Figure
from sptrader_stream.report.trades import DrawnTrade


def trade_traces(
    instrument: Instrument, trades: Sequence[DrawnTrade], settings: InstrumentSettings | None
) -> list[Figure]:
    """Lines from entry to exit, the levels that the strategy set at the entry, and marks for entries and exits.

    Args:
        instrument: whose trades they are.
        trades: to draw.
        settings: of the run, for the levels; None where they are not known.
    """
    traces = [
        _paths("Profit", PROFIT, [each for each in trades if each.trade.pnl > 0], instrument),
        _paths("Loss", LOSS, [each for each in trades if each.trade.pnl <= 0], instrument),
    ]
    if settings is not None:
        stops = [] if settings.stop_loss is None else [settings.stop_loss]
        targets = [each.distance for each in settings.targets]
        traces.append(_levels("Stop", LOSS, -1, stops, trades, instrument))
        traces.append(_levels("Target", PROFIT, 1, targets, trades, instrument))
    longs = [each for each in trades if each.trade.side > 0]
    shorts = [each for each in trades if each.trade.side < 0]
    traces.append(_entries("Long", LONG, "triangle-up", longs, instrument))
    traces.append(_entries("Short", SHORT, "triangle-down", shorts, instrument))
    traces.append(_exits(trades, instrument))
    return [each for each in traces if each["x"]]


def _paths(name: str, colour: str, trades: Sequence[DrawnTrade], instrument: Instrument) -> Figure:
    ends = [(each.trade.entry_time, each.trade.entry_price, each.trade.time, each.trade.price) for each in trades]
    return _segments(name, colour, "solid", 1.6, ends, 10**instrument.price_precision)


def _levels(
    name: str,
    colour: str,
    direction: int,
    distances: Sequence[Distance],
    trades: Sequence[DrawnTrade],
    instrument: Instrument,
) -> Figure:
    levels = []
    for trade in (each.trade for each in trades):
        for distance in distances:
            # No record tells the ATR at the decision.
            level = distance_level(trade.entry_price, trade.side * direction, distance, None)
            if level is not None:
                levels.append((trade.entry_time, level, trade.time, level))
    return _segments(name, colour, "dot", 1.0, levels, 10**instrument.price_precision)


def _segments(
    name: str, colour: str, dash: str, width: float, ends: Sequence[tuple[int, int, int, int]], scale: int
) -> Figure:
    """Separate lines as one trace: from time and price to time and price."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [each for one in ends for each in (one[0] // MILLISECOND, one[2] // MILLISECOND, None)],
        "y": [each for one in ends for each in (one[1] / scale, one[3] / scale, None)],
        "line": {"color": colour, "dash": dash, "width": width},
        "hoverinfo": "skip",
    }


def _entries(name: str, colour: str, symbol: str, trades: Sequence[DrawnTrade], instrument: Instrument) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [each.trade.entry_time // MILLISECOND for each in trades],
        "y": [each.trade.entry_price / 10**instrument.price_precision for each in trades],
        "text": [_entry_text(each, instrument) for each in trades],
        "marker": {"symbol": symbol, "size": 11, "color": colour, "line": {"width": 1, "color": "#fff"}},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _exits(trades: Sequence[DrawnTrade], instrument: Instrument) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Exit",
        "x": [each.trade.time // MILLISECOND for each in trades],
        "y": [each.trade.price / 10**instrument.price_precision for each in trades],
        "text": [_exit_text(each, instrument) for each in trades],
        "marker": {
            "symbol": "x-thin",
            "size": 8,
            "line": {"width": 2.2, "color": [PROFIT if each.trade.pnl > 0 else LOSS for each in trades]},
        },
        "hovertemplate": "%{text}<extra></extra>",
    }


def _entry_text(drawn: DrawnTrade, instrument: Instrument) -> str:
    trade = drawn.trade
    quantity = format_scaled(trade.quantity, instrument.quantity_precision)
    price = format_scaled(trade.entry_price, instrument.price_precision)
    return f"Trade {drawn.number}: {SIDE_NAMES[trade.side]} {quantity} at {price}<br>{format_minute(trade.entry_time)}"


def _exit_text(drawn: DrawnTrade, instrument: Instrument) -> str:
    trade = drawn.trade
    price = format_scaled(trade.price, instrument.price_precision)
    why = trade.reason.replace("_", " ")
    doubt = "" if trade.assumption == "none" else f", assumed: {trade.assumption.replace('_', ' ')}"
    return (
        f"Trade {drawn.number}: out at {price}, {why}{doubt}<br>P&L {format_cents(trade.pnl)}"
        f"<br>{format_minute(trade.time)}"
    )
