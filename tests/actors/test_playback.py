"""Time in the hands of whoever watches: paused, stepped and paced exactly, and without a trace in what happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.playback import Playback
from actors.run import Run
from actors.signal_engine import PATIENCE_SECONDS
from sptrader_stream.instruments import Instrument
from sptrader_stream.pace import MAX, Pace
from sptrader_stream.sources.market import MarketSpec
from tests.actors.support import EURUSD, HOUR, Memory, make, make_spec, one_chunk, recorded

CANDLES = one_chunk(600)
GBPUSD = Instrument(symbol="GBPUSD", price_precision=5, quantity_precision=0, trading_hours="forex")


class Watched:
    """A run under way, and where it stands."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.playback = run.playback

    @property
    def candles(self) -> int:
        return self.playback.recorded.candles

    @property
    def trades(self) -> int:
        return self.playback.recorded.trades


def watch(
    folder: Path, test: Callable[[Watched], Awaitable[None]], playback: Playback, source: Any = None, batch: int = 100
) -> None:
    """Let a test work with a run, on a clock that jumps where everybody waits."""

    async def main() -> None:
        run = Run(make_spec(folder, source or Memory(CANDLES), batch=batch), playback=playback)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.execute)
            await test(Watched(run))
            playback.resume()
            playback.set_pace(MAX)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_run_that_is_paused_from_the_beginning_on_does_nothing(tmp_path: Path) -> None:
    async def test(watched: Watched) -> None:
        await trio.sleep(3_600)
        assert (watched.candles, watched.playback.is_paused) == (0, True)

    watch(tmp_path / "run", test, Playback(paused=True))
    assert recorded(tmp_path / "run").ended.candles == 600


def test_steps_are_exact_and_add_up(tmp_path: Path) -> None:
    async def test(watched: Watched) -> None:
        reached = []
        for steps in ((1,), (7,), (100,), (101,), (3, 4)):
            for each in steps:
                watched.playback.step(each)
            await trio.sleep(1)
            assert watched.playback.is_paused
            reached.append(watched.candles)
        assert reached == [1, 8, 108, 209, 216]

    watch(tmp_path / "run", test, Playback(paused=True))


def test_a_step_to_the_next_trade_stops_behind_its_candle(tmp_path: Path) -> None:
    alone = make(tmp_path / "alone", Memory(CANDLES))
    trades = [int(row[1]) for row in alone.records if row[0] & 0xFF == 2]
    behind = list(dict.fromkeys(each + 1 for each in trades))[:5]

    async def test(watched: Watched) -> None:
        reached = []
        for _ in behind:
            watched.playback.step_to_trade()
            await trio.sleep(1)
            assert watched.playback.is_paused
            reached.append(watched.candles)
        assert reached == behind

    watch(tmp_path / "run", test, Playback(paused=True))


@pytest.mark.parametrize("passes", range(1, 24))
def test_a_pause_at_any_moment_of_a_step_to_a_trade_lets_the_run_go_on(tmp_path: Path, passes: int) -> None:
    async def test(watched: Watched) -> None:
        await trio.sleep(1)
        watched.playback.step_to_trade()
        for _ in range(passes):
            await trio.lowlevel.checkpoint()
        watched.playback.pause()
        await trio.sleep(1)
        before = watched.candles
        watched.playback.step(1)
        await trio.sleep(1)
        assert watched.candles == before + 1

    watch(tmp_path / "run", test, Playback(paused=True), batch=10)


@pytest.mark.parametrize("passes", range(1, 24))
def test_a_step_to_a_trade_at_full_speed_passes_trades_over_that_were_on_their_way(tmp_path: Path, passes: int) -> None:
    alone = make(tmp_path / "alone", Memory(CANDLES))
    behind = {int(row[1]) + 1 for row in alone.records if row[0] & 0xFF == 2}

    async def test(watched: Watched) -> None:
        for _ in range(passes):
            await trio.lowlevel.checkpoint()
        watched.playback.step_to_trade()
        await trio.sleep(1)
        assert watched.candles in behind or watched.candles == len(CANDLES)

    watch(tmp_path / "run", test, Playback(), batch=10)


