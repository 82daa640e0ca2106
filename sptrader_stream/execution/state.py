"""The position core's state before the first candle, made from settings whose range was checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from sptrader_stream.columns import Ints
from sptrader_stream.errors import AmountError
from sptrader_stream.execution import layout
from sptrader_stream.execution.levels import DISTANCE_KINDS
from sptrader_stream.execution.records import RECORD_WIDTH
from sptrader_stream.execution.settings import Distance, ExecutionSettings, InstrumentSettings
from sptrader_stream.money import LARGEST_AMOUNT, MONEY_DIGITS, PERCENT_SCALE
from sptrader_stream.timeframes import span_origin

_SIZINGS: Final = {
    "percent": layout.SIZING_PERCENT,
    "notional": layout.SIZING_NOTIONAL,
    "quantity": layout.SIZING_QUANTITY,
    "risk": layout.SIZING_RISK,
}
# A day before the year 1678, where int64 nanoseconds begin, whose end can still be told in them.
_BEFORE_ALL_DAYS: Final = -106_750

# Products of a factor with 10^8 (a percentage's scale, the finest lot) have to fit in an int64.
_LARGEST_FACTOR: Final = (2**63 - 1) // PERCENT_SCALE - PERCENT_SCALE
# A level or distance of this many ticks is further than any price goes, and can still be added to one.
_LARGEST_OFFSET: Final = LARGEST_AMOUNT // 4


def initial_state(settings: ExecutionSettings) -> Ints:
    """Lay out account, settings, books and room for positions.

    Args:
        settings: as :func:`check_range` accepts them.
    """
    instruments = settings.instruments
    count = len(instruments)
    most = max((entry.max_positions for each in instruments for entry in each.entries), default=1)
    positions = layout.BOOKS + count * layout.BOOK_WIDTH
    # One row more than can be open, because closing moves the rows behind it up.
    block = (most + 1) * layout.POSITION_WIDTH
    state = np.zeros(positions + count * block + count, np.int64)
    state[layout.BUSY_LIST] = positions + count * block
    for word, value in _portfolio_words(settings).items():
        state[word] = layout.ABSENT if value is None else value
    for index, part in enumerate(settings.exits):
        state[layout.EXITS + index] = layout.ABSENT if part is None else part
    for index, instrument in enumerate(instruments):
        book = state[layout.BOOKS + index * layout.BOOK_WIDTH :][: layout.BOOK_WIDTH]
        _fill_book(book, instrument)
        book[layout.ORIGIN] = span_origin(settings.strategy_timeframe, instrument.session)
        book[layout.POSITIONS] = positions + index * block
    state[layout.SET_ROOM] = _rows_for_a_timestamp(settings, most) * RECORD_WIDTH
    return state


def _portfolio_words(settings: ExecutionSettings) -> dict[int, int | None]:
    trailing, holding = settings.trailing_stop, settings.max_holding_period
    return {
        layout.CASH: settings.start_capital,
        layout.EQUITY: settings.start_capital,
        layout.PEAK: -LARGEST_AMOUNT,
        layout.DAY: _BEFORE_ALL_DAYS,
        layout.SET_INSTRUMENTS: len(settings.instruments),
        layout.SET_RULES: len(settings.instruments[0].entries),
        layout.SET_EXITS: len(settings.exits),
        layout.SET_TIMEFRAME: settings.timeframe,
        layout.SET_STRATEGY_TIMEFRAME: settings.strategy_timeframe,
        layout.SET_EVERY_ROW_CLOSES: settings.strategy_timeframe == settings.timeframe,
        layout.SET_SESSION: settings.session,
        layout.SET_FILL_AT_CLOSE: settings.fill == "close",
        layout.SET_TARGET_FIRST: settings.same_bar == "target_first",
        layout.SET_ACTIVATION: None if trailing is None else trailing.activation,
        layout.SET_TRAIL: None if trailing is None else trailing.trail,
        layout.SET_BREAK_EVEN: settings.break_even,
        layout.SET_HOLD_CANDLES: None if holding is None else holding.candles,
        layout.SET_HOLD_TIME: None if holding is None else holding.duration,
        layout.SET_LEVERAGE: settings.leverage,
        layout.SET_MAX_DRAWDOWN: settings.max_drawdown,
        layout.SET_DAILY_LOSS: settings.daily_loss_limit,
        layout.SET_MAX_POSITION: settings.max_position_size,
        layout.SET_USES_ATR: any(each.kind == "atr" for each in _distances(settings.instruments[0])),
    }


def _fill_book(book: Ints, settings: InstrumentSettings) -> None:
    cost, stop = settings.commission, settings.stop_loss
    words = {
        layout.UNIT: 10 ** (MONEY_DIGITS - settings.price_precision - settings.quantity_precision),
        layout.LOTS_PER_UNIT: 10**settings.quantity_precision,
        layout.MINIMUM_QUANTITY: max(settings.minimum_quantity, 1),
        layout.FIXED_SPREAD: settings.spread,
        layout.SLIPPAGE_TICKS: settings.slippage_ticks,
        layout.SLIPPAGE_PERCENT: settings.slippage_percent,
        layout.COMMISSION_PERCENT: cost.percent,
        layout.COMMISSION_PER_UNIT: cost.per_unit,
        layout.COMMISSION_PER_ORDER: cost.per_order,
        layout.COMMISSION_MINIMUM: cost.minimum,
        layout.STOP_KIND: None if stop is None else DISTANCE_KINDS[stop.kind],
        layout.STOP_VALUE: 0 if stop is None else stop.value,
        layout.TARGETS: len(settings.targets),
        layout.HIGHEST_MARK: LARGEST_AMOUNT,
        layout.ABOVE: LARGEST_AMOUNT,
        layout.BELOW: None,
        layout.DEADLINE_CLOSED: LARGEST_AMOUNT,
        layout.DEADLINE_TIME: LARGEST_AMOUNT,
    }
    for word, value in words.items():
        book[word] = layout.ABSENT if value is None else value
    for index, entry in enumerate(settings.entries):
        start = layout.RULES + index * layout.RULE_WIDTH
        book[start : start + layout.RULE_WIDTH] = (
            entry.side, _SIZINGS[entry.sizing], entry.size, entry.max_positions,
        )  # fmt: skip
    for index, target in enumerate(settings.targets):
        start = layout.TARGET_ROWS + index * layout.TARGET_WIDTH
        part = layout.ABSENT if target.close is None else target.close
        book[start : start + layout.TARGET_WIDTH] = DISTANCE_KINDS[target.distance.kind], target.distance.value, part


def _rows_for_a_timestamp(settings: ExecutionSettings, most: int) -> int:
    """How many records one timestamp can make at most.

    Entries may be tried at a late close, at the open and at the close, and each be decided, refused or filled; what is
    open may be closed in part at each of its targets, at two markets and at its stop, with a fill and a trade each.
    """
    rules = len(settings.instruments[0].entries)
    parts = max(len(each.targets) for each in settings.instruments) + 4
    return len(settings.instruments) * ((most + 3 * rules) * 2 * parts + 9 * rules) + 2


def _distances(settings: InstrumentSettings) -> Iterator[Distance]:
    if settings.stop_loss is not None:
        yield settings.stop_loss
    for target in settings.targets:
        yield target.distance


def check_range(settings: ExecutionSettings) -> None:
    """Refuse before the run what its arithmetic could not hold.

    Raises:
        AmountError: says which setting, and what it may be.
    """
    if not 0 < settings.start_capital < LARGEST_AMOUNT:
        raise AmountError(f"capital must be above 0 and below {LARGEST_AMOUNT} units of 10^-{MONEY_DIGITS}")
    if not 0 < len(settings.instruments) <= layout.MOST_INSTRUMENTS:
        raise AmountError(f"a run has 1 to {layout.MOST_INSTRUMENTS} instruments, not {len(settings.instruments)}")
    if len(settings.exits) > layout.MOST_RULES:
        raise AmountError(f"{len(settings.exits)} exit rules; a strategy may have {layout.MOST_RULES} at most")
    trailing = settings.trailing_stop
    factors = {
        "trailing_stop.activation_pct": None if trailing is None else trailing.activation,
        "trailing_stop.trail_pct": None if trailing is None else trailing.trail,
        "break_even.trigger_pct": settings.break_even,
        "leverage": settings.leverage,
        "max_drawdown": settings.max_drawdown,
        "daily_loss_limit": settings.daily_loss_limit,
        "max_position_size": settings.max_position_size,
    }
    _check_factors(factors)
    for instrument in settings.instruments:
        _check_instrument(instrument)


def _check_instrument(settings: InstrumentSettings) -> None:
    if len(settings.entries) > layout.MOST_RULES:
        raise AmountError(f"{len(settings.entries)} entry rules; a strategy may have {layout.MOST_RULES} at most")
    if len(settings.targets) > layout.MOST_TARGETS:
        raise AmountError(f"{len(settings.targets)} targets; a strategy may have {layout.MOST_TARGETS} at most")
    if min(settings.price_precision, settings.quantity_precision) < 0 or (
        settings.price_precision + settings.quantity_precision > MONEY_DIGITS
    ):
        raise AmountError(
            f"price_precision {settings.price_precision} and quantity_precision {settings.quantity_precision}"
            f" must not be negative and may add up to {MONEY_DIGITS} at most"
        )
    cost = settings.commission
    relative = {f"size of entry {k}": e.size for k, e in enumerate(settings.entries) if e.sizing in ("percent", "risk")}
    _check_factors(
        {
            "slippage (percent)": settings.slippage_percent,
            "commission.percent": cost.percent,
            "commission.per_unit": cost.per_unit,
            **{f"{each.kind} distance": each.value for each in _distances(settings) if each.kind != "offset"},
            **relative,
        }
    )
    amounts = {
        "spread": settings.spread or 0,
        "slippage (ticks)": settings.slippage_ticks,
        "commission.per_order": cost.per_order,
        "commission.minimum": cost.minimum,
        **{f"size of entry {k}": e.size for k, e in enumerate(settings.entries)},
    }
    for name, value in amounts.items():
        if not 0 <= value < LARGEST_AMOUNT:
            raise AmountError(f"{name} must be from 0 to {LARGEST_AMOUNT - 1} units")
    for each in _distances(settings):
        if each.kind == "offset" and not 0 <= each.value < _LARGEST_OFFSET:
            raise AmountError(f"an offset must be from 0 to {_LARGEST_OFFSET - 1} ticks")
    for entry in settings.entries:
        if not 1 <= entry.max_positions <= layout.MOST_POSITIONS:
            raise AmountError(f"max_positions must be from 1 to {layout.MOST_POSITIONS}, not {entry.max_positions}")


def _check_factors(factors: dict[str, int | None]) -> None:
    for name, value in factors.items():
        if value is not None and not 0 <= value < _LARGEST_FACTOR:
            raise AmountError(
                f"{name} must be from 0 to {_LARGEST_FACTOR // PERCENT_SCALE - 1} (as a fraction or amount)"
            )
