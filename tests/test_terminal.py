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
from sptrader_stream.events import DataIssue, Progress
from sptrader_stream.execution.records import Trade
from sptrader_stream.metrics.summary import Metrics
from sptrader_stream.money import MONEY_SCALE

HOUR = 3_600 * 10**9
START = int(datetime(2025, 1, 2, tzinfo=UTC).timestamp()) * 10**9


def metrics(**known: object) -> Metrics:
    zeros: dict[object, object] = {int: 0, float: 0.0}
    blank = {each.name: zeros.get(each.type) for each in msgspec.structs.fields(Metrics)}
    blank["daily_returns"] = ()
    return msgspec.convert({**blank, **known}, Metrics)


def trade(pnl: int, side: int = 1) -> Trade:
    return Trade(
        candle=9, time=START + 5 * HOUR, instrument=0, position=1, rule=0, side=side, entry_candle=4,
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
        price_precision=5,
        quantity_precision=2,
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


def test_what_is_wrong_with_the_candles_is_said_first() -> None:
    words = "3 candles have missing candles before it"
    issue = DataIssue(kind="gap", policy="warn", symbol="EURUSD", count=3, places=(), message=words)
    text = shown(report(issues=[issue]))
    assert text.index("data: 3 candles have missing candles") < text.index("Start capital")


def test_a_run_without_candles_or_trades_is_shown_without_them() -> None:
    text = shown(report(period=None, trades=[], equity=None, metrics=metrics()))
    assert "trades" not in text.lower().replace("trades         ", "")[text.index("Halts") :]
    assert "Equity" not in text


def test_a_run_that_did_not_complete_says_so() -> None:
    assert "on EURUSD 1h, cancelled" in shown(report(status="cancelled"))


@pytest.mark.parametrize(
    ("money", "text"),
    [(0, "0.00"), (500_000, "0.00"), (1_500_000, "0.02"), (-123_456_789_012, "-1,234.57"), (10**14, "1,000,000.00")],
)
def test_money_is_shown_to_the_cent_rounded_half_to_even(money: int, text: str) -> None:
    assert terminal.format_cents(money) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (3_600, "1h"), (93_784, "1d 2h"), (100_000_000, "1,157d 9h")]
)
def test_durations_are_shown_with_their_two_largest_units(seconds: int, text: str) -> None:
    assert terminal.format_duration(seconds * 10**9) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("win_rate", 0.5, "50.00%"),
        ("sharpe_ratio", 1.239, "1.24"),
        ("sharpe_ratio", None, "-"),
        ("total_pnl", 10**8, "1.00"),
        ("total_trades", 12345, "12,345"),
        ("longest_drawdown", 2 * HOUR, "2h"),
    ],
)
def test_metrics_are_shown_in_their_unit(name: str, value: object, text: str) -> None:
    assert terminal.format_metric(name, value) == text


def test_a_metric_of_many_values_has_no_short_form() -> None:
    with pytest.raises(TypeError, match="daily_returns"):
        terminal.format_metric("daily_returns", ((START, 0.1),))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, moments: Sequence[float]) -> str:
    """Report progress at these seconds, one candle further each time, and answer what was drawn."""
    screen = Terminal()
    clock = iter(moments)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with terminal.progress_bar((START, START + 100 * HOUR), always=False) as update:
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
    with terminal.progress_bar((START, START + HOUR), always=False) as update:
        assert update is None
    assert capsys.readouterr().err == ""


def test_the_finished_bar_is_left_where_it_is_always_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.progress_bar((START, START + HOUR), always=True) as update:
        assert update is not None
        update(Progress(candles=61, time=START + HOUR, equity=0, open_positions=0, trades=4))
    assert capsys.readouterr().err.count("61 candles, 4 trades") == 1
