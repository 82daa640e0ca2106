"""What each key asks of a run."""

from __future__ import annotations

import pytest

from sptrader_stream.server.messages import Cancel, Pause, Resume, SetPace, StateMessage, SteeringCommand, Step
from sptrader_stream.watching.keys import command_of
from sptrader_stream.watching.view import View


def view_of(status: str, pace: str) -> View:
    view = View()
    view.take(StateMessage(backtest_id="r", status=status, pace=pace))  # type: ignore[arg-type]
    return view


@pytest.mark.parametrize(
    ("key", "status", "command"),
    [
        (" ", "running", Pause(run="r")),
        (" ", "paused", Resume(run="r")),
        ("s", "paused", Step(run="r", n=1)),
        ("t", "paused", Step(run="r", until="trade")),
        ("+", "running", SetPace(run="r", pace="200")),
        ("=", "running", SetPace(run="r", pace="200")),
        ("-", "running", SetPace(run="r", pace="50")),
        ("m", "running", SetPace(run="r", pace="max")),
        ("c", "running", Cancel(run="r")),
        ("x", "running", None),
    ],
)
def test_keys(key: str, status: str, command: SteeringCommand | None) -> None:
    assert command_of(key, "r", view_of(status, "100")) == command


def test_keys_before_the_first_message_do_no_harm() -> None:
    assert command_of(" ", "r", View()) == Pause(run="r")
    assert command_of("+", "r", View()) == SetPace(run="r", pace="max")
