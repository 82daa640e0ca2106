"""The position core: candles and decisions in, the portfolio's log and equity out; pure and synchronous."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal

import msgspec
import numpy as np

from sptrader_stream.columns import Ints, Masks
from sptrader_stream.errors import AmountError
from sptrader_stream.events import Candles, Decisions
from sptrader_stream.execution import layout
from sptrader_stream.execution.records import EXIT_REASONS, RECORD_WIDTH
from sptrader_stream.execution.settings import ExecutionSettings
from sptrader_stream.execution.state import check_range, initial_state
from sptrader_stream.execution.walk import close_all, walk
from sptrader_stream.money import LARGEST_AMOUNT, MONEY_DIGITS, format_scaled
from sptrader_stream.timeframes import format_time

_NO_INTS: Final[Ints] = np.empty(0, np.int64)
_RECORD_ROWS: Final = 2048


class Executed(msgspec.Struct, frozen=True):
    """What a batch did.

    Attributes:
        records: rows of RECORD_WIDTH int64, flat, in the order in which things happened.
        time: the timestamps, nanoseconds since 1970 UTC, each once.
        equity: money (10^-8) after each timestamp.
        open_positions: how many positions are open after each timestamp.
        cash: money (10^-8) after the batch.
    """

    records: Ints
    time: Ints
    equity: Ints
    open_positions: Masks
    cash: int


class OpenPosition(msgspec.Struct, frozen=True):
    """A position that is open after the last candle; units as in ``records``.

    ``quantity`` is what is open of it, ``entry_commission`` what of the entry's commission belongs to that. ``mark`` is
    the price at which it counts in the equity, ``unrealised_pnl`` the money between that and its entry, without
    commission; ``stop`` and ``target`` (the next one) are None where it has none.
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
    """One portfolio over one or several instruments, carried from batch to batch.

    Raises:
        AmountError: at construction where capital or settings leave the exact range of section 1 of EXECUTION.md,
            later at the candle where an amount would.
    """

    def __init__(self, settings: ExecutionSettings) -> None:
        check_range(settings)
        self._state = initial_state(settings)
        self._count = len(settings.instruments)
        end = layout.BOOKS + self._count * layout.BOOK_WIDTH
        self._books: Ints = self._state[layout.BOOKS : end].reshape(self._count, layout.BOOK_WIDTH)
        self._places = list(self._books[:, layout.START : layout.CLOSES_END + 1])
        self._no_closes = [0] * self._count
        self._instruments = settings.instruments
        self._records = np.zeros(_RECORD_ROWS * RECORD_WIDTH + int(self._state[layout.SET_ROOM]), np.int64)
        self._uses_spread_column = any(each.spread is None for each in settings.instruments)
        holds = settings.max_holding_period is not None
        self._counts_rows = holds and settings.strategy_timeframe == settings.timeframe
        self._uses_closes = holds and not self._counts_rows
        self._close_at_end = settings.close_at_end

    @property
    def cash(self) -> int:
        """Money (10^-8)."""
        return int(self._state[layout.CASH])

    def open_positions(self) -> list[OpenPosition]:
        """The positions that are open now, oldest first."""
        found = []
        for instrument, book in enumerate(self._books.tolist()):
            first = book[layout.POSITIONS]
            for slot in range(book[layout.COUNT]):
                start = first + slot * layout.POSITION_WIDTH
                row = self._state[start : start + layout.POSITION_WIDTH].tolist()
                found.append(_open_position(instrument, book, row))
        return sorted(found, key=lambda each: each.position)

    def process(self, candles: Candles, decisions: Decisions) -> Executed:
        """Walk a batch.

        Args:
            candles: the batch; a spread is needed where the settings say that each candle has its own.
            decisions: what was decided on it.

        Raises:
            AmountError: an amount would leave the exact range; names the candle and the amount.
        """
        size = len(candles.time)
        spread = self._spread(candles) if self._uses_spread_column else _NO_INTS
        self._place(candles, decisions)
        equity: Ints = np.empty(size, np.int64)
        open_positions: Masks = np.empty(size, np.uint32)
        time: Ints = _NO_INTS if self._count == 1 else np.empty(size, np.int64)
        state, pieces, done = self._state, [], 0
        state[layout.DONE] = 0
        while True:
            done = walk(
                state, self._records,
                candles.time, candles.open, candles.high, candles.low, candles.close, spread,
                decisions.moments, decisions.entries, decisions.exits,
                _NO_INTS if decisions.atr is None else decisions.atr,
                _NO_INTS if decisions.closes is None else decisions.closes,
                done, time, equity, open_positions,
            )  # fmt: skip
            if state[layout.OVERFLOW]:
                raise self._overflow()
            if state[layout.RECORD_WORDS]:
                pieces.append(self._taken())
            if state[layout.DONE]:
                break
        if self._counts_rows:
            self._books[:, layout.CLOSED] += self._books[:, layout.ROWS_END] - self._books[:, layout.START]
        records = pieces[0] if len(pieces) == 1 else np.concatenate(pieces) if pieces else _NO_INTS
        if self._count == 1:
            return Executed(records, candles.time, equity, open_positions, self.cash)
        return Executed(records, time[:done], equity[:done], open_positions[:done], self.cash)

    def finish(self, reason: Literal["cancelled", "end_of_data"]) -> Executed | None:
        """Close what is open, if the settings want that: at the last closes, at the last timestamp once more."""
        state = self._state
        if not self._close_at_end or not state[layout.OPEN_POSITIONS]:
            return None
        equity = close_all(state, self._records, EXIT_REASONS.index(reason))
        if state[layout.OVERFLOW]:
            raise AmountError(f"closing at the end of the data, {self._overflow()}")
        return Executed(
            self._taken(),
            np.array([state[layout.LAST_TIME]]),
            np.array([equity]),
            np.zeros(1, np.uint32),
            self.cash,
        )

    def _taken(self) -> Ints:
        records = self._records[: self._state[layout.RECORD_WORDS]].copy()
        self._state[layout.RECORD_WORDS] = 0
        return records

    def _place(self, candles: Candles, decisions: Decisions) -> None:
        """Tell the books where their rows, decisions and closes are in the batch."""
        row = decision = close = 0
        closes_ends = decisions.closes_ends if self._uses_closes else self._no_closes
        ends = zip(self._places, candles.ends, decisions.ends, closes_ends, strict=True)
        for place, row_end, decision_end, close_end in ends:
            place[:] = (row, row, row, row_end, decision, decision_end, close, close_end)
            row, decision, close = row_end, decision_end, close_end

    def _spread(self, candles: Candles) -> Ints:
        for settings, (start, end) in zip(self._instruments, _blocks(candles.ends), strict=True):
            if settings.spread is None and (candles.spread is None or (start < end and candles.spread[start] < 0)):
                raise AmountError(
                    f"execution.spread is `data`, but the candles of {settings.symbol} have no spread column"
                )
        return _NO_INTS if candles.spread is None else candles.spread

    def _overflow(self) -> AmountError:
        state = self._state
        settings = self._instruments[int(state[layout.OVERFLOW]) - 1]
        quantity, price = int(state[layout.OVERFLOW_QUANTITY]), int(state[layout.OVERFLOW_PRICE])
        what = "what the equity and the leverage allow"
        if quantity:
            lots = format_scaled(quantity, settings.quantity_precision)
            what = f"{lots} {settings.symbol} at {format_scaled(price, settings.price_precision)}"
        candle, time = int(state[layout.NEXT_CANDLE]) - 1, format_time(int(state[layout.LAST_TIME]))
        return AmountError(
            f"candle {candle} ({time}): {what} is an amount that passes {LARGEST_AMOUNT} units of"
            f" 10^-{MONEY_DIGITS}; use a smaller capital, size, leverage or price"
        )


def _blocks(ends: Sequence[int]) -> Iterator[tuple[int, int]]:
    return pairwise((0, *ends))


def _open_position(instrument: int, book: list[int], row: list[int]) -> OpenPosition:
    stop, target = row[layout.POS_STOP], row[layout.POS_TARGET]
    side, quantity, entry_price = book[layout.SIDE], row[layout.POS_QUANTITY], row[layout.POS_ENTRY_PRICE]
    mark = book[layout.BID] + (book[layout.SPREAD] if side < 0 else 0)
    return OpenPosition(
        position=row[layout.POS_ID],
        instrument=instrument,
        rule=row[layout.POS_RULE],
        side=side,
        quantity=quantity,
        entry_price=entry_price,
        entry_time=row[layout.POS_ENTRY_TIME],
        entry_candle=row[layout.POS_ENTRY_CANDLE],
        entry_commission=row[layout.POS_COMMISSION] - row[layout.POS_CHARGED],
        stop=None if stop == layout.ABSENT else stop,
        target=None if target == layout.ABSENT else target,
        mark=mark,
        unrealised_pnl=side * (mark - entry_price) * quantity * book[layout.UNIT],
    )
