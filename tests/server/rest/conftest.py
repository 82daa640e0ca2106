"""One real server for the tests of REST: its workspace has the shipped strategies and a file of candles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.process import ServerProcess, running_server
from tests.test_readme import write_candles


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    workspace: Path = tmp_path_factory.mktemp("workspace")
    (workspace / "data").mkdir()
    write_candles(workspace / "data" / "GBPUSD-1h.csv")
    with running_server(workspace, body_bytes=100_000, allowed_origins="https://app.example") as server:
        yield server
        assert "Traceback" not in server.log()


@pytest.fixture
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as client:
        yield client
