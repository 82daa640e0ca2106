"""The part of the page about the candles: where they came from, which they were, and what was found about them."""

from __future__ import annotations

from typing import Final

from sptrader_stream.events import Market
from sptrader_stream.formats import format_minute
from sptrader_stream.report.html import Cell, Markup, element, table
from sptrader_stream.store.head import ProvenanceRow
from sptrader_stream.store.runs import RunRecord

_SEEN: Final = (
    Cell("Symbol"), Cell("Candles", "num"), Cell("First and last"), Cell("Trust"), Cell("Obtained"), Cell("Checksum"),
)  # fmt: skip


def data_used(record: RunRecord) -> Markup:
    """Where the candles came from, and what was found about them."""
    columns = (Cell("Symbol"), Cell("Source"), Cell("Range asked for"), Cell("File then", "num"))
    kinds = {each.symbol: each.kind for each in record.head.provenance}
    rows = [_market_row(each, kinds.get(each.instrument.symbol)) for each in record.started.markets]
    issues = [
        (Cell(each.symbol), Cell(f"{each.count:,}" if each.count else "all", "num"), Cell(each.message, "wide"))
        for each in record.head.data_issues
    ]
    seen = [_provenance_row(each) for each in record.head.provenance]
    return element(
        "section",
        element("h2", "Data"),
        table("Where the candles came from.", columns, rows),
        table("Which they were: the same checksum stands for the same candles, wherever they come from.", _SEEN, seen)
        if seen
        else "",
        table("What was found about them.", (Cell("Symbol"), Cell("Candles", "num"), Cell("Finding")), issues)
        if issues
        else element("p", "Nothing was found to be wrong with the candles.", class_="muted"),
        id="data-used",
    )


def _market_row(market: Market, kind: str | None) -> tuple[Cell, ...]:
    asked = [None if each is None else format_minute(each) for each in (market.start, market.end)]
    begin, end = asked
    span = "all" if begin is None and end is None else f"{begin or 'the first'} to {end or 'the last'}"
    # A series is known by its manifest, whose size says nothing.
    size = f"{market.size:,} bytes" if market.size and kind != "catalog" else "-"
    source = element("code", market.path if market.size else market.source)
    return (Cell(market.instrument.symbol), Cell(source, "wide"), Cell(span), Cell(size, "num"))


def _provenance_row(found: ProvenanceRow) -> tuple[Cell, ...]:
    span = "-" if found.start_time is None else f"{found.start_time} to {found.end_time}"
    checksum = element("code", found.checksum or "-")
    return (
        Cell(found.symbol),
        Cell(f"{found.candles:,}", "num"),
        Cell(span),
        Cell(found.trust),
        Cell(found.retrieved_at or "-"),
        Cell(checksum, "wide"),
    )
