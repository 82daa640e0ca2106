"""The server as a program: what it does beside answering."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.server.process import running_server


def test_two_servers_do_not_have_their_runs_in_one_folder(tmp_path: Path) -> None:
    with running_server(tmp_path):
        second = subprocess.run(
            [sys.executable, "-m", "sptrader_stream.cli", "serve", "--port", "0", "--workspace", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    wanted = f"error: another server has its runs in {tmp_path / 'backtests'}: stop it, or give a --workspace\n"
    assert (second.returncode, second.stdout, second.stderr) == (2, "", wanted)
    with running_server(tmp_path):
        pass
