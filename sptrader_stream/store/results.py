"""A run's result as one JSON document, made from its journal and read: the long lists pass through, never pile up."""

from __future__ import annotations

import itertools
import mmap
import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final, TypeVar

import msgspec

from sptrader_stream.decoding import json_decoder
from sptrader_stream.errors import StorageError
from sptrader_stream.events import Market, RunStarted
from sptrader_stream.execution.records import ExecutionEvent, Halt, Trade
from sptrader_stream.files import written_whole
from sptrader_stream.money import format_money
from sptrader_stream.store.head import Head
from sptrader_stream.store.journal import JOURNAL_FILE, read_events, read_journal
from sptrader_stream.store.rows import halt_rows, rejection_rows, trade_rows

T = TypeVar("T", bound=msgspec.Struct)

RESULT_FILE: Final = "result.json"
# Stands in while the result is being written.
HEAD_FILE: Final = "head.json"
_ITEMS_AT_A_TIME: Final = 4096


class MarketTotals(msgspec.Struct, frozen=True):
    """What a run's trades in one instrument come to; ``total_pnl`` is money (10^-8)."""

    symbol: str
    total_trades: int
    winning_trades: int
    total_pnl: int


class Written(msgspec.Struct, frozen=True):
    """What was seen while a result was written.

    Attributes:
        last_trades: the last few, oldest first.
        ambiguous: the ids of the first few trades whose exits rest on an assumption.
        last_halts: the last few, oldest first.
        markets: what the trades come to by instrument, in the run's order.
    """

    last_trades: list[Trade]
    ambiguous: list[int]
    last_halts: list[Halt]
    markets: list[MarketTotals]


class MarketRow(msgspec.Struct, frozen=True):
    """An instrument of the run, where its candles came from, and what its trades come to."""

    symbol: str
    price_precision: int
    quantity_precision: int
    source: str
    synthetic: bool
    total_trades: int
    winning_trades: int
    total_pnl: str


def write_head(folder: Path, head: Head) -> None:
    """Write the head of a run's result, before anybody is told that the run is over.

    From it and the journal :func:`complete_result` makes the result, should the process be killed in between.

    Raises:
        StorageError: it cannot be written.
    """
    # The journal is not on the disk for certain either: that would keep a cancelled run waiting.
    with written_whole(folder / HEAD_FILE, synced=False) as target:
        target.write_bytes(msgspec.json.encode(head))


def write_result(folder: Path, few: int) -> Written:
    """Write ``result.json`` into a run's folder, from its head and its journal; it appears whole or not at all.

    Args:
        folder: the run's.
        few: how many trades and halts are given back.

    Raises:
        StorageError: it cannot be written, or what it is made from cannot be read.
    """
    started, head = _read_parts(folder)
    tally = _Tally(len(started.markets), few)
    same_bar, gap, rejections, halts = (
        _count(head, name) for name in ("same_bar_trades", "gap_trades", "rejections", "halts")
    )
    with written_whole(folder / RESULT_FILE) as target, target.open("wb") as file:
        # The head without its closing brace: the long lists follow in the same object.
        file.write(msgspec.json.encode(head)[:-1])
        trades = tally.watched(_trades(folder, head.total_trades))
        _write_list(file, "completed_trades", trade_rows(trades, started))
        _write_ambiguous(file, folder, same_bar, gap)
        _write_list(file, "rejections", rejection_rows(_events(folder, rejections), started))
        _write_list(file, "halts", halt_rows(tally.watched_halts(_events(folder, halts))))
        totals = tally.totals(started.markets)
        _write_list(file, "markets", map(_market_row, started.markets, totals))
        file.write(b"}\n")
    (folder / HEAD_FILE).unlink(missing_ok=True)
    return Written(list(tally.last), tally.ambiguous, list(tally.halts), totals)


def complete_result(folder: Path) -> bool:
    """Write the result of a run that has ended, if the process was killed before it was there.

    Returns:
        Whether there is a result now. There is none where the process was killed before the head was written, and so
        before anybody was told that the run was over.

    Raises:
        StorageError: it cannot be written, or what it is made from cannot be read.
    """
    if (folder / RESULT_FILE).is_file():
        return True
    if not (folder / HEAD_FILE).is_file():
        return False
    write_result(folder, 0)
    return True


