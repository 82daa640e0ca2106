"""`sptrader run` and `sptrader demo`, from the words on the command line to exit code, output and files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sptrader_stream.workspace import create_workspace
from tests.cli.support import Output, run
from tests.result_fields import FIELDS, TRADE_FIELDS

SYNTHETIC = (
    "--data",
    "synthetic",
    "--symbol",
    "EURUSD",
    "--timeframe",
    "1h",
    "--from",
    "2025-01-01",
    "--to",
    "2025-06-30",
)
RANGE = ("--from", "2025-01-01", "--to", "2025-02-28")
TWO = ("--data", "EURUSD=synthetic", "--data", "GBPUSD=synthetic", "--timeframe", "1m", *RANGE)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new workspace, the current folder."""
    create_workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(capsys: Output, *words: str) -> dict[str, Any]:
    code, out, err = run(capsys, *words, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_json_is_one_document_with_the_agreed_fields(capsys: Output) -> None:
    found = document(capsys, "run", "ma_crossover_strategy", *SYNTHETIC)
    assert found.keys() >= FIELDS
    assert found["total_trades"] == len(found["completed_trades"]) > 0
    assert found["completed_trades"][0].keys() >= TRADE_FIELDS
    assert found["instrument"].keys() >= {"symbol", "price_precision", "quantity_precision"}
    assert found["timing"].keys() >= {"candles", "startup_s", "run_s", "candles_per_second"}


def test_amounts_are_exact_text_that_adds_up(capsys: Output) -> None:
    found = document(capsys, "run", "ma_crossover_strategy", *SYNTHETIC)
    assert found["start_capital"] == "10000.00"
    assert sum(Decimal(each["pnl"]) for each in found["completed_trades"]) == Decimal(found["total_pnl"])


def test_the_result_for_people_tells_what_they_need(capsys: Output) -> None:
    code, out, err = run(capsys, "run", "ma_crossover_strategy", *SYNTHETIC)
    assert (code, err) == (0, "")
    for expected in (
        "ma_crossover_strategy",
        "EURUSD 1h",
        "synthetic",
        "Sharpe ratio",
        "Last ",
        "Equity",
        "Fingerprint",
    ):
        assert expected in out
    (folder,) = Path("backtests").iterdir()
    assert str(folder) in out


def test_the_batch_size_changes_nothing(capsys: Output) -> None:
    one, other = (document(capsys, "run", "ema_crossover", *SYNTHETIC, "--batch", size) for size in ("7", "8192"))
    assert one["fingerprint"] == other["fingerprint"]
    assert one["completed_trades"] == other["completed_trades"]


def test_parameters_and_capital_are_taken_over(capsys: Output) -> None:
    words = ("run", "ma_crossover_strategy", *SYNTHETIC)
    plain = document(capsys, *words)
    changed = document(capsys, *words, "-p", "fast=5", "-p", "slow=12", "--capital", "2500.50")
    assert changed["start_capital"] == "2500.50"
    assert changed["total_trades"] > plain["total_trades"]


def test_results_go_where_they_are_wanted(capsys: Output, workspace: Path) -> None:
    assert run(capsys, "run", "ema_crossover", *SYNTHETIC, "--out", "mine")[0] == 0
    assert any((workspace / "mine").iterdir())
    assert not (workspace / "backtests").exists()
    code, _, err = run(capsys, "run", "ema_crossover", *SYNTHETIC, "--out", "mine")
    assert code == 2
    assert err.startswith("error: --out mine")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "ma_crossover_strat", *SYNTHETIC], "did you mean 'ma_crossover_strategy'?"),
        (["run", "ma_crossover_strategy", "--data", "nowhere.csv", "--symbol", "EURUSD"], "nowhere.csv: no such file"),
        (["run", "ma_crossover_strategy", "--data", "nowhere.csv"], "nowhere.csv: no such file"),
        (["run", "ma_crossover_strategy", "--data", "config"], "config: a folder, and not a series of a catalog"),
        (["run", "ma_crossover_strategy", "--data", ""], "--data is empty: give the path of a file"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "--out", ""], "--out is empty: give a new folder"),
        (["run", "", *SYNTHETIC], "STRATEGY is empty: give a strategy's name"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "--capital", "1,0"], "commas only separate thousands"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "--symbol", "EURUSX"], "did you mean EURUSD?"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "--from", "yesterday"], "'yesterday' is not a time"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "--to", "2023-12-31"], "ends"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "--timeframe", "1x"], "'1x' is not a timeframe"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "--capital", "0"], "--capital"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "-p", "fats=5"], "fast"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "-p", "fast=many"], "fast"),
        (["run", "ma_crossover_strategy", *SYNTHETIC, "--data", "GBPUSD=synthetic"], "--symbol is for one --data"),
        (["run", "ma_crossover_strategy", *TWO, "--data", "EUR/USD=synthetic"], "EURUSD is given twice"),
        (
            ["run", "ma_crossover_strategy", "--data", "USDJPY-5m.csv", "--data", "EURUSD-1h.csv"],
            "5m for USDJPY (USDJPY-5m.csv)",
        ),
        (["run", "ma_crossover_strategy", *TWO, "--data", "USDJPY="], "expected SYMBOL=FILE"),
        (
            ["run", "ma_crossover_strategy", *SYNTHETIC, "--timeframe", "4h"],
            "for candles of 1h, and those of",
        ),
    ],
)
def test_a_users_mistake_is_one_message_and_leaves_nothing(
    capsys: Output, workspace: Path, words: list[str], message: str
) -> None:
    rows = [f"{1736121600 + 300 * k},150.1,150.2,150.0,150.1" for k in range(9)]
    Path("USDJPY-5m.csv").write_text("\n".join(["time,open,high,low,close", *rows]))
    Path("EURUSD-1h.csv").write_text("\n".join(["time,open,high,low,close", "1736121600,1.1,1.1,1.1,1.1"]))
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err
    assert not (workspace / "backtests").exists()


