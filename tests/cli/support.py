"""What the tests of commands share."""

from __future__ import annotations

import pytest

from sptrader_stream.cli import execute

Output = pytest.CaptureFixture[str]


def run(capsys: Output, *words: str) -> tuple[int, str, str]:
    """Run a command in this process; answers its exit code and what it wrote to stdout and stderr."""
    code = execute(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err
