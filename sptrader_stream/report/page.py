"""One HTML page about a run, that needs nothing else: no network, no other file.

plotly.js comes from the plotly package. The page forbids itself every connection, and every script but its own two.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sptrader_stream import __version__
from sptrader_stream.errors import StorageError
from sptrader_stream.execution.records import Halt
from sptrader_stream.files import written_whole
from sptrader_stream.report import sections
from sptrader_stream.report.candles import market_figure
from sptrader_stream.report.data_used import data_used
from sptrader_stream.report.equity import read_curve
from sptrader_stream.report.figures import equity_figure, excursion_figures, exposure_figure, profit_figure
from sptrader_stream.report.html import Content, Markup, element, joined, script_data
from sptrader_stream.report.incidents import read_incidents
from sptrader_stream.report.market import FEW
from sptrader_stream.report.reopened import read_charts
from sptrader_stream.report.trades import TradeRecord, exposure, read_trades
from sptrader_stream.store.runs import RunRecord
from sptrader_stream.timeframes import parse_timeframe

_HERE: Final = Path(__file__).parent
_STRETCHES: Final = 240
_PRICES_HEIGHT: Final = 480
_PANEL_HEIGHT: Final = 90
_EXPOSURE: Final = "What is open at its entry prices, as a share of equity: the mean over each stretch of time."


def write_page(record: RunRecord, target: Path) -> None:
    """Write the page into a file, which appears whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    if target.is_dir():
        raise StorageError(f"{target}: is a folder; name a file to write to, such as {target / 'report.html'}")
    page = make_page(record)
    with written_whole(target) as file:
        file.write_text(page, encoding="utf-8")


def make_page(record: RunRecord) -> str:
    """Make the page.

    Args:
        record: the run.

    Returns:
        An HTML document.
    """
    trades, found, charts = read_trades(record.folder), read_incidents(record.folder), read_charts(record)
    figures = _figures(record, trades, found.halts)
    markets = [
        market_figure(
            market.instrument,
            charts.markets[index],
            trades.marked(index),
            charts.settings[index],
        )
        for index, market in enumerate(record.started.markets)
    ]
    body = joined(
        (
            sections.heading(record, charts.notes),
            _navigation(figures),
            sections.tiles(record.head),
            _chart_section(record, trades, markets),
            _figure_section("Equity and drawdown", "equity", figures, "tall"),
            sections.monthly(record.head),
            _distribution(figures),
            _figure_section("Exposure", "exposure", figures, "", _EXPOSURE),
            sections.certainty(record, trades),
            _trades_section(record, trades),
            sections.incidents(found),
            sections.metrics(record.head),
            sections.settings(record),
            data_used(record),
            element("footer", f"SPTrader Stream {__version__}, run {record.started.run_id}. Times are UTC."),
        )
    )
    return _document(record.started.strategy, body, {"few": FEW, "charts": figures, "markets": markets})


def _figures(record: RunRecord, trades: TradeRecord, halts: Sequence[Halt]) -> dict[str, Any]:
    started, period = record.started, record.period
    if period is None:
        return {}
    end = period[1] + parse_timeframe(started.timeframe)
    curve = read_curve(record.folder, started.start_capital)
    figures = {"equity": equity_figure(curve, end, started.start_capital, halts)}
    if trades.total:
        digits = [each.instrument.price_precision + each.instrument.quantity_precision for each in started.markets]
        figures["profits"] = profit_figure(trades.pnl)
        figures["adverse"], figures["favourable"] = excursion_figures(trades.drawn, digits)
    long, short = exposure(record.folder, started, (period[0], end), _STRETCHES)
    if long.any() or short.any():
        equity = curve.at_ends(period[0], end, _STRETCHES)
        figures["exposure"] = exposure_figure((period[0], end), long / equity, short / equity)
    return figures


def _navigation(figures: dict[str, Any]) -> Markup:
    links = [("chart", "Candles"), ("equity-section", "Equity"), ("months", "Months")]
    if "profits" in figures:
        links.append(("trades", "Trades"))
    links += [("certainty", "Certainty"), ("metrics", "Metrics"), ("settings", "Settings"), ("data-used", "Data")]
    return element("nav", *(element("a", text, href=f"#{id_}") for id_, text in links), aria_label="Sections")


