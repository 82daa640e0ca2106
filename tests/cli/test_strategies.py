"""Commands that show what there is, and how every command ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sptrader_stream import __version__
from sptrader_stream.cli import main
from sptrader_stream.workspace import starter_folder
from tests.cli.support import Output, run

BROKEN = """\
name: broken
entry:
  when:
    - expr: rsi(14) < 30
  action: bye
  size: 2
"""
OWN_SIGNAL = '''\
from sptrader_stream.signals.api import Output, StatefulSignal, parameter


class Gap(StatefulSignal):
    """The open is away from the close before it."""

    size: float = parameter(0.5, description="least size")
    outputs = (Output("gap", ("up", "down")),)

    def update(self, candles, indicators):
        return {}
'''


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the shipped strategies, as the current one."""
    monkeypatch.chdir(starter_folder())
    return starter_folder()


@pytest.mark.usefixtures("home")
def test_all_shipped_strategies_are_listed(capsys: Output) -> None:
    code, out, err = run(capsys, "strategies", "list")
    assert (code, err) == (0, "")
    listed = [line.split()[0] for line in out.splitlines() if not line.startswith(" ")]
    assert listed == [
        "bollinger_reversion",
        "donchian_breakout",
        "ema_crossover",
        "ma_crossover_strategy",
        "macd_trend",
        "rsi_pullback",
        "test_death_cross_strategy",
    ]
    assert "not valid" not in out


def test_a_broken_strategy_does_not_hide_the_others(capsys: Output, tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "broken.yaml").write_text(BROKEN)
    code, out, _ = run(capsys, "strategies", "list", "--workspace", str(tmp_path))
    assert code == 0
    assert "broken" in out
    assert "not valid" in out


@pytest.mark.usefixtures("home")
def test_a_strategy_is_shown_with_its_parameters_and_its_text(capsys: Output, home: Path) -> None:
    code, out, _ = run(capsys, "strategies", "show", "ma_crossover_strategy")
    assert code == 0
    assert "-p stop_loss" in out
    assert (home / "strategies" / "ma_crossover_strategy.yaml").read_text().rstrip() in out


def test_valid_files_are_called_valid(capsys: Output, home: Path) -> None:
    files = [str(each) for each in sorted((home / "strategies").glob("*.yaml"))]
    code, out, err = run(capsys, "strategies", "validate", *files)
    assert (code, err) == (0, "")
    assert out.count("is valid") == len(files)


def test_strategies_are_validated_by_name(capsys: Output, home: Path) -> None:
    words = ("--workspace", str(home))
    code, out, err = run(capsys, "strategies", "validate", "rsi_pullback", "macd_trend", *words)
    assert (code, err) == (0, "")
    assert "rsi_pullback is valid" in out
    assert "macd_trend is valid" in out
    code, _, err = run(capsys, "strategies", "validate", "rsi_pulback", *words)
    assert code == 2
    assert "did you mean 'rsi_pullback'?" in err


