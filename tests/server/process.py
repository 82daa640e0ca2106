"""A real server in a process of its own, on a free port of loopback, over a workspace of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sptrader_stream.workspace import create_workspace

_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:\d+")

# Trades every fourth candle.
BUSY = """
name: busy
entry:
  when:
    - expr: close > open
  action: buy
  size: 0.01
exit:
  signal_exit:
    when:
      - expr: close < open
    action: close_all
"""


class ServerProcess:
    """A server that was started.

    Attributes:
        url: where it is.
        workspace: the folder that it works in.
        process: it.
    """

    def __init__(self, workspace: Path, port: int = 0, **settings: object) -> None:
        self.workspace = workspace
        if not (workspace / "strategies").exists():
            create_workspace(workspace)
        environment = {f"SPTRADER_{name.upper()}": str(value) for name, value in settings.items()}
        self._log = (workspace / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sptrader_stream.cli", "serve", "--port", str(port), "--workspace", str(workspace)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "NO_COLOR": "1", **environment},
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline().decode()
        found = _ADDRESS.search(said)
        if found is None:
            self.kill()
            raise AssertionError(f"the server did not start: {said!r}\n{self.log()}")
        self.url = found[0]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def log(self) -> str:
        """What it wrote to stderr."""
        return (self.workspace / "server.log").read_text(encoding="utf-8")

    def stop(self) -> int:
        """Ask it to stop, and answer its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def kill(self) -> None:
        """End it without a warning."""
        self.process.kill()
        self._ended()

    def _ended(self) -> int:
        code = self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()
        return code


@contextmanager
def running_server(workspace: Path, port: int = 0, **settings: object) -> Iterator[ServerProcess]:
    """Start a server and stop it afterwards; settings as in ``config/server.yaml``."""
    server = ServerProcess(workspace, port, **settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