def _chart_section(record: RunRecord, trades: TradeRecord, markets: Sequence[dict[str, Any]]) -> Markup:
    tools: list[Content] = []
    if len(markets) > 1:
        options = (element("option", each["symbol"], value=str(index)) for index, each in enumerate(markets))
        tools.append(element("label", "Instrument", for_="market"))
        tools.append(element("select", *options, id="market"))
    tools.append(element("span", id="timeframe", class_="muted", aria_live="polite"))
    for action, sign, label in (
        ("left", "\u2190", "Earlier"), ("right", "\u2192", "Later"), ("in", "+", "Closer"), ("out", "\u2212", "Wider"),
        ("all", "All", "The whole run"),
    ):  # fmt: skip
        tools.append(element("button", sign, type="button", data_action=action, aria_label=label, title=label))
    said = []
    if trades.total > len(trades.drawn):
        said.append(
            f"{len(trades.drawn):,} of {trades.total:,} trades are drawn, evenly spread, and those listed below."
        )
    left_out = max(each["left_out"] for each in markets)
    if left_out:
        said.append(f"{left_out} more operands of the rules have no room.")
    label = f"Candles of {record.head.symbol} with entries and exits; arrow keys move, plus and minus zoom"
    chart = element(
        "div",
        id="candles",
        class_="chart",
        style=f"height: {_height(markets)}px",
        tabindex="0",
        role="group",
        aria_label=label,
    )
    return element(
        "section",
        element("div", element("h2", "Candles and trades"), element("div", *tools, class_="tools"), class_="bar"),
        chart,
        *(element("p", each, class_="muted") for each in said),
        id="chart",
    )


def _height(markets: Sequence[dict[str, Any]]) -> int:
    axes: list[int] = [sum(name.startswith("yaxis") for name in each["figure"]["layout"]) for each in markets]
    return _PRICES_HEIGHT + _PANEL_HEIGHT * (max(axes) - 1)


def _figure_section(title: str, name: str, figures: dict[str, Any], classes: str, text: str = "") -> Markup:
    if name not in figures:
        return Markup()
    said = [element("p", text, class_="muted")] if text else []
    return element("section", element("h2", title), *said, _chart(name, title, classes), id=f"{name}-section")


def _distribution(figures: dict[str, Any]) -> Markup:
    if "profits" not in figures:
        return Markup()
    charts = (
        ("profits", "Distribution of P&L"),
        ("adverse", "Adverse excursion (MAE) and P&L"),
        ("favourable", "Favourable excursion (MFE) and P&L"),
    )
    boxes = (element("div", element("h3", title), _chart(name, title, "")) for name, title in charts)
    return element("section", element("h2", "Trades"), element("div", *boxes, class_="two"), id="trades")


def _chart(name: str, title: str, classes: str) -> Markup:
    return element("div", id=name, class_=f"chart {classes}".rstrip(), role="img", aria_label=title)


def _trades_section(record: RunRecord, trades: TradeRecord) -> Markup:
    if not trades.total:
        return element(
            "section", element("h2", "Trades"), element("p", "There was no trade.", class_="muted"), id="trades"
        )
    caption = f"The last {len(trades.last):,} of {trades.total:,}; `sptrader report RUN --csv DIR` writes all."
    shown = _last_trades(caption, trades, record)
    return element("section", element("h2", "List of trades"), shown, id="list")


def _last_trades(caption: str, trades: TradeRecord, record: RunRecord) -> Markup:
    """The last trades, folded away where they are many."""
    found = sections.trade_table(caption, trades.last, record, doubts=False)
    if len(trades.last) <= 12:
        return found
    return element("details", element("summary", f"Show the last {len(trades.last):,}"), found)


def _document(title: str, body: Markup, data: dict[str, Any]) -> str:
    from plotly.offline import get_plotlyjs

    library, own = get_plotlyjs(), (_HERE / "page.js").read_text(encoding="utf-8")
    allowed = " ".join(f"'sha256-{_digest(each)}'" for each in (library, own))
    policy = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)} - SPTrader report</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#chart">Skip to the charts</a>
<main class="wrap">{body}</main>
<script type="application/json" id="data">{script_data(data)}</script>
<script>{library}</script>
<script>{own}</script>
</body>
</html>
"""


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
