"""Following and steering runs from the command line: on a real server, and in a real terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sptrader_stream.cli import CANCELLED, DONE, USER_MISTAKE
from sptrader_stream.workspace import create_workspace
from tests.cli.support import Output, run
from tests.server.process import ServerProcess, running_server

CANDLES = (
    "--data", "synthetic", "--symbol", "EURUSD", "--timeframe", "1h", "--from", "2024-01-01", "--to", "2024-02-01",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("server")) as process:
        yield process


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    create_workspace(tmp_path)
    return tmp_path


def fingerprint(folder: Path) -> str:
    (result,) = folder.glob("backtests/*/result.json")
    found: str = json.loads(result.read_bytes())["fingerprint"]
    return found


def test_a_run_on_a_server_is_the_run_here(capsys: Output, server: ServerProcess, workspace: Path) -> None:
    code, out, err = run(capsys, "run", "ema_crossover", *CANDLES, "--server", server.url, "--json")
    assert code == DONE, err
    there = json.loads(out)
    assert run(capsys, "run", "ema_crossover", *CANDLES, "--workspace", str(workspace))[0] == DONE
    assert there["fingerprint"] == fingerprint(workspace)


def test_a_run_on_a_server_is_followed_by_lines(capsys: Output, server: ServerProcess) -> None:
    code, out, err = run(capsys, "run", "ema_crossover", *CANDLES, "--server", server.url, "-p", "fast=10")
    lines = out.splitlines()
    name = re.search(r"runs it as (\S+)", err)
    assert code == DONE
    assert name is not None
    assert any(re.fullmatch(r"started ema_crossover 1\.0\.0 on EURUSD 1h, synthetic, capital 10000\.00", each)
               for each in lines)  # fmt: skip
    trades = [each for each in lines if " trade " in each]
    assert re.fullmatch(rf"completed after 576 candles: {len(trades)} trades, P&L \S+, end capital \S+", lines[-1])
    # Whoever comes later sees the same.
    code, again, _ = run(capsys, "watch", name[1], "--server", server.url)
    assert (code, [each for each in again.splitlines() if " trade " in each]) == (DONE, trades)


def test_messages_are_one_json_object_a_line(capsys: Output, server: ServerProcess) -> None:
    run(capsys, "run", "ema_crossover", *CANDLES, "--server", server.url)
    code, out, _ = run(capsys, "watch", "last", "--server", server.url, "--json")
    messages = [json.loads(line) for line in out.splitlines()]
    assert code == DONE
    assert [each["seq"] for each in messages if "seq" in each] == list(range(messages[-1]["seq"] + 1))
    assert messages[-1]["type"] == "ended"


def test_runs_are_listed_and_cancelled(capsys: Output, server: ServerProcess) -> None:
    words = [sys.executable, "-m", "sptrader_stream.cli", "replay", "macd_trend", *CANDLES, "--pace", "1", "--server",
             server.url]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "pace 1" in process.stdout.readline()
        code, out, _ = run(capsys, "runs", "--server", server.url, "--strategy", "macd_trend", "--json")
        (listed,) = json.loads(out)["runs"]
        assert (code, listed["status"]) == (DONE, "running")
        code, out, _ = run(capsys, "cancel", "last", "--server", server.url)
        assert (code, out.split()[:2]) == (DONE, [listed["backtest_id"], "cancelled"])
        assert "cancelled after" in process.stdout.read().splitlines()[-1]
        assert process.wait(20) == CANCELLED
    code, out, _ = run(capsys, "runs", "--server", server.url, "--strategy", "macd_trend")
    heading, row = out.splitlines()
    assert heading.split()[:2] == ["run", "status"]
    assert row.split()[:2] == [listed["backtest_id"], "cancelled"]


def test_strategies_why_and_report_come_from_the_server(capsys: Output, server: ServerProcess, tmp_path: Path) -> None:
    there = ("--server", server.url)
    assert "rsi_pullback" in run(capsys, "strategies", "list", *there)[1]
    assert "max_holding_period: 7d" in run(capsys, "strategies", "show", "rsi_pullback", *there)[1]
    assert run(capsys, "strategies", "validate", "rsi_pullback", *there)[1] == "rsi_pullback: rsi_pullback is valid\n"
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: broken\nentri: {}\n", encoding="utf-8")
    code, _, err = run(capsys, "strategies", "validate", str(broken), *there)
    assert code == USER_MISTAKE
    assert f"{broken}:2: entri: " in err
    run(capsys, "run", "ema_crossover", *CANDLES, *there)
    assert "where entry rules came closest" in run(capsys, "why", "last", "--near", "1", *there)[1]
    page = tmp_path / "page.html"
    assert run(capsys, "report", "last", "-o", str(page), *there)[:2] == (DONE, f"{page}\n")
    assert "ema_crossover" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "ema_crossover", *CANDLES, "--bounds", "--out", "x"), "--bounds, --out: not with --server"),
        (("run", "strategies/ema_crossover.yaml", *CANDLES), "a server runs its own strategies"),
        (("run", "nope", *CANDLES), "there is no strategy 'nope'"),
        (("run", "ema_crossover", "--data", "nope.csv", "--symbol", "EURUSD"), "has no file of candles 'nope.csv'"),
        (("watch", "nope"), "there is no run 'nope'"),
        (("report", "last", "--csv", "x"), "--csv and --parquet: not with --server"),
    ],
)
def test_what_a_server_cannot_do_is_said(
    capsys: Output, server: ServerProcess, words: tuple[str, ...], message: str
) -> None:
    code, out, err = run(capsys, *words, "--server", server.url)
    assert (code, out) == (USER_MISTAKE, "")
    assert err.startswith("error: ")
    assert message in err


def test_a_replay_that_is_piped_ends_as_the_run_does(capsys: Output, workspace: Path) -> None:
    code, out, err = run(capsys, "replay", "ema_crossover", *CANDLES, "--pace", "max", "--workspace", str(workspace))
    assert code == DONE
    assert err == ""
    assert out.splitlines()[-2].startswith("completed after 576 candles")
    assert out.splitlines()[-1].startswith(f"results: {workspace / 'backtests'}")


def test_a_pace_that_is_none_is_refused(capsys: Output, workspace: Path) -> None:
    code, _, err = run(
        capsys, "replay", "ema_crossover", *CANDLES, "--pace", "fast", "--workspace", str(workspace)
    )  # fmt: skip
    assert code == USER_MISTAKE
    assert err.startswith("error: --pace: 'fast' is not a pace")


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self._process, self._file = pty.fork()
        if self._process == 0:
            os.environ.update(TERM="xterm", COLUMNS="110", LINES="40", NO_COLOR="1")
            os.execv(sys.executable, [sys.executable, "-m", "sptrader_stream.cli", *words])
        self._seen = b""

    def press(self, key: str) -> None:
        os.write(self._file, key.encode())

    def until(self, pattern: str) -> str:
        """Read until something is there that was not there at the last time; answers it."""
        deadline = time.monotonic() + 30
        while (found := re.search(pattern, self._text())) is None:
            assert time.monotonic() < deadline, f"{pattern} never came; there was: {self._text()[-2_000:]}"
            if select.select([self._file], [], [], 1.0)[0]:
                self._seen += os.read(self._file, 65_536)
        self._seen = self._text()[found.end() :].encode()
        return found[0]

    def end(self) -> int:
        """Read until the command ends; answers its exit code."""
        try:
            while os.read(self._file, 65_536):
                pass
        except OSError:
            # A terminal whose other side is closed says so with an error.
            pass
        os.close(self._file)
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def _text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._seen.decode("utf-8", "replace"))


def test_keys_pause_step_and_speed_a_replay_up(workspace: Path, capsys: Output) -> None:
    terminal = Terminal("replay", "ema_crossover", *CANDLES, "--pace", "50", "--workspace", str(workspace))
    terminal.until(r"Status\s+running")
    terminal.press(" ")
    terminal.until(r"Status\s+paused")
    terminal.press("t")
    terminal.until(r"Trades\s+1\b")
    candles = re.sub(r"\D", "", terminal.until(r"Candles\s+[\d,]+"))
    terminal.press("s")
    terminal.until(rf"Candles\s+{int(candles) + 1}\b")
    terminal.press("-")
    terminal.until(r"Pace\s+20\b")
    terminal.press("m")
    terminal.until(r"Pace\s+max\b")
    terminal.press(" ")
    terminal.until(r"completed after 576 candles")
    assert terminal.end() == DONE
    steered = fingerprint(workspace)
    code, out, _ = run(capsys, "run", "ema_crossover", *CANDLES, "--workspace", str(workspace), "--json")
    assert (code, json.loads(out)["fingerprint"]) == (DONE, steered)


def test_leaving_a_replay_ends_it_and_keeps_what_it_did(workspace: Path) -> None:
    terminal = Terminal("replay", "ema_crossover", *CANDLES, "--pace", "20", "--workspace", str(workspace))
    terminal.until(r"Candles\s+[1-9]")
    terminal.press("q")
    terminal.until(r"cancelled after \d+ candles")
    assert terminal.end() == CANCELLED
    assert fingerprint(workspace)


def test_leaving_a_run_of_a_server_lets_it_go_on(server: ServerProcess, capsys: Output) -> None:
    there = ("--server", server.url)
    terminal = Terminal("replay", "rsi_pullback", *CANDLES, "--pace", "1", *there)
    terminal.until(r"Status\s+running")
    terminal.press("q")
    assert terminal.end() == DONE
    (listed,) = json.loads(run(capsys, "runs", *there, "--strategy", "rsi_pullback", "--json")[1])["runs"]
    assert listed["status"] == "running"
    run(capsys, "cancel", listed["backtest_id"], *there)
