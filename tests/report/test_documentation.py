"""What docs/results.md tells people to type works as it stands there."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sptrader_stream.cli import execute
from tests.report.support import write_sample
from tests.test_readme import PROJECT, blocks, commands

PAGE = PROJECT / "docs" / "results.md"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "backtests").mkdir()
    write_sample(tmp_path / "backtests")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_work(workspace: Path) -> None:
    for line in commands(PAGE):
        program, *words = shlex.split(line)
        assert program == "sptrader"
        assert execute(words) == 0, line
    assert (workspace / "page.html").is_file()
    assert len(list((workspace / "tables").iterdir())) == 4


@pytest.mark.usefixtures("workspace")
def test_the_code_works(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(PAGE, "python")
    exec(compile(code, str(PAGE), "exec"), {})
    assert "take_profit" in capsys.readouterr().out