def test_every_finding_is_printed_with_its_place(capsys: Output, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    code, out, err = run(capsys, "strategies", "validate", str(file), str(tmp_path / "missing.yaml"))
    assert (code, out) == (2, "")
    assert err.startswith("error: 3 findings\n")
    assert f"{file}:5: entry.action: " in err
    assert f"{file}:6: entry.size: " in err
    assert "missing.yaml" in err


def test_indicators_and_signals_are_listed(capsys: Output) -> None:
    code, out, _ = run(capsys, "indicators")
    assert code == 0
    assert "macd(fast=12, slow=26, signal=9)" in out
    assert "ma_crossover " in out


@pytest.mark.parametrize(
    ("name", "expected"), [("macd", "histogram"), ("ma_crossover", "golden_cross"), ("bollinger", "formula")]
)
def test_an_indicator_or_signal_is_explained(capsys: Output, name: str, expected: str) -> None:
    code, out, _ = run(capsys, "indicators", name)
    assert code == 0
    assert expected in out


def test_an_unknown_indicator_is_answered_with_the_nearest(capsys: Output) -> None:
    code, out, err = run(capsys, "indicators", "mcad")
    assert (code, out) == (2, "")
    expected = "there is no indicator or signal 'mcad' (did you mean macd?): `sptrader indicators` lists them all"
    assert err == f"error: {expected}\n"


def test_the_users_own_signals_are_listed_and_explained(capsys: Output, tmp_path: Path) -> None:
    folder = tmp_path / "strategies" / "signals"
    folder.mkdir(parents=True)
    (folder / "gap.py").write_text(OWN_SIGNAL)
    (folder / "broken.py").write_text("1 / 0\n")
    words = ("--workspace", str(tmp_path))

    code, out, err = run(capsys, "indicators", *words)
    assert (code, err) == (0, "")
    text = " ".join(out.split())
    assert "gap The open is away from the close before it. Settings: size=0.5. Outputs: gap." in text
    assert "broken not valid: " in text
    assert "ma_crossover " in text

    code, out, err = run(capsys, "indicators", "gap", *words)
    assert (code, err) == (0, "")
    for expected in ("gap: The open is away", "size: 0.5", "up, down"):
        assert expected in out
    code, _, err = run(capsys, "indicators", "broken", *words)
    assert code == 2
    assert "broken.py:1: " in err
    assert "(did you mean gap?)" in run(capsys, "indicators", "gapp", *words)[2]


def test_signals_are_listed_with_settings_and_outputs(capsys: Output) -> None:
    text = " ".join(run(capsys, "indicators")[1].split())
    assert "Outputs: crossover_type, strength" in text
    assert "min_separation=0.0" in text


@pytest.mark.usefixtures("home")
def test_a_shipped_signal_of_the_workspace_is_explained(capsys: Output) -> None:
    code, out, _ = run(capsys, "indicators", "inside_bar")
    assert code == 0
    assert out.startswith("inside_bar: ")


def test_a_new_workspace_is_ready_for_work(capsys: Output, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    code, out, _ = run(capsys, "init", str(folder))
    assert code == 0
    assert f"cd {folder}" in out
    assert run(capsys, "strategies", "list", "--workspace", str(folder))[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rum"], "error: No such command 'rum'"),
        (["run"], "error: Missing argument 'STRATEGY'. (see sptrader run --help)"),
        (
            ["run", "ema_crossover"],
            "error: which candles? Give them with --data: give the path of a file",
        ),
        (["run", "x", "--data", "synthetic", "--batch", "0"], "error: Invalid value for '--batch'"),
        (["run", "x", "--data", "synthetic", "--batch", "many"], "error: Invalid value for '--batch'"),
        (["run", "x", "--data", "synthetic", "--timefrme", "1m"], "error: No such option: --timefrme"),
        (["strategies", "list", "--workspace", "nowhere"], "error: there is no folder nowhere"),
    ],
)
def test_a_users_mistake_is_one_message_and_exit_code_2(capsys: Output, words: list[str], message: str) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [[], ["--help"], ["run", "--help"], ["strategies", "--help"]])
def test_help_is_no_mistake(capsys: Output, words: list[str]) -> None:
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: sptrader")


def test_a_mistake_of_ours_shows_its_traceback_and_exit_code_1(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("sptrader_stream.workspace.create_workspace", fail)
    code, out, err = run(capsys, "init", "anywhere")
    assert (code, out) == (1, "")
    assert "Traceback" in err
    assert err.rstrip().endswith("ZeroDivisionError: ours")


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), BaseExceptionGroup("nursery", [KeyboardInterrupt()])])
def test_ctrl_c_ends_with_130(capsys: Output, monkeypatch: pytest.MonkeyPatch, interrupt: BaseException) -> None:
    def press(_: object) -> None:
        raise interrupt

    monkeypatch.setattr("sptrader_stream.workspace.create_workspace", press)
    assert run(capsys, "init", "anywhere") == (130, "", "")


def test_ctrl_c_while_the_command_line_is_imported_ends_with_130(tmp_path: Path) -> None:
    # A shell's background job is started with the signal ignored, and its children inherit that.
    interrupt = "signal.signal(signal.SIGINT, signal.default_int_handler)\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "typer.py").write_text(f"import os, signal\n\n{interrupt}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    command = [sys.executable, "-c", "from sptrader_stream.cli import main; main()", "--version"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_while_an_error_is_told_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def press(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sptrader_stream.cli.execute", press)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_the_version_is_told(capsys: Output) -> None:
    assert run(capsys, "--version") == (0, f"sptrader-stream {__version__}\n", "")
