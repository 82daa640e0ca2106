"""The command ``report``: where it writes, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.cli import execute
from tests.report.support import EURUSD, hourly, market, write_candles, write_run


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_candles(tmp_path / "c.csv", hourly(), 5)
    write_run(tmp_path / "backtests" / "monday", [market(EURUSD, tmp_path / "c.csv")], [])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_is_put_beside_the_result(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["report", "monday"]) == 0
    assert capsys.readouterr() == ("backtests/monday/report.html\n", "")
    assert (workspace / "backtests/monday/report.html").read_text().startswith("<!doctype html>")


def test_the_page_goes_where_it_is_wanted(workspace: Path) -> None:
    assert execute(["report", "last", "-o", "page.html"]) == 0
    assert (workspace / "page.html").is_file()
    assert not (workspace / "backtests/monday/report.html").exists()


def test_tables_are_written_instead_of_the_page(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["report", "last", "--csv", "tables", "--parquet", "tables"]) == 0
    names = ["trades.csv", "equity.csv", "trades.parquet", "equity.parquet"]
    assert capsys.readouterr().out.split() == [f"tables/{each}" for each in names]
    assert not list(workspace.rglob("*.html"))


def test_tables_and_page(workspace: Path) -> None:
    assert execute(["report", "last", "--csv", "tables", "-o", "page.html"]) == 0
    assert (workspace / "page.html").is_file()
    assert (workspace / "tables/trades.csv").is_file()


@pytest.mark.usefixtures("workspace")
def test_a_run_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["report", "mondya"]) == 2
    assert "did you mean monday?" in capsys.readouterr().err


@pytest.mark.usefixtures("workspace")
def test_a_page_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["report", "last", "-o", "nowhere/page.html"]) == 2
    assert "nowhere/page.html: cannot be written" in capsys.readouterr().err
