"""What README and docs tell people to write and to type works as it stands there."""

from __future__ import annotations

import random
import re
import shlex
from pathlib import Path

import pytest

from sptrader_stream.cli import execute
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.timeframes import format_time, parse_time
from sptrader_stream.workspace import create_workspace

PROJECT = Path(__file__).parents[1]
README = PROJECT / "README.md"
PAGES = [README, *sorted((PROJECT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    lines = [line.split("#")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line]


def write_candles(file: Path) -> None:
    """Two weeks of hourly candles with a weekend between them, as a user may have them."""
    rng = random.Random(7)
    price, monday, rows = 108_000, parse_time("2025-01-06"), ["Date,Open,High,Low,Close"]
    for hour in (*range(5 * 24 - 3), *range(7 * 24, 12 * 24 - 3)):
        path = [price := price + rng.randint(-60, 60) for _ in range(4)]
        ticks = (path[0], max(path), min(path), path[-1])
        rows.append(",".join([format_time(monday + hour * 3_600 * 10**9), *(f"{each / 1e5:.5f}" for each in ticks)]))
    file.write_text("\n".join(rows) + "\n")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new workspace, the current folder, with the README's strategy and candles of the user's."""
    create_workspace(tmp_path)
    (tmp_path / "strategies" / "dip.yaml").write_text(blocks(README, "yaml")[0])
    write_candles(tmp_path / "YOUR-CANDLES.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("workspace")
def test_the_readmes_commands_work(capsys: pytest.CaptureFixture[str]) -> None:
    typed = [each for each in commands(README) if not each.startswith("make ")]
    assert len(typed) >= 5
    for line in typed:
        program, *words = shlex.split(line)
        assert program == ".venv/bin/sptrader"
        code = execute(words)
        assert (code, capsys.readouterr().err) == (0, ""), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)`", page.read_text())) | {
        line.split()[1] for line in commands(page) if line.startswith("make ")
    }
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_strategies_in_the_text_compile(page: Path) -> None:
    for block in blocks(page, "yaml"):
        assert compile_strategy(block, page.name).entries


def test_the_signal_in_the_text_can_be_used(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(PROJECT / "docs" / "strategies.md", "python")
    (workspace / "strategies" / "signals" / "momentum.py").write_text(code)
    (workspace / "strategies" / "rising.yaml").write_text(
        "name: rising\n"
        "signal_config: {momentum: {period: 20}}\n"
        "entry: {when: [{signal: momentum, outputs: {direction: rising}}], action: buy, size: 0.02}\n"
    )
    assert execute(["run", "rising", "--data", "YOUR-CANDLES.csv", "--symbol", "EURUSD"]) == 0
    assert "rising" in capsys.readouterr().out


def test_the_result_in_the_readme_is_what_the_demo_shows(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To renew it: COLUMNS=80 .venv/bin/sptrader demo."""
    (shown,) = blocks(README, "text")
    monkeypatch.setenv("COLUMNS", "80")
    assert execute(["demo", "--workspace", str(workspace)]) == 0
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert shown.rstrip() in printed
