"""The parts of the page that are text: what was run, what it came to, which trades are uncertain, what made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sptrader_stream.events import RunStarted
from sptrader_stream.execution.records import SIDE_NAMES
from sptrader_stream.formats import format_cents, format_minute
from sptrader_stream.metrics.summary import METRICS
from sptrader_stream.money import format_scaled
from sptrader_stream.report.figures import MILLISECOND
from sptrader_stream.report.html import Cell, Content, Markup, element, joined, table
from sptrader_stream.report.incidents import Incidents
from sptrader_stream.report.months import months_table
from sptrader_stream.report.numbers import metric_sign, metric_text, money_text
from sptrader_stream.report.trades import DrawnTrade, TradeRecord
from sptrader_stream.store.head import Head
from sptrader_stream.store.runs import RunRecord
from sptrader_stream.timeframes import format_time

_TILES: Final = (
    ("total_pnl", True), ("total_return", True), ("max_drawdown", False), ("total_trades", False), ("win_rate", False),
    ("profit_factor", False), ("sharpe_ratio", False), ("exposure", False),
)  # fmt: skip
_ASSUMED: Final = {
    "same_bar": "stop and target lie in one candle; which came first is the same_bar policy",
    "gap": "the candle opened beyond the level; filled at its open",
}


def heading(record: RunRecord, notes: Sequence[str]) -> Markup:
    """Who ran over what, when, and what has to be known before any number is read."""
    head, started = record.head, record.started
    symbols = ", ".join(each.instrument.symbol for each in started.markets)
    frames = started.timeframe
    if started.strategy_timeframe != started.timeframe:
        frames = f"{started.strategy_timeframe} on {started.timeframe} candles"
    span = "no candles"
    if record.period is not None:
        span = " to ".join(format_minute(each)[:10] for each in record.period)
    title = f"{started.strategy} {started.strategy_version}".rstrip()
    warnings = [*notes]
    if head.synthetic:
        warnings.insert(0, "Synthetic candles, made up: for trying things out, not for judging a strategy.")
    if head.failure is not None:
        warnings.insert(0, f"The run failed in {head.failure.actor}: {head.failure.cause}")
    return joined(
        (
            element(
                "header",
                element("h1", title, " ", element("span", head.status, class_=f"badge {head.status}")),
                element("p", f"{symbols} · {frames} · {span}", class_="sub"),
            ),
            *(element("p", each, class_="note", role="note") for each in warnings),
        )
    )


def tiles(head: Head) -> Markup:
    """The numbers that are looked at first."""
    found = []
    for name, signed in _TILES:
        sign = metric_sign(head, name) if signed else 0
        value = element("dd", metric_text(head, name), class_=("loss", "", "profit")[sign + 1])
        found.append(element("div", element("dt", METRICS[name].title), value, class_="tile"))
    return element("dl", *found, class_="tiles")


def monthly(head: Head) -> Markup:
    """Returns by month."""
    daily = head.metrics["daily_returns"]
    if not isinstance(daily, list) or not daily:
        return Markup()
    return element("section", element("h2", "Monthly returns"), months_table(daily), id="months")


def trade_table(caption: str, trades: Sequence[DrawnTrade], record: RunRecord, *, doubts: bool) -> Markup:
    """Trades, each of which leads to its place in the chart.

    Args:
        caption: of the table.
        trades: to show.
        record: the run.
        doubts: whether to say what an exit rests on, instead of how the trade was entered.
    """
    middle = (Cell("Assumption"),) if doubts else (Cell("Entered"), Cell("Entry", "num"))
    columns = (
        Cell("Trade", "num"), Cell("Symbol"), Cell("Side"), *middle, Cell("Exited"), Cell("Exit", "num"),
        Cell("Quantity", "num"), Cell("P&L", "num"), Cell("Reason"),
    )  # fmt: skip
    return table(caption, columns, (_trade_row(each, record.started, doubts) for each in trades))


def certainty(record: RunRecord, trades: TradeRecord) -> Markup:
    """How far the fills can be relied on: what candles do not tell, and the bounds where the run has them."""
    parts: list[Content] = [element("h2", "Certainty of fills")]
    if trades.ambiguous:
        share = trades.ambiguous / trades.total
        parts.append(
            element(
                "p",
                f"{trades.ambiguous:,} of {trades.total:,} trades ({share:.2%}) end at a price that rests on an "
                "assumption, because candles do not tell what happened inside or between them.",
            )
        )
    else:
        parts.append(element("p", "No trade ends at a price that rests on an assumption."))
    bounds = record.head.bounds
    if bounds is not None:
        low, high = (money_text(each) for each in bounds.pnl_interval)
        parts.append(
            element(
                "p",
                "With either order inside a candle the total P&L lies from ",
                _strong(low),
                " to ",
                _strong(high),
                ".",
            )
        )
        rows = (
            (Cell(name), Cell(money_text(each.total_pnl), "num"), Cell(money_text(each.end_capital), "num"),
             Cell(f"{each.total_trades:,}", "num"), Cell(f"{each.max_drawdown:.2%}", "num"))
            for name, each in (("stop_first", bounds.stop_first), ("target_first", bounds.target_first))
        )  # fmt: skip
        columns = (Cell("same_bar"), *(Cell(each, "num") for each in ("Total P&L", "End equity", "Trades", "Drawdown")))
        parts.append(table("The same decisions, filled by either policy.", columns, rows))
    if trades.ambiguous:
        caption = f"The first {len(trades.doubtful):,}." if trades.ambiguous > len(trades.doubtful) else "All of them."
        parts.append(trade_table(caption, trades.doubtful, record, doubts=True))
    return element("section", *parts, id="certainty")


def metrics(head: Head) -> Markup:
    """All metrics; each says what it is where it is pointed at."""
    rows = (
        element("div", element("dt", info.title), element("dd", metric_text(head, name)), title=info.description)
        for name, info in METRICS.items()
        if info.unit != "series"
    )
    return element("section", element("h2", "Metrics"), element("dl", *rows, class_="metrics"), id="metrics")


def incidents(found: Incidents) -> Markup:
    """Halts, and rejections by reason."""
    if not found.halts and not found.rejections:
        return Markup()
    parts: list[Content] = [element("h2", "Halts and rejections")]
    if found.halts:
        rows = (
            (Cell(format_time(each.time)), Cell(_words(each.reason)), Cell(format_cents(each.equity), "num"),
             Cell(format_cents(each.reference), "num"))
            for each in found.halts
        )  # fmt: skip
        columns = (Cell("Time"), Cell("Limit"), Cell("Equity", "num"), Cell("Against", "num"))
        parts.append(table("Limits that were passed.", columns, rows))
    if found.rejections:
        counts = ((Cell(_words(reason)), Cell(f"{count:,}", "num")) for reason, count in found.rejections.items())
        parts.append(table("Entries that could not be made.", (Cell("Reason"), Cell("Times", "num")), counts))
    return element("section", *parts, id="incidents")


def settings(record: RunRecord) -> Markup:
    """What was run: facts, parameters and the strategy's file."""
    started = record.started
    facts = (
        ("Run", started.run_id),
        ("Start capital", money_text(record.head.start_capital)),
        ("Strategy", f"{started.strategy_file} (SHA-256 {started.strategy_digest})"),
        ("Fingerprint", record.head.fingerprint),
    )
    parts: list[Content] = [
        element("h2", "Settings"),
        table(
            "What was run.",
            (Cell("Fact"), Cell("Value")),
            ((Cell(fact), Cell(element("code", value), "wide")) for fact, value in facts),
        ),
    ]
    if started.parameters:
        parameters = (
            (Cell(name), Cell(value, "num"), Cell("given for this run" if name in started.overrides else ""))
            for name, value in started.parameters.items()
        )
        parts.append(table("Parameters in use.", (Cell("Parameter"), Cell("Value", "num"), Cell("")), parameters))
    text = element("pre", started.strategy_text, tabindex="0")
    parts.append(element("details", element("summary", "The strategy's file"), text))
    return element("section", *parts, id="settings")