def test_several_instruments_are_one_run(capsys: Output) -> None:
    found = document(capsys, "run", "ma_crossover_strategy", *TWO)
    assert found["symbol"] == "EURUSD+GBPUSD"
    assert [each["symbol"] for each in found["markets"]] == ["EURUSD", "GBPUSD"]
    assert all(each["total_trades"] > 0 for each in found["markets"])
    assert (found["timeframe"], found["strategy_timeframe"]) == ("1m", "1h")
    code, out, err = run(capsys, "run", "ma_crossover_strategy", *TWO)
    assert (code, err) == (0, "")
    assert "on EURUSD, GBPUSD, 1h signals on 1m candles" in out
    assert "Win rate" in out[out.index("Symbol") :]


def test_made_up_candles_beside_real_ones_are_named(capsys: Output) -> None:
    rows = [f"{1736121600 + 3600 * k},150.{k:02d},150.99,150.00,150.{k + 1:02d}" for k in range(60)]
    Path("USDJPY-1h.csv").write_text("\n".join(["time,open,high,low,close", *rows]))
    words = ("--data", "USDJPY-1h.csv", "--data", "EURUSD=synthetic", *RANGE)
    code, out, _ = run(capsys, "run", "ma_crossover_strategy", *words)
    assert code == 0
    assert "candles from USDJPY-1h.csv; synthetic candles, made up" in out
    assert "(EURUSD)" in out


def test_made_up_candles_have_the_timeframe_of_the_files_beside_them(capsys: Output) -> None:
    rows = [f"{1736121600 + 60 * k},150.{k:02d},150.99,150.00,150.{k + 1:02d}" for k in range(60)]
    Path("USDJPY-1m.csv").write_text("\n".join(["time,open,high,low,close", *rows]))
    words = ("--data", "EURUSD=synthetic", "--data", "USDJPY-1m.csv", "--from", "2025-01-06", "--to", "2025-01-06")
    found = document(capsys, "run", "ma_crossover_strategy", *words)
    assert (found["timeframe"], found["strategy_timeframe"]) == ("1m", "1h")
    assert [each["symbol"] for each in found["markets"]] == ["EURUSD", "USDJPY"]


def test_bounds_are_an_interval(capsys: Output) -> None:
    words = ("run", "ma_crossover_strategy", *SYNTHETIC, "-p", "stop_loss=0.0005", "-p", "take_profit=0.0005")
    plain, found = document(capsys, *words), document(capsys, *words, "--bounds")
    low, high = map(Decimal, found["bounds"]["pnl_interval"])
    assert low < high
    assert Decimal(found["total_pnl"]) == low == Decimal(found["bounds"]["stop_first"]["total_pnl"])
    assert plain["bounds"] is None
    assert plain["fingerprint"] == found["fingerprint"]
    assert found["ambiguous_trades"]["same_bar"] > 0
    out = run(capsys, *words, "--bounds")[1]
    assert f"{low:,.2f} to {high:,.2f}" in out
    assert "reached stop and target in one candle" in out


def test_candles_that_break_the_contract_are_the_users_mistake(capsys: Output) -> None:
    rows = ["time,open,high,low,close", *(f"{1736121600 + 3600 * k},1.1,1.2,1.0,1.1" for k in range(50))]
    rows[30] = rows[29]
    Path("EURUSD-1h.csv").write_text("\n".join(rows))
    code, _, err = run(capsys, "run", "ma_crossover_strategy", "--data", "EURUSD-1h.csv")
    assert code == 2
    assert "error: " in err
    assert "duplicate" in err
    assert "line 31" in err
    assert "Traceback" not in err


def test_the_demo_shows_everything(capsys: Output) -> None:
    code, out, err = run(capsys, "demo")
    assert code == 0
    for expected in ("synthetic", "Total P&L", "Last ", "Equity", "Fingerprint", "sptrader run"):
        assert expected in out
    assert "100%" in err


def test_the_demo_needs_no_workspace(capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert run(capsys, "demo")[0] == 0


def test_ctrl_c_keeps_and_prints_what_was_reached() -> None:
    words = ["run", "ma_crossover_strategy", "--data", "synthetic", "--timeframe", "1s", "--from", "2000-01-01"]
    command = [sys.executable, "-c", "from sptrader_stream.cli import main; main()", *words, "--to", "2020-01-01"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        while process.poll() is None and not any(file.stat().st_size > 1_000 for file in Path("backtests").glob("*/*")):
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "cancelled" in out
    assert "Traceback" not in err


def test_nothing_heavy_is_imported_to_show_a_result_as_json() -> None:
    words = ["run", "ma_crossover_strategy", *SYNTHETIC, "--json"]
    program = (
        "import sys; from sptrader_stream.cli import execute; code = execute(sys.argv[1:]); "
        "heavy = {'rich', 'numba', 'pandas', 'pydantic', 'structlog'} & sys.modules.keys(); "
        "print(code, sorted(heavy), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert done.stderr == "0 []\n"