def _read_parts(folder: Path) -> tuple[RunStarted, Head]:
    file = folder / HEAD_FILE
    try:
        head = json_decoder(Head).decode(file.read_bytes())
        started = next(read_journal(folder), None)
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{file}: the result cannot be made from it: {error}") from error
    if not isinstance(started, RunStarted):
        raise StorageError(f"{folder}: its journal does not begin with the start of a run")
    return started, head


def read_result(folder: Path, kind: type[T]) -> T:
    """Read a part of a run's result; what is not wanted is passed over, however long it is.

    Args:
        folder: the run's, with a result that is not empty.
        kind: a Struct of the fields that are wanted.

    Raises:
        StorageError: the result cannot be read, or is none.
    """
    result = folder / RESULT_FILE
    try:
        # Mapped, because the long lists can be larger than memory.
        with result.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return json_decoder(kind).decode(data)
    except OSError as error:
        raise StorageError(f"{result}: cannot be read: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise StorageError(f"{result}: not the result of a run: {error}") from error


def write_document(folder: Path, stream: IO[bytes]) -> None:
    """Copy a run's result, one JSON document, to a stream."""
    with (folder / RESULT_FILE).open("rb") as file:
        shutil.copyfileobj(file, stream)
    stream.flush()


class _Tally:
    """Adds trades up by instrument while they pass, and keeps a few."""

    def __init__(self, markets: int, few: int) -> None:
        self.last: deque[Trade] = deque(maxlen=few)
        self.halts: deque[Halt] = deque(maxlen=few)
        self.ambiguous: list[int] = []
        self._few = few
        self._trades = [0] * markets
        self._wins = [0] * markets
        self._pnl = [0] * markets

    def watched(self, trades: Iterable[Trade]) -> Iterator[Trade]:
        for number, trade in enumerate(trades, start=1):
            self.last.append(trade)
            if trade.assumption != "none" and len(self.ambiguous) < self._few:
                self.ambiguous.append(number)
            self._trades[trade.instrument] += 1
            self._wins[trade.instrument] += trade.pnl > 0
            self._pnl[trade.instrument] += trade.pnl
            yield trade

    def watched_halts(self, events: Iterable[ExecutionEvent]) -> Iterator[Halt]:
        for event in events:
            if isinstance(event, Halt):
                self.halts.append(event)
                yield event

    def totals(self, markets: list[Market]) -> list[MarketTotals]:
        symbols = [market.instrument.symbol for market in markets]
        return list(map(MarketTotals, symbols, self._trades, self._wins, self._pnl))


def _write_list(file: IO[bytes], name: str, items: Iterable[msgspec.Struct]) -> None:
    file.write(f',"{name}":'.encode())
    _write_items(file, items)


def _write_items(file: IO[bytes], items: Iterable[object]) -> None:
    file.write(b"[")
    comma = b""
    iterator = iter(items)
    while portion := list(itertools.islice(iterator, _ITEMS_AT_A_TIME)):
        file.write(comma + msgspec.json.encode(portion)[1:-1])
        comma = b","
    file.write(b"]")


def _count(head: Head, name: str) -> int:
    value = head.metrics[name]
    return value if isinstance(value, int) else 0


def _write_ambiguous(file: IO[bytes], folder: Path, same_bar: int, gap: int) -> None:
    """Write how many trades rest on an assumption, by its kind, and which."""
    file.write(f',"ambiguous_trades":{{"same_bar":{same_bar},"gap":{gap},"trades":'.encode())
    trades = enumerate(_trades(folder, same_bar + gap), start=1)
    _write_items(file, (number for number, trade in trades if trade.assumption != "none"))
    file.write(b"}")


def _market_row(market: Market, totals: MarketTotals) -> MarketRow:
    instrument = market.instrument
    return MarketRow(
        symbol=instrument.symbol,
        price_precision=instrument.price_precision,
        quantity_precision=instrument.quantity_precision,
        source=market.source,
        synthetic=not market.path,
        total_trades=totals.total_trades,
        winning_trades=totals.winning_trades,
        total_pnl=format_money(totals.total_pnl),
    )


def _trades(folder: Path, wanted: int) -> Iterator[Trade]:
    return (event for event in _events(folder, wanted) if isinstance(event, Trade))


def _events(folder: Path, wanted: int) -> Iterator[ExecutionEvent]:
    """Read the events of execution; none where none of the wanted kind was counted."""
    if not wanted:
        return
    try:
        yield from read_events(folder)
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{folder / JOURNAL_FILE}: the result cannot be made from it: {error}") from error
