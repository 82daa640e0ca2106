"""Candles a second, over the last moments and over all."""

from __future__ import annotations

from sptrader_stream.server.runs.speed import Speedometer


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_in_the_first_half_second_the_speed_is_from_the_start() -> None:
    clock = Clock()
    speed = Speedometer(clock)
    clock.now = 200.0
    speed.start()
    assert speed.read(0) == 0.0
    clock.now = 200.25
    assert speed.read(100) == 400.0


def test_later_it_is_over_the_last_half_second_or_more() -> None:
    clock = Clock()
    speed = Speedometer(clock)
    clock.now = 110.0
    assert speed.read(1_000) == 100.0
    clock.now = 110.25
    assert speed.read(9_000) == 100.0
    clock.now = 111.0
    assert speed.read(9_000) == 8_000.0


def test_at_the_end_it_is_over_all() -> None:
    clock = Clock()
    speed = Speedometer(clock)
    clock.now = 104.0
    speed.read(10)
    clock.now = 108.0
    assert speed.overall(100) == 12.5


def test_no_time_is_no_speed() -> None:
    assert Speedometer(Clock()).overall(5) == 0.0
