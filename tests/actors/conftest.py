"""Nothing in a pipeline may hang: a test that does is broken off, whatever shields a task from being cancelled."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

_SECONDS = 20


@pytest.fixture(autouse=True)
def _no_test_hangs() -> Iterator[None]:
    def break_off(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"the run was still going after {_SECONDS} s")

    before = signal.signal(signal.SIGALRM, break_off)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
