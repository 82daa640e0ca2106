"""A recorded run of one instrument, with a bit of everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.support import write_sample


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("reports"))
