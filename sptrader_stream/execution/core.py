"""The position core: candles and decisions in, the portfolio's log and equity out; pure and synchronous."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from sptrader_stream.candles import CandleColumns
from sptrader_stream.columns import Codes, Ints, Masks
from sptrader_stream.errors import AmountError
from sptrader_stream.execution import layout
from sptrader_stream.execution.records import RECORD_WIDTH
from sptrader_stream.execution.settings import ExecutionSettings
from sptrader_stream.execution.walk import ROWS_PER_CANDLE, walk
from sptrader_stream.money import LARGEST_AMOUNT, MONEY_DIGITS

_NO_SPREAD: Final[Ints] = np.empty(0, np.int64)
_NO_MASKS: Final[Masks] = np.empty(0, np.uint32)
_RECORD_ROWS: Final = 2048
_SIZINGS: Final = {
    "percent": layout.SIZING_PERCENT,
    "notional": layout.SIZING_NOTIONAL,
    "quantity": layout.SIZING_QUANTITY,
}


class Executed(msgspec.Struct, frozen=True):
    """What a batch did.

    Attributes:
        records: rows of RECORD_WIDTH int64, flat, in the order in which things happened.
        equity: money (10^-8) after each candle.
        open_positions: how many positions are open after each candle.
        cash: money (10^-8) after the batch.
    """

    records: Ints
    equity: Ints
    open_positions: Codes
    cash: int


class OpenPosition(msgspec.Struct, frozen=True):
    """A position that is open after the last candle; units as in ``records``.

    ``mark`` is the price at which it counts in the equity, ``unrealised_pnl`` the money between that and its entry,
    without commission; ``stop`` and ``target`` are None where it has none.
    """

    position: int
    instrument: int
    rule: int
    side: int
    quantity: int
    entry_price: int
    entry_time: int
    entry_candle: int
    entry_commission: int
    stop: int | None
    target: int | None
    mark: int
    unrealised_pnl: int


class PositionCore:
    """One portfolio over one instrument, carried from batch to batch.

    Raises:
        AmountError: at construction where capital or settings leave the exact range of section 1 of EXECUTION.md,
            later at the candle where an amount would.
    """

    def __init__(self, settings: ExecutionSettings) -> None:
        _check_range(settings)
        self._state = _initial_state(settings)
        rows = _RECORD_ROWS + ROWS_PER_CANDLE + 3 * len(settings.entries)
        self._records = np.zeros(rows * RECORD_WIDTH, np.int64)
        self._bid = self._ask = 0
        self._uses_spread_column = settings.spread is None

    @property
    def cash(self) -> int:
        """Money (10^-8)."""
        return int(self._state[layout.CASH])

    def open_positions(self) -> list[OpenPosition]:
        """The positions that are open now, oldest first."""
        count = int(self._state[layout.OPEN_POSITIONS])
        rows = self._state[layout.POSITIONS :].reshape(-1, layout.POSITION_WIDTH)[:count].tolist()
        return [_open_position(row, self._bid, self._ask, int(self._state[layout.SET_UNIT])) for row in rows]

    def process(self, candles: CandleColumns, entries: Masks | None, exits: Masks | None) -> Executed:
        """Walk a batch.

        Args:
            candles: the batch; ``spread`` is needed where the settings say that each candle has its own.
            entries: uint32 by candle, bit r set where entry rule r is met at its close; None for never.
            exits: the same for exit rules.

        Raises:
            AmountError: an amount would leave the exact range; names the candle.
        """
        size = len(candles.time)
        equity: Ints = np.empty(size, np.int64)
        open_positions: Codes = np.empty(size, np.int8)
        spread = _NO_SPREAD
        if self._uses_spread_column:
            if candles.spread is None:
                raise AmountError("execution.spread is `data`, but these candles have no spread column")
            spread = candles.spread
        state, pieces, done = self._state, [], 0
        while True:
            done = walk(
                state, self._records,
                candles.time, candles.open, candles.high, candles.low, candles.close, spread,
                _NO_MASKS if entries is None else entries, _NO_MASKS if exits is None else exits,
                done, equity, open_positions,
            )  # fmt: skip
            if state[layout.OVERFLOW]:
                raise AmountError(
                    f"candle {state[layout.NEXT_CANDLE]}: an amount passes {LARGEST_AMOUNT} units of"
                    f" 10^-{MONEY_DIGITS}; use a smaller capital, size or price"
                )
            pieces.append(self._records[: state[layout.RECORD_WORDS]].copy())
            state[layout.RECORD_WORDS] = 0
            if done == size:
                break
        if size:
            self._bid = candles.close.item(-1)
            self._ask = self._bid + (spread.item(-1) if len(spread) else int(state[layout.SET_SPREAD]))
        records = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        return Executed(records, equity, open_positions, int(state[layout.CASH]))


def _initial_state(settings: ExecutionSettings) -> Ints:
    # One row more than can be open, because closing moves the rows behind it up.
    state = np.zeros(layout.POSITIONS + 2 * layout.POSITION_WIDTH, np.int64)
    cost = settings.commission
    words = {
        layout.CASH: settings.start_capital,
        layout.EQUITY: settings.start_capital,
        layout.PEAK: -LARGEST_AMOUNT,
        layout.DAY: np.iinfo(np.int64).min,
        layout.RULE_COUNT: len(settings.entries),
        layout.SET_UNIT: 10 ** (MONEY_DIGITS - settings.price_precision - settings.quantity_precision),
        layout.SET_LOTS_PER_UNIT: 10**settings.quantity_precision,
        layout.SET_MINIMUM_QUANTITY: max(settings.minimum_quantity, 1),
        layout.SET_FILL_AT_CLOSE: settings.fill == "close",
        layout.SET_TARGET_FIRST: settings.same_bar == "target_first",
        layout.SET_STOP_LOSS: settings.stop_loss,
        layout.SET_TAKE_PROFIT: settings.take_profit,
        layout.SET_SPREAD: settings.spread or 0,
        layout.SET_SLIPPAGE_TICKS: settings.slippage_ticks,
        layout.SET_SLIPPAGE_PERCENT: settings.slippage_percent,
        layout.SET_COMMISSION_PERCENT: cost.percent,
        layout.SET_COMMISSION_PER_UNIT: cost.per_unit,
        layout.SET_COMMISSION_PER_ORDER: cost.per_order,
        layout.SET_COMMISSION_MINIMUM: cost.minimum,
        layout.SET_MAX_DRAWDOWN: settings.max_drawdown,
        layout.SET_DAILY_LOSS: settings.daily_loss_limit,
        layout.SET_MAX_POSITION: settings.max_position_size,
    }
    for word, value in words.items():
        state[word] = layout.ABSENT if value is None else value
    for index, entry in enumerate(settings.entries):
        start = layout.RULES + index * layout.RULE_WIDTH
        state[start : start + layout.RULE_WIDTH] = entry.side, _SIZINGS[entry.sizing], entry.size
    return state


def _open_position(row: list[int], bid: int, ask: int, unit: int) -> OpenPosition:
    stop, target = row[layout.POS_STOP], row[layout.POS_TARGET]
    side, quantity, entry_price = row[layout.POS_SIDE], row[layout.POS_QUANTITY], row[layout.POS_ENTRY_PRICE]
    mark = bid if side > 0 else ask
    return OpenPosition(
        position=row[layout.POS_ID],
        instrument=row[layout.POS_INSTRUMENT],
        rule=row[layout.POS_RULE],
        side=side,
        quantity=quantity,
        entry_price=entry_price,
        entry_time=row[layout.POS_ENTRY_TIME],
        entry_candle=row[layout.POS_ENTRY_CANDLE],
        entry_commission=row[layout.POS_ENTRY_COMMISSION],
        stop=None if stop == layout.ABSENT else stop,
        target=None if target == layout.ABSENT else target,
        mark=mark,
        unrealised_pnl=side * (mark - entry_price) * quantity * unit,
    )


def _check_range(settings: ExecutionSettings) -> None:
    """Refuse before the run what its arithmetic could not hold."""
    if not 0 < settings.start_capital < LARGEST_AMOUNT:
        raise AmountError(f"capital must be above 0 and below {LARGEST_AMOUNT} units of 10^-{MONEY_DIGITS}")
    if len(settings.entries) > layout.MOST_RULES:
        raise AmountError(f"{len(settings.entries)} entry rules; a strategy may have {layout.MOST_RULES} at most")
    if min(settings.price_precision, settings.quantity_precision) < 0 or (
        settings.price_precision + settings.quantity_precision > MONEY_DIGITS
    ):
        raise AmountError(
            f"price_precision {settings.price_precision} and quantity_precision {settings.quantity_precision}"
            f" must not be negative and may add up to {MONEY_DIGITS} at most"
        )
    # Products of these with 10^8 (a percentage's scale, the finest lot) have to fit.
    largest_factor = LARGEST_AMOUNT // 10**8
    cost = settings.commission
    factors = {
        "stop_loss": settings.stop_loss,
        "take_profit": settings.take_profit,
        "slippage (percent)": settings.slippage_percent,
        "commission.percent": cost.percent,
        "commission.per_unit": cost.per_unit,
        "max_drawdown": settings.max_drawdown,
        "daily_loss_limit": settings.daily_loss_limit,
        "max_position_size": settings.max_position_size,
        **{f"size of entry {k}": e.size for k, e in enumerate(settings.entries) if e.sizing == "percent"},
    }
    for name, value in factors.items():
        if value is not None and not 0 <= value < largest_factor - 10**8:
            raise AmountError(f"{name} must be from 0 to {largest_factor // 10**8 - 2} (as a fraction or amount)")
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
