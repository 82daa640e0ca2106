"""What a person sees: exact figures in plain words, within the width there is, colours only where wanted."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from rich.console import Console

from sptrader_stream import terminal
from sptrader_stream.chart import envelope
from sptrader_stream.console import progress_bar
from sptrader_stream.events import DataIssue, Progress
from sptrader_stream.execution.records import Halt, Trade
from sptrader_stream.formats import format_minute
from sptrader_stream.instruments import Instrument
from sptrader_stream.metrics.summary import Metrics
from sptrader_stream.money import MONEY_SCALE
from sptrader_stream.store.head import Bounds
from sptrader_stream.store.results import MarketTotals

HOUR = 3_600 * 10**9
EURUSD = Instrument(symbol="EURUSD", price_precision=5, quantity_precision=2)
USDJPY = Instrument(symbol="USDJPY", price_precision=3, quantity_precision=0)
START = int(datetime(2025, 1, 2, tzinfo=UTC).timestamp()) * 10**9


def metrics(**known: object) -> Metrics:
    zeros: dict[object, object] = {int: 0, float: 0.0}
    blank = {each.name: zeros.get(each.type) for each in msgspec.structs.fields(Metrics)}
    blank["daily_returns"] = ()
    return msgspec.convert({**blank, **known}, Metrics)


def trade(pnl: int, side: int = 1, instrument: int = 0) -> Trade:
    return Trade(
        candle=9, time=START + 5 * HOUR, instrument=instrument, position=1, rule=0, side=side, entry_candle=4,
        entry_time=START + HOUR, entry_price=103_503, price=103_603, quantity=20_000, commission=0, pnl=pnl,
        best=103_603, worst=103_500, reason="take_profit",
    )  # fmt: skip


def report(**changes: object) -> terminal.Report:
    equity = np.linspace(10_000, 10_250, 500).astype(np.int64) * MONEY_SCALE
    times = START + np.arange(500) * HOUR
    standard = terminal.Report(
        strategy="ma_crossover_strategy 1.0.0",
        market="EURUSD 1h",
        source="candles.parquet",
        status="completed",
        period=(START, START + 499 * HOUR),
        start_capital=10_000 * MONEY_SCALE,
        signals=77,
        metrics=metrics(candles=500, end_equity=10_250 * MONEY_SCALE, total_trades=2, win_rate=0.5),
        trades=[trade(pnl=25_123_456_789), trade(pnl=-1_000_000_000, side=-1)],
        first_ambiguous=[],
        last_halts=[],
        bounds=None,
        instruments=[EURUSD],
        market_totals=[MarketTotals("EURUSD", 2, 1, 24_123_456_789)],
        equity=envelope([(times, equity)], (START, START + 499 * HOUR), terminal.chart_columns()),
        issues=[],
        facts=[("Fingerprint", "ab" * 32)],
    )
    return msgspec.structs.replace(standard, **changes)


def shown(wanted: terminal.Report, width: int = 100, *, encoding: str = "utf-8", colour: bool = False) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=stream, width=width, force_terminal=colour, highlight=False, emoji=False, markup=False)
    terminal.show_report(wanted, console)
    stream.flush()
    return raw.getvalue().decode(encoding)


def test_a_report_tells_the_essentials() -> None:
    text = shown(report())
    for expected in (
        "ma_crossover_strategy 1.0.0 on EURUSD 1h",
        "2025-01-02 to 2025-01-22",
        "10,250.00",
        "Last 2 of 2 trades",
        "1.03503",
        "200.00",
        "251.23",
        "-10.00",
        "take profit",
        "Equity",
        "ab" * 32,
    ):
        assert expected in text


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_tables_and_curve_stay_within_the_terminal(width: int) -> None:
    text = shown(report(facts=[]), width)
    assert max(map(len, text.splitlines())) <= width
    assert "take profit" in text or width < 60


def test_a_terminal_without_unicode_gets_plain_characters() -> None:
    text = shown(report(), 70, encoding="ascii")
    assert "*" in text
    assert "?" not in text


def test_colours_are_kept_to_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in shown(report(), colour=True)
    assert "\x1b[" not in shown(report())
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = [each for each in shown(report(), colour=True).split("\x1b[")[1:] if each[0] == "3"]
    assert coloured == []


def test_several_instruments_are_told_apart() -> None:
    totals = [MarketTotals("EURUSD", 4, 3, 10_000 * MONEY_SCALE), MarketTotals("USDJPY", 0, 0, 0)]
    trades = [trade(pnl=1), trade(pnl=2, instrument=1)]
    text = shown(report(instruments=[EURUSD, USDJPY], market_totals=totals, trades=trades))
    lines = [line.split("│")[1:-1] for line in text.splitlines() if "EURUSD" in line or "USDJPY" in line]
    rows = [[cell.strip() for cell in line] for line in lines if line]
    assert rows[:2] == [["EURUSD", "4", "75.00%", "10,000.00"], ["USDJPY", "0", "-", "0.00"]]
    assert [(row[0], row[2], row[4]) for row in rows[2:]] == [
        ("EURUSD", "1.03503", "1.03603"),
        ("USDJPY", "103.503", "103.603"),
    ]


def test_one_instrument_needs_no_table_of_its_own() -> None:
    assert "Symbol" not in shown(report())


def test_bounds_are_shown_as_an_interval() -> None:
    both = Bounds(metrics(total_pnl=-5 * MONEY_SCALE), metrics(total_pnl=1_234 * MONEY_SCALE))
    swapped = Bounds(both.target_first, both.stop_first)
    for each in (both, swapped):
        line = next(line for line in shown(report(bounds=each)).splitlines() if "P&L interval" in line)
        assert line.split("│")[2].strip() == "-5.00 to 1,234.00"
    assert "P&L interval" not in shown(report())


def test_trades_that_rest_on_an_assumption_are_named() -> None:
    found = metrics(total_trades=40, same_bar_trades=11, gap_trades=1)
    text = shown(report(metrics=found, first_ambiguous=[2, 3, 5]))
    assert "11 reached stop and target in one candle, 1 ended at an open beyond the level: trades 2, 3, 5, ..." in text
    assert "in one candle" not in shown(report())


def test_limits_that_were_passed_are_named_with_their_time() -> None:
    daily = Halt(candle=1, time=START, equity=1, reference=2, reason="daily_loss")
    drawdown = Halt(candle=9, time=START + 26 * HOUR, equity=1, reference=2, reason="max_drawdown")
    text = shown(report(metrics=metrics(halts=2), last_halts=[daily, drawdown]))
    times = (format_minute(START), format_minute(START + 26 * HOUR))
    line = f"daily loss at {times[0]}, max drawdown at {times[1]}: no entries after the drawdown"
    assert f"Halted       {line}" in text
    assert f"Halted       ..., daily loss at {times[0]}\n" in shown(
        report(metrics=metrics(halts=9), last_halts=[daily])
    )
    assert "Halted" not in shown(report())


def test_what_is_wrong_with_the_candles_is_said_first() -> None:
    words = "3 candles have missing candles before it"
    issue = DataIssue(kind="gap", policy="warn", symbol="EURUSD", count=3, places=(), message=words)
    text = shown(report(issues=[issue]))
    assert text.index("data: 3 candles have missing candles") < text.index("Start capital")
    assert "data of EURUSD: 3 candles" in shown(report(issues=[issue], instruments=[EURUSD, USDJPY]))


def test_a_run_without_candles_or_trades_is_shown_without_them() -> None:
    text = shown(report(period=None, trades=[], equity=None, metrics=metrics()))
    assert "trades" not in text.lower().replace("trades         ", "")[text.index("Halts") :]
    assert "Equity" not in text


def test_a_run_that_did_not_complete_says_so() -> None:
    assert "on EURUSD 1h, cancelled" in shown(report(status="cancelled"))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, moments: Sequence[float]) -> str:
    """Report progress at these seconds, one candle further each time, and answer what was drawn."""
    screen = Terminal()
    clock = iter(moments)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar((START, START + 100 * HOUR), always=False) as update:
        assert update is not None
        monkeypatch.setattr("time.monotonic", lambda: next(clock))
        for index, _ in enumerate(moments, start=1):
            update(Progress(candles=index, time=START + index * HOUR, equity=0, open_positions=0, trades=0))
        monkeypatch.undo()
    return screen.getvalue()


def test_the_bar_is_drawn_at_most_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(monkeypatch, [0.0, 0.02, 0.05, 0.09, 0.11, 0.12])
    assert [f"{each} candles" in text for each in range(1, 7)] == [True, False, False, False, True, True]


def test_the_bar_ends_with_the_newest_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "100%" in drawn(monkeypatch, [0.0] * 100)


def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar((START, START + HOUR), always=False) as update:
        assert update is None
    assert capsys.readouterr().err == ""


def test_the_finished_bar_is_left_where_it_is_always_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar((START, START + HOUR), always=True) as update:
        assert update is not None
        update(Progress(candles=61, time=START + HOUR, equity=0, open_positions=0, trades=4))
    assert capsys.readouterr().err.count("61 candles, 4 trades") == 1
