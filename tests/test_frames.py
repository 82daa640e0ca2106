"""A run in a notebook: frames that say what the result says."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sptrader_stream
from sptrader_stream.errors import UserError
from tests.report.support import EURUSD, HOURS, hourly, market, write_candles, write_run, write_sample


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("frames"))


@pytest.fixture
def result(run_folder: Path) -> dict[str, Any]:
    found = json.loads((run_folder / "result.json").read_text())
    assert isinstance(found, dict)
    return found


def test_trades_are_the_results(run_folder: Path, result: dict[str, Any]) -> None:
    trades = sptrader_stream.load(run_folder).trades
    wanted = result["completed_trades"]
    assert {*trades.columns, "exit_time"} == set(wanted[0])
    assert trades.index.name == "exit_time"
    assert str(trades.index.dtype) == str(trades["entry_time"].dtype) == "datetime64[ns, UTC]"
    assert [each.isoformat() for each in trades.index] == [each["exit_time"].replace("Z", "+00:00") for each in wanted]
    for name in ("entry_price", "exit_price", "quantity", "pnl", "pnl_percent", "commission", "mae", "mfe"):
        assert str(trades[name].dtype) == "float64"
        assert trades[name].tolist() == [float(each[name]) for each in wanted]
    assert trades["exit_reason"].tolist() == [each["exit_reason"] for each in wanted]


def test_exact_amounts_are_decimals(run_folder: Path, result: dict[str, Any]) -> None:
    run = sptrader_stream.load(run_folder, exact=True)
    assert run.trades["pnl"].tolist() == [Decimal(each["pnl"]) for each in result["completed_trades"]]
    assert run.trades["pnl"].sum() == run.metrics["total_pnl"] == Decimal(result["total_pnl"])
    assert run.equity.iloc[1] == Decimal("100001.00")
    assert run.settings["start_capital"] == Decimal(100_000)


def test_fills_rejections_and_halts(run_folder: Path) -> None:
    run = sptrader_stream.load(run_folder)
    assert run.fills["side"].tolist() == ["buy", "sell", "buy", "sell", "sell", "buy"]
    assert run.fills["reason"].tolist() == ["entry", "take_profit", "entry", "stop_loss", "entry", "stop_loss"]
    assert run.fills["price"].tolist() == [1.101, 1.109, 1.102, 1.08, 1.102, 1.103]
    assert run.rejections["reason"].tolist() == ["insufficient_funds"] * 2
    assert run.halts["reference"].tolist() == [100_000.0]
    assert str(run.halts.index.dtype) == "datetime64[ns, UTC]"


def test_equity_and_daily_returns(run_folder: Path, result: dict[str, Any]) -> None:
    run = sptrader_stream.load(run_folder)
    assert len(run.equity) == HOURS
    assert run.equity.index[0] == pd.Timestamp("2025-01-06", tz="UTC")
    assert run.equity.iloc[:3].tolist() == [100_000, 100_001, 100_002]
    assert run.daily_returns.tolist() == result["daily_returns"]
    assert str(run.daily_returns.index.dtype) == "datetime64[ns, UTC]"


def test_metrics_and_settings(run_folder: Path, result: dict[str, Any]) -> None:
    run = sptrader_stream.load(run_folder)
    assert run.metrics["total_trades"] == 3
    assert run.metrics["total_pnl"] == float(result["total_pnl"])
    assert run.metrics["max_drawdown"] == result["max_drawdown"]
    assert run.settings["parameters"] == {"fast": "5"}
    assert run.settings["symbols"] == ["EURUSD"]
    assert "name: crossing" in run.settings["strategy_text"]


def test_a_run_says_what_it_is(run_folder: Path) -> None:
    shown = repr(sptrader_stream.load(run_folder))
    assert "crossing 1 on EURUSD 1h" in shown
    assert "Trades 3" in shown
    assert ".daily_returns" in shown


def test_a_run_whose_equity_is_gone_says_so(tmp_path: Path) -> None:
    folder = write_sample(tmp_path)
    (folder / "equity.bin").unlink()
    with pytest.raises(UserError, match=r"has no equity\.bin.*run it again"):
        _ = sptrader_stream.load(folder).equity


def test_a_run_without_anything_has_frames_with_columns(tmp_path: Path) -> None:
    write_candles(tmp_path / "c.csv", hourly(), 5)
    write_run(tmp_path / "run", [market(EURUSD, tmp_path / "c.csv")], [], version="")
    run = sptrader_stream.load(tmp_path / "run")
    assert "crossing on EURUSD 1h" in repr(run)
    for frame in (run.trades, run.fills, run.rejections, run.halts):
        assert len(frame) == 0
        assert str(frame.index.dtype) == "datetime64[ns, UTC]"
    assert str(run.trades["pnl"].dtype) == "float64"
    assert "symbol" in run.fills


def test_runs_are_found_by_name_and_as_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_candles(tmp_path / "c.csv", hourly(), 5)
    write_run(tmp_path / "backtests" / "only", [market(EURUSD, tmp_path / "c.csv")], [])
    assert sptrader_stream.load(workspace=tmp_path).folder.name == "only"
    monkeypatch.chdir(tmp_path)
    assert sptrader_stream.load("only").settings["run_id"] == "only"
    with pytest.raises(UserError, match="there is no run 'other'"):
        sptrader_stream.load("other")


def test_importing_the_package_loads_no_pandas() -> None:
    code = "import sys, sptrader_stream, sptrader_stream.frames, sptrader_stream.cli.report\n" \
        "sys.exit(bool({'pandas', 'pyarrow', 'plotly', 'numba', 'rich'} & sys.modules.keys()))"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