def _trade_row(drawn: DrawnTrade, started: RunStarted, doubts: bool) -> tuple[Cell, ...]:
    trade = drawn.trade
    instrument = started.markets[trade.instrument].instrument
    price = instrument.price_precision
    link = element(
        "a",
        str(drawn.number),
        href="#chart",
        data_market=str(trade.instrument),
        data_from=str(trade.entry_time // MILLISECOND),
        data_to=str(trade.time // MILLISECOND),
    )
    middle = (
        (Cell(_ASSUMED.get(trade.assumption, ""), "wide"),)
        if doubts
        else (Cell(format_minute(trade.entry_time)), Cell(format_scaled(trade.entry_price, price), "num"))
    )
    return (
        Cell(link, "num"),
        Cell(instrument.symbol),
        Cell(SIDE_NAMES[trade.side]),
        *middle,
        Cell(format_minute(trade.time)),
        Cell(format_scaled(trade.price, price), "num"),
        Cell(format_scaled(trade.quantity, instrument.quantity_precision), "num"),
        Cell(format_cents(trade.pnl), f"num {'profit' if trade.pnl > 0 else 'loss' if trade.pnl < 0 else ''}".rstrip()),
        Cell(_words(trade.reason)),
    )


def _strong(text: str) -> Markup:
    return element("strong", text, class_="num")


def _words(name: str) -> str:
    return name.replace("_", " ")
