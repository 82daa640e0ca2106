"""`sptrader check`, from the words on the command line to exit code and output."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from sptrader_stream.instruments import load_instruments
from sptrader_stream.opening import open_source
from sptrader_stream.rules.folder import list_strategies
from sptrader_stream.sources import ReadyCandles
from sptrader_stream.timeframes import format_time, parse_time
from sptrader_stream.workspace import create_workspace
from tests.cli.support import Output, run
from tests.test_readme import PROJECT, commands, write_candles

SYNTHETIC = ("--data", "synthetic", "--symbol", "EURUSD")
QUARTER = (*SYNTHETIC, "--timeframe", "1h", "--from", "2025-01-01", "--to", "2025-03-31")
MONTH = (*SYNTHETIC, "--timeframe", "1h", "--from", "2025-01-01", "--to", "2025-02-10")
PEEK = """
import numpy as np
from sptrader_stream.signals.api import *

class Peek(WindowSignal):
    frame = "pandas"
    outputs = (Output("move", choices=("up", "down")),)
    def compute(self, candles, indicators):
        return np.where(candles["close"].shift(-1) > candles["close"], "up", "down")
"""
USES_PEEK = """
name: greedy
entry: {when: [{signal: peek, outputs: {move: up}}], action: buy, size: 0.1}
exit: {signal_exit: {when: [{signal: peek, outputs: {move: down}}], action: close_all}}
"""


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new workspace, the current folder, with a strategy that looks ahead."""
    create_workspace(tmp_path)
    (tmp_path / "strategies" / "signals" / "peek.py").write_text(PEEK)
    (tmp_path / "strategies" / "greedy.yaml").write_text(USES_PEEK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def first_rise() -> tuple[int, str]:
    """The first candle of the quarter that is followed by a higher close: its index and time."""
    instrument = load_instruments(Path("config/instruments.yaml"))["EURUSD"]
    source = open_source("synthetic", instrument, timeframe="1h", start=parse_time("2025-01-01"))
    candles = next(each for each in source.chunks() if isinstance(each, ReadyCandles))
    candle = int((candles.close[1:] > candles.close[:-1]).argmax())
    return candle, format_time(int(candles.time[candle]))


@pytest.mark.parametrize("name", sorted(list_strategies(PROJECT / "strategies")))
def test_every_shipped_strategy_is_clean(capsys: Output, name: str) -> None:
    words = (*SYNTHETIC, "--timeframe", "15m", "--from", "2025-01-01", "--to", "2025-04-30")
    code, out, err = run(capsys, "check", name, *words, "--cuts", "8", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["clean"], found["complete"], found["findings"]) == (True, True, [])
    assert found["candles"] > 5000
    assert found["decisions"] > 0


@pytest.mark.parametrize("name", ["inside_bar", "trend_pullback", "volatility_squeeze"])
def test_every_shipped_signal_is_clean(capsys: Output, workspace: Path, name: str) -> None:
    outputs = {
        "inside_bar": "pattern: breaks_up",
        "trend_pullback": "setup: buy_dip",
        "volatility_squeeze": "squeeze: begins",
    }
    (workspace / "strategies" / "sample.yaml").write_text(
        f"name: sample\nentry: {{when: [{{signal: {name}, outputs: {{{outputs[name]}}}}}], action: buy, size: 0.02}}\n"
        "exit: {stop_loss: {type: percentage, value: 0.005}}\n"
    )
    code, out, err = run(capsys, "check", "sample", *MONTH, "--cuts", "6")
    assert (code, err) == (0, "")
    assert "Clean" in out


def test_a_clean_strategy_is_told_with_its_candles_and_its_warm_up(capsys: Output) -> None:
    code, out, err = run(capsys, "check", "rsi_pullback", *QUARTER)
    assert (code, err) == (0, "")
    for expected in (
        "rsi_pullback on EURUSD, 1h",
        "from 2025-01-01T00:00:00Z to 2025-03-31T23:00:00Z",
        "cut at 2",
        "Warm-up",
        "atr(14) on 1h: the same after ",
        "to 1e-9 after ",
        "starting at ",
        "Clean",
    ):
        assert expected in out


def test_a_signal_that_looks_ahead_is_named(capsys: Output, workspace: Path) -> None:
    code, out, err = run(capsys, "check", "greedy", *QUARTER)
    assert (code, err) == (2, "")
    assert "LOOKS AHEAD: signal peek.move (" in out
    assert str(Path("strategies") / "signals" / "peek.py") in out
    candle, time = first_rise()
    assert f"at candle {candle} of EURUSD 1h, {time}, the whole run says up, and down when no later" in out
    assert "Not clean" in out


def test_the_same_as_one_document(capsys: Output, workspace: Path) -> None:
    code, out, err = run(capsys, "check", "greedy", *QUARTER, "--json")
    assert (code, err) == (2, "")
    document = json.loads(out)
    assert (document["clean"], document["complete"], document["symbols"]) == (False, False, ["EURUSD"])
    (found,) = document["findings"]
    candle, time = first_rise()
    expected = {
        "kind": "looks_ahead",
        "part": "signal",
        "signal": "peek",
        "output": "move",
        "symbol": "EURUSD",
        "timeframe": "1h",
        "candle": candle,
        "time": time,
        "whole": "up",
        "other": "down",
    }
    assert expected.items() <= found.items()
    assert found["file"].endswith("peek.py")
    assert found["message"] in run(capsys, "check", "greedy", *QUARTER)[1]


def test_more_candles_than_are_looked_at_are_mentioned(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sptrader_stream.research.check.MOST_CANDLES", 700)
    code, out, err = run(capsys, "check", "ema_crossover", *QUARTER, "--cuts", "2")
    assert (code, err) == (0, "")
    assert "700 candles from 2025-01-01T00:00:00Z" in out
    assert "more follow" in out
    assert json.loads(run(capsys, "check", "ema_crossover", *QUARTER, "--cuts", "2", "--json")[1])[
        "more_candles_follow"
    ]


def test_nothing_is_left_behind(capsys: Output, workspace: Path) -> None:
    before = sorted(workspace.rglob("*"))
    run(capsys, "check", "ema_crossover", *QUARTER, "--cuts", "2")
    assert sorted(workspace.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("no_such_strategy", *QUARTER), "no_such_strategy"),
        (("ema_crossover", *QUARTER, "-p", "nonsense=1"), "nonsense"),
        (("ema_crossover", *QUARTER, "--cuts", "0"), "--cuts"),
        (("ema_crossover", *SYNTHETIC, "--from", "2025-02-01", "--to", "2025-01-01"), "before it starts"),
    ],
)
def test_mistakes_in_the_words_are_told_as_for_a_run(capsys: Output, words: tuple[str, ...], message: str) -> None:
    code, out, err = run(capsys, "check", *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err


def test_the_commands_on_the_page_work(capsys: Output, workspace: Path) -> None:
    write_candles(workspace / "YOUR-CANDLES.csv")
    typed = commands(PROJECT / "docs" / "checking.md")
    assert len(typed) == 3
    for line in typed:
        program, *words = shlex.split(line)
        assert program == "sptrader"
        code, _, err = run(capsys, *words)
        assert (code, err) == (0, ""), line
