"""`sptrader why`, from the words on the command line to what it prints."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from sptrader_stream.workspace import create_workspace
from tests.cli.support import Output, run

PAGE = Path(__file__).parents[2] / "docs" / "explaining.md"
RANGE = ("--from", "2024-01-01", "--to", "2024-01-31")
ONE = ("run", "pullback", "--data", "synthetic", "--symbol", "GBPUSD", "--timeframe", "15m", *RANGE)
TWO = (
    "run", "ma_crossover_strategy", "--data", "EURUSD=synthetic", "--data", "GBPUSD=synthetic", "--timeframe", "30m",
    *RANGE,
)  # fmt: skip


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in a language, in order."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new workspace, the current folder, with the page's strategy."""
    create_workspace(tmp_path)
    (strategy,) = blocks("yaml")
    (tmp_path / "strategies" / "pullback.yaml").write_text(strategy)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(capsys: Output, *words: str) -> dict[str, Any]:
    code, out, err = run(capsys, *words, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_every_trade_of_a_run_is_explained(capsys: Output) -> None:
    trades = document(capsys, *ONE)["completed_trades"]
    assert trades
    for trade in trades:
        (entered,) = document(capsys, "why", "last", "--at", trade["entry_time"])["candles"]
        (outcome,) = [rule["outcome"] for rule in entered["entries"] if "outcome" in rule]
        assert outcome["kind"] == "filled"
        assert [outcome[name] for name in ("time", "price", "quantity")] == [
            trade[name] for name in ("entry_time", "entry_price", "quantity")
        ]
        (left,) = document(capsys, "why", "last", "--at", trade["exit_time"])["candles"]
        (position,) = left["positions"]
        assert [position["since"], position["side"]] == [trade["entry_time"], trade["side"]]
        if trade["exit_reason"] == "signal":
            assert (left["happened"][-1]["price"], left["happened"][-1]["pnl"]) == (trade["exit_price"], trade["pnl"])
            assert any(rule["condition"]["met"] for rule in left["exits"])


def test_the_page_shows_what_is_printed(capsys: Output) -> None:
    typed = [line for block in blocks("sh") for line in block.splitlines()]
    typed += re.findall(r"`(sptrader why last [^`]+)`", PAGE.read_text(encoding="utf-8"))
    printed = ""
    for line in typed:
        code, out, err = run(capsys, *shlex.split(line)[1:])
        assert (code, err) == (0, ""), line
        printed += out
    assert len(typed) == len(blocks("text")) == 4
    for shown in blocks("text"):
        assert shown in printed


def test_what_is_piped_is_plain_text(capsys: Output) -> None:
    run(capsys, *ONE)
    code, out, err = run(capsys, "why", "last", "--at", "2024-01-10T10:07:00+01:00")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert out.startswith("GBPUSD, 15m candle from 2024-01-10T08:45:00Z to 2024-01-10T09:00:00Z\n")
    assert "Entry rule entry\n" in out


def test_each_instrument_is_explained_unless_one_is_named(capsys: Output) -> None:
    run(capsys, *TWO)
    at = ("why", "last", "--at", "2024-01-10T10:00:00Z")
    assert [each["symbol"] for each in document(capsys, *at)["candles"]] == ["EURUSD", "GBPUSD"]
    (named,) = document(capsys, *at, "--symbol", "gbp/usd")["candles"]
    assert named["symbol"] == "GBPUSD"
    # The strategy is for hours, the data has half ones.
    assert (named["timeframe"], named["open"]) == ("1h", "2024-01-10T09:00:00Z")
    near = document(capsys, "why", "last", "--near", "4")["near"]
    assert [(each["symbol"], len(each["nearest"])) for each in near] == [("EURUSD", 4), ("GBPUSD", 4)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["last"], "give either --at TIME"),
        (["last", "--at", "2024-01-10", "--near", "3"], "give either --at TIME"),
        (["last", "--at", "noon"], "'noon' is not a time"),
        (["other", "--near", "3"], "there is no run 'other'"),
        (["last", "--at", "2025-06-01"], "from 2024-01-01T00:00:00Z to 2024-02-01T00:00:00Z"),
        (["last", "--near", "3", "--symbol", "XAUUSD"], "no such instrument; it traded GBPUSD"),
        (["last", "--near", "0"], "--near"),
    ],
)
def test_mistakes_are_told(capsys: Output, words: list[str], message: str) -> None:
    run(capsys, *ONE)
    code, out, err = run(capsys, "why", *words)
    assert (code, out) == (2, "")
    assert message in err


def test_a_changed_file_is_told_and_read_on(capsys: Output, workspace: Path) -> None:
    file = workspace / "GBPUSD-1h.csv"
    rows = [f"2024-01-{day:02}T{hour:02}:00:00Z,1,1.1,0.9,1.05" for day in range(1, 6) for hour in range(24)]
    file.write_text("\n".join(["time,open,high,low,close", *rows[:100]]) + "\n")
    run(capsys, "run", "ma_crossover_strategy", "--data", file.name)
    file.write_text("\n".join(["time,open,high,low,close", *rows]) + "\n")
    code, out, err = run(capsys, "why", "last", "--at", "2024-01-03T00:00:00Z")
    assert code == 0
    assert f"note: {file} has changed since the run" in err
    assert "GBPUSD, 1h candle from 2024-01-02T23:00:00Z" in out


def test_a_run_that_was_killed_is_told(capsys: Output, workspace: Path) -> None:
    run(capsys, *ONE)
    (folder,) = (workspace / "backtests").iterdir()
    (folder / "result.json").unlink()
    code, _, err = run(capsys, "why", "last", "--near", "1")
    assert code == 2
    assert "the run is not over, or it was killed" in err
