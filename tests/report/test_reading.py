"""What the page knows of trades, exposure and equity, against numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.errors import StorageError
from sptrader_stream.execution import records as layout
from sptrader_stream.report import trades as trades_module
from sptrader_stream.report.equity import read_curve
from sptrader_stream.report.incidents import read_incidents
from sptrader_stream.report.trades import exposure, read_trades
from sptrader_stream.store.equity import EquityWriter
from sptrader_stream.store.results import RESULT_FILE
from sptrader_stream.store.runs import read_record
from sptrader_stream.timeframes import HOUR
from tests.report.support import EURUSD, MONDAY, MONEY, fill, hourly, market, trade, write_candles, write_run


def test_trades_are_counted_listed_and_their_doubts_told(run_folder: Path) -> None:
    found = read_trades(run_folder)
    assert (found.total, found.ambiguous) == (3, 2)
    assert found.pnl.tolist() == [78 * MONEY // 100, -440 * MONEY // 100, -MONEY // 10]
    assert [each.number for each in found.drawn] == [each.number for each in found.last] == [1, 2, 3]
    assert [(each.number, each.trade.assumption) for each in found.doubtful] == [(2, "same_bar"), (3, "gap")]


def test_of_many_trades_evenly_spread_ones_are_drawn_and_listed_ones_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trades_module, "MOST_DRAWN", 4)
    monkeypatch.setattr(trades_module, "MOST_LISTED", 2)
    write_candles(tmp_path / "c.csv", hourly(), 5)
    rows = [trade(k, k + 1, 100, 101, 1, k, assumption=layout.ASSUMED_GAP if k > 6 else 0) for k in range(13)]
    write_run(tmp_path / "run", [market(EURUSD, tmp_path / "c.csv")], rows)
    found = read_trades(tmp_path / "run")
    assert [each.number for each in found.drawn] == [1, 5, 9, 13]
    assert [each.number for each in found.last] == [12, 13]
    assert [each.number for each in found.doubtful] == [8, 9]
    assert [each.number for each in found.marked(0)] == [1, 5, 8, 9, 12, 13]
    assert found.marked(1) == []
    assert found.pnl.tolist() == list(range(13))


def test_incidents(run_folder: Path) -> None:
    found = read_incidents(run_folder)
    assert found.rejections == {"insufficient_funds": 2}
    assert [(each.reason, each.equity) for each in found.halts] == [("max_drawdown", 99_000 * MONEY)]


def test_exposure_is_the_mean_over_time(tmp_path: Path) -> None:
    """Ten hours in five stretches of two: 1,000 units at 2.0 from hour 1 to 4, half until 5, short from 8."""
    write_candles(tmp_path / "c.csv", hourly(), 5)
    rows = [
        fill(1, 200_000, 100_000),
        trade(1, 4, 200_000, 210_000, 50_000, 1),
        trade(1, 5, 200_000, 190_000, 50_000, 1),
        fill(8, 100_000, 100_000, side=-1, position=2),
    ]
    started = write_run(tmp_path / "run", [market(EURUSD, tmp_path / "c.csv")], rows)
    long, short = exposure(tmp_path / "run", started, (MONDAY, MONDAY + 10 * HOUR), 5)
    assert long.tolist() == pytest.approx([1_000, 2_000, 500, 0, 0])
    assert short.tolist() == pytest.approx([0, 0, 0, 0, 1_000])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=200), st.integers(1, 200))
def test_a_reduced_curve_keeps_the_deepest_drawdown_and_both_ends(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], repeats: int
) -> None:
    folder = tmp_path_factory.mktemp("curve")
    values = [(each * 7_919 * (k + 1)) % 10**6 + 1 for k in range(repeats) for each in steps]
    with EquityWriter(folder) as writer:
        writer.append(np.arange(len(values)), np.array(values, np.int64) * MONEY)
    curve = read_curve(folder, 1_000 * MONEY)
    peak, deepest = 1_000, 0.0
    for value in values:
        peak = max(peak, value)
        deepest = min(deepest, value / peak - 1)
    assert float(curve.drawdown.min()) == pytest.approx(deepest)
    assert (float(curve.equity.min()), float(curve.equity.max())) == (min(values), max(values))
    assert (float(curve.equity[0]), float(curve.equity[-1])) == (values[0], values[-1])
    assert bool((np.diff(curve.time) > 0).all())
    assert len(curve.time) <= 5_005


def test_equity_at_the_ends_of_stretches(tmp_path: Path) -> None:
    with EquityWriter(tmp_path) as writer:
        writer.append(np.array([0, 5, 10]), np.array([100, 200, 50]) * MONEY)
    curve = read_curve(tmp_path, 100 * MONEY)
    assert curve.at_ends(0, 12, 3).tolist() == [100, 200, 50]


def test_a_run_that_is_not_over_is_refused(tmp_path: Path) -> None:
    write_candles(tmp_path / "c.csv", hourly(), 5)
    write_run(tmp_path / "run", [market(EURUSD, tmp_path / "c.csv")], [])
    (tmp_path / "run" / RESULT_FILE).unlink()
    with pytest.raises(StorageError, match="not over"):
        read_record(tmp_path / "run")