@pytest.mark.parametrize(("batch", "rate"), [(1, 1_000), (8, 1_000), (64, 10_000), (512, 100_000)])
def test_a_pace_is_kept_however_small_batches_are(tmp_path: Path, batch: int, rate: int) -> None:
    async def test(watched: Watched) -> None:
        await trio.sleep(1)
        # What came last may lie a batch or a fiftieth of a second back.
        assert rate - max(batch, rate // 50) <= watched.candles <= rate + 1
        watched.run.cancel()

    watch(tmp_path / "run", test, Playback(Pace("rate", float(rate))), Memory(CANDLES, endless=True), batch)


@pytest.mark.parametrize("timestamps", [0, -1])
def test_a_step_is_one_timestamp_at_least(timestamps: int) -> None:
    with pytest.raises(ValueError, match="one timestamp at least"):
        Playback(paused=True).step(timestamps)


@pytest.mark.parametrize("rate", [0.5, 3, 50, 1_000])
def test_at_a_rate_so_many_candles_come_in_a_second_without_drift(tmp_path: Path, rate: float) -> None:
    async def test(watched: Watched) -> None:
        begun = trio.current_time()
        for share in (0.25, 0.5, 0.9):
            moment = share * 600 / rate
            await trio.sleep_until(begun + moment)
            # The first candle comes at once; at high rates the last fiftieth of a second may be on its way.
            late = rate / 50 + 1
            assert moment * rate - late <= watched.candles <= moment * rate + 1

    watch(tmp_path / "run", test, Playback(Pace("rate", rate)))


def test_in_real_time_candles_come_as_far_apart_as_they_opened(tmp_path: Path) -> None:
    async def test(watched: Watched) -> None:
        await trio.sleep(0.5)
        for hours in (0, 1, 2, 30):
            opened = int(((CANDLES.time - CANDLES.time[0]) <= hours * HOUR).sum())
            await trio.sleep_until(hours * 60 + 0.5)
            assert watched.candles == opened

    watch(tmp_path / "run", test, Playback(Pace("realtime", 60.0)))


def test_a_pause_is_not_made_up_for(tmp_path: Path) -> None:
    async def test(watched: Watched) -> None:
        await trio.sleep(10.5)
        assert watched.candles == 11
        watched.playback.pause()
        await trio.sleep(100)
        assert watched.candles == 11
        watched.playback.resume()
        await trio.sleep(1.5)
        assert watched.candles == 13

    watch(tmp_path / "run", test, Playback(Pace("rate", 1.0)))


def test_a_slow_pace_does_not_delay_commands(tmp_path: Path) -> None:
    async def test(watched: Watched) -> None:
        await trio.sleep(1)
        assert watched.candles == 1
        watched.playback.step(5)
        await trio.sleep(0.1)
        assert (watched.candles, watched.playback.is_paused) == (6, True)
        watched.playback.set_pace(Pace("rate", 1_000.0))
        watched.playback.resume()
        await trio.sleep(0.1)
        assert watched.candles > 80

    watch(tmp_path / "run", test, Playback(Pace("rate", 0.001)))


@pytest.mark.parametrize("playback", [Playback(paused=True), Playback(Pace("rate", 0.001)), Playback()])
def test_a_run_is_cancelled_in_any_state(tmp_path: Path, playback: Playback) -> None:
    async def test(watched: Watched) -> None:
        for _ in range(100):
            await trio.lowlevel.checkpoint()
        watched.run.cancel()

    watch(tmp_path / "run", test, playback, Memory(CANDLES, endless=True))
    assert recorded(tmp_path / "run").ended.status == "cancelled"


def test_changes_are_told(tmp_path: Path) -> None:
    told: list[tuple[bool, str]] = []

    async def test(watched: Watched) -> None:
        playback = watched.playback
        playback.on_change = lambda: told.append((playback.is_paused, str(playback.pace)))
        playback.step(2)
        await trio.sleep(1)
        playback.set_pace(Pace("rate", 5.0))
        playback.pause()

    watch(tmp_path / "run", test, Playback(paused=True))
    assert told[:4] == [(False, "max"), (True, "max"), (True, "5"), (True, "5")]


Timed = tuple[float, tuple[Any, ...]]
COMMANDS = st.lists(
    st.tuples(
        st.sampled_from([0.001, 0.02, 0.5, 7.0]),
        st.one_of(
            st.just(("pause",)),
            st.just(("resume",)),
            st.just(("step_to_trade",)),
            st.tuples(st.just("step"), st.integers(1, 150)),
            st.tuples(
                st.just("set_pace"),
                st.sampled_from([MAX, Pace("rate", 3.0), Pace("rate", 800.0), Pace("realtime", 7_200.0)]),
            ),
        ),
    ),
    max_size=8,
)


@pytest.mark.parametrize("instruments", [1, 2])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(COMMANDS, st.sampled_from([1, 7, 64, 8_192]))
def test_nothing_of_what_happens_depends_on_commands(
    tmp_path_factory: pytest.TempPathFactory,
    instruments: int,
    commands: list[tuple[float, tuple[Any, ...]]],
    batch: int,
) -> None:
    folder = tmp_path_factory.mktemp("runs")

    def markets() -> Any:
        if instruments == 1:
            return Memory(CANDLES)
        other = one_chunk(500, GBPUSD)
        return [MarketSpec(EURUSD, Memory(CANDLES)), MarketSpec(GBPUSD, Memory(other, symbol="GBPUSD"))]

    async def test(watched: Watched) -> None:
        for wait, (name, *arguments) in commands:
            await trio.sleep(wait)
            getattr(watched.playback, name)(*arguments)

    alone = make(folder / "alone", markets())
    watch(folder / "run", test, Playback(Pace("rate", 100.0)), markets(), batch)
    assert recorded(folder / "run").everything == alone.everything


def test_own_signals_that_do_not_end_are_left_to_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a server the user's code is in a thread, and a run that is cancelled ends whatever it does."""
    release = trio.Event()

    async def main() -> None:
        token = trio.lowlevel.current_trio_token()
        monkeypatch.setattr("actors.run.has_own_signals", lambda _: True)
        spec = make_spec(tmp_path / "run", Memory(CANDLES))
        run = Run(msgspec.structs.replace(spec, shares_loop=True))

        def hang(*_: Any) -> Any:
            trio.from_thread.run(release.wait, trio_token=token)

        monkeypatch.setattr(run._pipeline.signals, "process", hang)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.execute)
            await trio.testing.wait_all_tasks_blocked(0.1)
            begun = trio.current_time()
            run.cancel()
            clock.jump(PATIENCE_SECONDS)
        assert trio.current_time() - begun < PATIENCE_SECONDS + 5
        release.set()

    clock = trio.testing.MockClock(rate=1.0)
    trio.run(main, clock=clock)
    ended = recorded(tmp_path / "run").ended
    assert ended.status == "failed"
    assert ended.failure is not None
    assert (ended.failure.actor, "not answered" in ended.failure.cause) == ("signal_engine", True)
