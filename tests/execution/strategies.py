"""Candles, decisions and settings for properties: small worlds in which everything happens often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from sptrader_stream.execution.settings import (
    Commission,
    Distance,
    Entry,
    ExecutionSettings,
    HoldingPeriod,
    InstrumentSettings,
    Target,
    TrailingStop,
)
from tests.reference import Candle, Decision, Market, closes

SECOND = 10**9
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
NEW_YEAR = 1_735_689_600 * SECOND
MONEY = 10**8
WHOLE = 10**8
MOST_INSTRUMENTS = 4


@dataclass(frozen=True)
class World:
    """One run's input."""

    settings: ExecutionSettings
    markets: list[Market]

    def unit(self, instrument: int) -> int:
        """Money (10^-8) in one tick times one lot."""
        chosen = self.settings.instruments[instrument]
        return int(10 ** (8 - chosen.price_precision - chosen.quantity_precision))

    def spread(self, instrument: int, candle: Candle) -> int:
        fixed = self.settings.instruments[instrument].spread
        return candle.spread if fixed is None else fixed


@dataclass(frozen=True)
class Scale:
    """An instrument: where its prices start and how fine they and its quantities are."""

    price: int
    price_precision: int
    quantity_precision: int

    @property
    def unit(self) -> int:
        """Most steps of a walk are this many ticks."""
        return max(1, self.price // 200)


SCALES = (
    Scale(10_050, 2, 0),  # a share
    Scale(103_503, 5, 0),  # EURUSD
    Scale(9_431_250, 2, 4),  # BTCUSD
    Scale(7, 2, 0),  # a few ticks only
    Scale(100, 0, 8),
    Scale(12_345_678, 8, 0),
)

# A timestamp is drawn as one byte that says how much time has passed and nine bytes for each instrument, which is
# fast and shrinks towards calm candles; these tables give them meaning. Steps are 0.5 % of the first price.
STEPS = (0, 0, 0, 0, 1, -1, 2, -2, 4, -4)
TICKS = (0, 0, 0, 1, -1)
PASSING = (1, 1, 1, 1, 1, 2, 3, 60, 11 * 60, 3 * 24 * 60)  # minutes
PRESENT = (True, True, True, True, False)
SPREADS = (0, 1, 3, 40)
ENTRIES = (0, 0, 1, 2, 3, 4, 7)
EXITS = (0, 0, 0, 0, 0, 1, 2, 4, 6)
ATRS = (5_000, 12_345, 33_333, -1)  # 10^-4 of a step
BYTES = 9


def candle_after(close: int, time: int, unit: int, drawn: bytes) -> Candle:
    gap, body, up, down = (STEPS[byte % len(STEPS)] * unit for byte in drawn[:4])
    nudge, nudge_low = TICKS[drawn[4] % len(TICKS)], TICKS[drawn[4] // 16 % len(TICKS)]
    first = max(1, close + gap + nudge)
    last = max(1, first + body - nudge)
    return Candle(
        time=time,
        open=first,
        high=max(first, last) + abs(up) + max(nudge_low, 0),
        low=max(1, min(first, last) - abs(down) + min(nudge_low, 0)),
        close=last,
        spread=SPREADS[drawn[5] % len(SPREADS)],
    )


def decision_of(byte: int, atr: int) -> Decision:
    return Decision(ENTRIES[byte % 16 % len(ENTRIES)], EXITS[byte // 16 % len(EXITS)], atr)


def market_of(settings: ExecutionSettings, index: int, scale: Scale, rows: Sequence[tuple[int, bytes]]) -> Market:
    """An instrument's candles and decisions from the times and bytes of its rows."""
    candles, close = [], scale.price
    for time, drawn in rows:
        candles.append(candle_after(close, time, scale.unit, drawn))
        close = candles[-1].close
    decisions = {}
    for moment in closes(settings, index, candles):
        drawn = rows[moment.row][1]
        atr = ATRS[drawn[8] % len(ATRS)]
        decided = decision_of(drawn[7 if moment.late else 6], atr * scale.unit if atr > 0 else atr)
        if decided.entries or decided.exits:
            decisions[moment] = decided
    return Market(candles, decisions)


def markets_of(settings: ExecutionSettings, scales: Sequence[Scale], drawn: Sequence[bytes]) -> list[Market]:
    rows: list[list[tuple[int, bytes]]] = [[] for _ in scales]
    time = NEW_YEAR + 23 * HOUR
    for each in drawn:
        time += PASSING[each[0] % len(PASSING)] * MINUTE
        for index, row in enumerate(rows):
            part = each[1 + index * BYTES : 1 + (index + 1) * BYTES]
            if PRESENT[part[5] // 16 % len(PRESENT)]:
                row.append((time, part))
    # A run has candles of each of its instruments.
    for row in rows:
        if not row:
            row.append((time, bytes(BYTES)))
    return [market_of(settings, index, scale, rows[index]) for index, scale in enumerate(scales)]


PERCENTAGES = (100_000, 500_000, 1_234_567, 5_000_000)
limits = st.sampled_from([None, None, None, 10_000_000, 1_000_000, 100_000])
commissions = st.sampled_from(
    [
        Commission(),
        Commission(percent=100_000),
        Commission(percent=12_345, per_unit=1_234_567, per_order=MONEY // 3, minimum=MONEY),
        Commission(per_unit=7, minimum=3),
        Commission(percent=33_333_333),
    ]
)


# What a strategy says, before it is put into an instrument's ticks and lots: a kind and a value, an entry's side,
# sizing, size and most positions. Offsets are thirds of a step, quantities tenths of what the capital buys.
KINDS = {
    "percentage": PERCENTAGES,
    "offset": (1, 2, 5, 9, 17),
    "atr": (WHOLE // 2, WHOLE, 123_456_789, 300_000_000),
}
SIZES = {
    "percent": (33_333_333, 2_000_000, 10_000_000, 100_000_000, 250_000_000),
    "notional": (2_000_000, 33_333_333, 2 * WHOLE),
    "quantity": (0, 1, 4, 10, 30),
    "risk": (100_000, 1_000_000, 33_333_333),
}
PARTS = (None, WHOLE // 2, 33_333_333, 1, WHOLE)
drawn_distances = st.sampled_from([(kind, value) for kind, values in KINDS.items() for value in values])
drawn_targets = st.lists(st.tuples(drawn_distances, st.sampled_from(PARTS)), max_size=3)
drawn_entries = st.tuples(
    st.sampled_from([(sizing, size) for sizing, sizes in SIZES.items() for size in sizes]), st.sampled_from([1, 2, 3])
)


def distance_of(drawn: tuple[str, int], unit: int) -> Distance:
    kind, value = drawn
    return Distance(kind=kind, value=max(1, value * unit // 3) if kind == "offset" else value)  # type: ignore[arg-type]


def entry_of(side: int, drawn: tuple[tuple[str, int], int], scale: Scale, capital: int, *, with_stop: bool) -> Entry:
    (sizing, size), most = drawn
    if sizing == "risk" and not with_stop:
        sizing = "percent"
    if sizing == "notional":
        size = capital // WHOLE * size + 1
    if sizing == "quantity":
        lots = capital // (scale.price * 10 ** (8 - scale.price_precision - scale.quantity_precision))
        size = lots * size // 10 + 1
    return Entry(side=side, sizing=sizing, size=size, max_positions=most)  # type: ignore[arg-type]


@st.composite
def instruments(draw: st.DrawFn, scales: Sequence[Scale], capital: int) -> tuple[InstrumentSettings, ...]:
    """One strategy in the ticks and lots of each instrument, which has its own spread, slippage and session."""
    stop, aims = draw(st.none() | drawn_distances), draw(drawn_targets)
    sides = draw(st.permutations([1, -1, 1]))
    rules = [draw(drawn_entries) for _ in sides]
    charged = draw(commissions)
    return tuple(
        InstrumentSettings(
            price_precision=scale.price_precision,
            quantity_precision=scale.quantity_precision,
            minimum_quantity=draw(st.sampled_from([1, 1, 1, 0, 7, 1000])),
            entries=tuple(
                entry_of(side, rule, scale, capital, with_stop=stop is not None)
                for side, rule in zip(sides, rules, strict=True)
            ),
            stop_loss=None if stop is None else distance_of(stop, scale.unit),
            targets=tuple(Target(distance=distance_of(aim, scale.unit), close=close) for aim, close in aims),
            spread=draw(st.sampled_from([0, 2, None])),
            slippage_ticks=draw(st.sampled_from([0, 0, 1, 5])),
            slippage_percent=draw(st.sampled_from([0, 0, 12_345, 1_000_000])),
            commission=charged,
            session=draw(st.sampled_from([0, 0, 22 * HOUR, -2 * HOUR, 7 * MINUTE])),
        )
        for scale in scales
    )


trails = st.builds(
    TrailingStop,
    activation=st.sampled_from([0, 100_000, 1_000_000, 2_345_678]),
    trail=st.sampled_from([50_000, 500_000, 1_000_000, 3_333_333]),
)
holding_periods = st.one_of(
    st.builds(HoldingPeriod, candles=st.integers(1, 6)),
    st.builds(HoldingPeriod, duration=st.sampled_from([MINUTE, 3 * MINUTE, 5 * MINUTE, HOUR, DAY])),
)


@st.composite
def settings_of(draw: st.DrawFn, scales: Sequence[Scale]) -> ExecutionSettings:
    capital = draw(st.sampled_from([10_000 * MONEY, 100_000 * MONEY, 1_234_567 * MONEY + 1, 5 * MONEY]))
    made = draw(instruments(scales, capital))
    return ExecutionSettings(
        start_capital=capital,
        instruments=made,
        timeframe=MINUTE,
        strategy_timeframe=draw(st.sampled_from([1, 1, 2, 5])) * MINUTE,
        session=made[0].session,
        exits=draw(st.sampled_from([(None,), (None, WHOLE // 2), (33_333_333, None, 1), (WHOLE, 10_000_000, None)])),
        fill=draw(st.sampled_from(["next_open", "close"])),
        same_bar=draw(st.sampled_from(["stop_first", "target_first"])),
        trailing_stop=draw(st.none() | trails),
        break_even=draw(st.sampled_from([None, None, 500_000, 1_234_567])),
        max_holding_period=draw(st.none() | holding_periods),
        leverage=draw(st.sampled_from([WHOLE, WHOLE, 150_000_000, 30 * WHOLE])),
        close_at_end=draw(st.booleans()),
        max_drawdown=draw(limits),
        daily_loss_limit=draw(limits),
        max_position_size=draw(st.sampled_from([None, None, 10_000_000, 77_777_777])),
    )


@st.composite
def worlds(draw: st.DrawFn, largest: int = 40, most_instruments: int = MOST_INSTRUMENTS) -> World:
    count = draw(st.sampled_from([1, 2, 3, 4][:most_instruments]))
    scales = [draw(st.sampled_from(SCALES)) for _ in range(count)]
    size = 1 + count * BYTES
    least = draw(st.sampled_from([1, largest // 2]))
    drawn = draw(st.lists(st.binary(min_size=size, max_size=size), min_size=least, max_size=largest))
    settings = draw(settings_of(scales))
    return World(settings, markets_of(settings, scales, drawn))


def cuts(largest: int = 40) -> st.SearchStrategy[list[int]]:
    """Numbers of timestamps in a batch; what is left after them is one more."""
    return st.lists(st.integers(1, 9), max_size=largest)
