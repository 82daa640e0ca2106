"""Candles, decisions and settings for properties: small worlds in which everything happens often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from sptrader_stream.execution.settings import Commission, Entry, ExecutionSettings
from tests.reference import Candle, Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = 10**9
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
NEW_YEAR = 1_735_689_600 * SECOND
MONEY = 10**8


@dataclass(frozen=True)
class World:
    """One run's input."""

    settings: ExecutionSettings
    candles: list[Candle]
    decisions: list[Decision]


@dataclass(frozen=True)
class Scale:
    """An instrument: where its prices start and how fine they and its quantities are."""

    price: int
    price_precision: int
    quantity_precision: int


SCALES = (
    Scale(103_503, 5, 0),  # EURUSD
    Scale(9_431_250, 2, 4),  # BTCUSD
    Scale(10_050, 2, 0),  # a share
    Scale(7, 2, 0),  # a few ticks only
    Scale(100, 0, 8),
    Scale(12_345_678, 8, 0),
)

# A candle is drawn as eight bytes, which is fast and shrinks towards calm candles; these tables give them meaning.
# Steps are 0.5 % of the first price; an entry rule is met at half of the candles, an exit rule at a third.
STEPS = (0, 0, 0, 0, 1, -1, 2, -2, 4, -4)
TICKS = (0, 0, 0, 1, -1)
PASSING = (MINUTE, MINUTE, MINUTE, HOUR, 11 * HOUR, 3 * DAY)
SPREADS = (0, 1, 3, 40)
ENTRIES = (0, 0, 0, 0, 1, 2, 3, 4, 6)
EXITS = (0, 0, 0, 0, 1, 2)
drawn_candles = st.binary(min_size=8, max_size=8)


def candle_after(before: Candle, unit: int, drawn: bytes) -> Candle:
    gap, body, up, down = (STEPS[byte % len(STEPS)] * unit for byte in drawn[:4])
    nudge, nudge_low = TICKS[drawn[4] % len(TICKS)], TICKS[drawn[4] // 16 % len(TICKS)]
    first = max(1, before.close + gap + nudge)
    last = max(1, first + body - nudge)
    return Candle(
        time=before.time + PASSING[drawn[5] % len(PASSING)],
        open=first,
        high=max(first, last) + abs(up) + max(nudge_low, 0),
        low=max(1, min(first, last) - abs(down) + min(nudge_low, 0)),
        close=last,
        spread=SPREADS[drawn[6] % len(SPREADS)],
    )


def decision_of(drawn: bytes) -> Decision:
    return Decision(ENTRIES[drawn[7] % 16 % len(ENTRIES)], EXITS[drawn[7] // 16 % len(EXITS)])


def walk_of(scale: Scale, drawn: Sequence[bytes]) -> list[Candle]:
    candle = Candle(NEW_YEAR + 23 * HOUR, *[scale.price] * 4)
    candles = []
    for each in drawn:
        candle = candle_after(candle, max(1, scale.price // 200), each)
        candles.append(candle)
    return candles


percentages = st.sampled_from([None, 100_000, 500_000, 1_234_567, 5_000_000, 50_000_000])
limits = st.sampled_from([None, None, 100_000, 1_000_000, 10_000_000])
commissions = st.sampled_from(
    [
        Commission(),
        Commission(percent=100_000),
        Commission(percent=33_333_333),
        Commission(percent=12_345, per_unit=1_234_567, per_order=MONEY // 3, minimum=MONEY),
        Commission(per_unit=7, minimum=3),
    ]
)


@st.composite
def entries(draw: st.DrawFn, scale: Scale, capital: int) -> tuple[Entry, ...]:
    lots = max(1, capital // (scale.price * 10 ** (8 - scale.price_precision - scale.quantity_precision)))
    sizes = st.one_of(
        st.tuples(st.just("percent"), st.sampled_from([1, 2_000_000, 33_333_333, 100_000_000, 250_000_000])),
        st.tuples(st.just("notional"), st.sampled_from([capital // 50 + 1, capital // 3 + 1, 2 * capital])),
        st.tuples(st.just("quantity"), st.sampled_from([1, lots // 10 + 1, lots, lots + 1, 3 * lots])),
    )
    made = []
    for side in draw(st.permutations([1, -1, 1])):
        sizing, size = draw(sizes)
        made.append(Entry(side=side, sizing=sizing, size=size))  # type: ignore[arg-type]
    return tuple(made)


@st.composite
def settings_of(draw: st.DrawFn, scale: Scale) -> ExecutionSettings:
    capital = draw(st.sampled_from([10_000 * MONEY, 1_234_567 * MONEY + 1, 100_000_000 * MONEY, 5 * MONEY]))
    return ExecutionSettings(
        price_precision=scale.price_precision,
        quantity_precision=scale.quantity_precision,
        minimum_quantity=draw(st.sampled_from([1, 1, 1, 1000])),
        start_capital=capital,
        entries=draw(entries(scale, capital)),
        fill=draw(st.sampled_from(["next_open", "close"])),
        same_bar=draw(st.sampled_from(["stop_first", "target_first"])),
        stop_loss=draw(percentages),
        take_profit=draw(percentages),
        spread=draw(st.sampled_from([0, 2, None])),
        slippage_ticks=draw(st.sampled_from([0, 0, 1, 5])),
        slippage_percent=draw(st.sampled_from([0, 0, 12_345, 1_000_000])),
        commission=draw(commissions),
        max_drawdown=draw(limits),
        daily_loss_limit=draw(limits),
        max_position_size=draw(st.sampled_from([None, None, 10_000_000, 77_777_777])),
    )


@st.composite
def worlds(draw: st.DrawFn, largest: int = 40) -> World:
    scale = draw(st.sampled_from(SCALES))
    drawn = draw(st.lists(drawn_candles, min_size=1, max_size=largest))
    return World(draw(settings_of(scale)), walk_of(scale, drawn), [decision_of(each) for each in drawn])
