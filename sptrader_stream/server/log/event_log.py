"""A run's lossless events for everybody who watches: numbered, and encoded once in each format.

Sequence number 0 is the start of the run, the last one its end, and what was executed lies between. A watcher is a
number: whoever joins late, comes back or reads slowly asks for what comes from a number on, and gets it in the same way
as those who follow closely. Events are put together in pages; the newest are in memory, the others are made again from
the journal where somebody still needs them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import trio

from sptrader_stream.columns import Ints
from sptrader_stream.errors import UserError
from sptrader_stream.events import Records, RunStarted
from sptrader_stream.execution.records import RECORD_WIDTH, Trade, count_trades, unpack
from sptrader_stream.server.documents import RunStatus
from sptrader_stream.server.log.encoding import Format, frame
from sptrader_stream.server.log.pages import Page, PageCache
from sptrader_stream.server.log.render import event_message, started_message
from sptrader_stream.server.log.summary import summary_of_head
from sptrader_stream.server.messages import EndedMessage, LosslessMessage, Summary
from sptrader_stream.store.journal import LENGTH_BYTES, read_frames
from sptrader_stream.store.runs import read_record, read_started

PAGE_EVENTS: Final = 512
# Rows in memory, and at least those that came last.
_RECENT_ROWS: Final = 4 * PAGE_EVENTS


class _Mark(NamedTuple):
    """Where in the journal a page begins: the frame, its first number, and how many trades came before it."""

    offset: int
    first: int
    trades: int


class _Recent(NamedTuple):
    """Rows that are still in memory, the number of the first one, and how many trades came before it."""

    first: int
    rows: Ints
    trades: int


class EventLog:
    """The events of one run.

    Args:
        run_id: the run.
        folder: its; holds the journal.
        cache: of pages, shared by all runs.
    """

    def __init__(self, run_id: str, folder: Path, cache: PageCache) -> None:
        self._run_id = run_id
        self._folder = folder
        self._cache = cache
        self._started: RunStarted | None = None
        self._ended: EndedMessage | None = None
        self._next = 0
        self._offset = 0
        self._trades = 0
        self._marks: list[_Mark] = []
        self._recent: deque[_Recent] = deque()
        self._recent_rows = 0
        self._unread: RunStatus | None = None

    @classmethod
    def found(cls, status: RunStatus, folder: Path, cache: PageCache) -> EventLog:
        """The log of a run that ended before this server started; read from its journal when it is first asked for."""
        log = cls(status.backtest_id, folder, cache)
        log._unread = status
        return log

    @property
    def next_seq(self) -> int:
        """The number that the next event will have."""
        return self._next if self._unread is None else self._unread.next_seq

    @property
    def is_ended(self) -> bool:
        """Whether no more events will come."""
        return self._ended is not None or self._unread is not None

    # What the run says

    def begin(self, started: RunStarted, size: int) -> None:
        """Take the first event; ``size`` is that of its frame in the journal, bytes."""
        self._started = started
        self._next = 1
        self._offset = LENGTH_BYTES + size

    def append(self, records: Records, size: int) -> None:
        """Take events of execution; ``size`` is that of their frame in the journal, bytes."""
        rows = records.records.reshape(-1, RECORD_WIDTH)
        self._recent.append(_Recent(records.seq, rows, self._trades))
        self._recent_rows += len(rows)
        self._note(records.seq, rows, self._offset)
        self._offset += LENGTH_BYTES + size
        while self._recent_rows - len(self._recent[0].rows) >= _RECENT_ROWS:
            self._recent_rows -= len(self._recent.popleft().rows)

    def end(self, message: EndedMessage) -> None:
        """Take the last event."""
        self._ended = message
        self._next = message.seq + 1

    def _note(self, first: int, rows: Ints, offset: int) -> None:
        """Remember where pages begin, if some begin in these rows, and what came with them."""
        self._next = first + len(rows)
        while len(self._marks) * PAGE_EVENTS < self._next:
            self._marks.append(_Mark(offset, first, self._trades))
        self._trades += count_trades(rows)

    # What watchers ask

    async def prepare(self) -> None:
        """Read where the events of a run of before are, so that they can be taken.

        Raises:
            UserError: its journal cannot be read.
        """
        if self._unread is not None:
            status = self._unread
            read = EventLog(self._run_id, self._folder, self._cache)
            await trio.to_thread.run_sync(_index, read, status)
            self._started, self._ended, self._marks = read._started, read._ended, read._marks
            self._next, self._unread = read._next, None

    def take(self, seq: int, form: Format) -> tuple[bytes, int]:
        """Take events from a number on, as websocket frames one behind the other.

        Args:
            seq: the first one wanted, not above ``next_seq``.
            form: the format.

        Returns:
            The frames, as many as the page has by now, and the number behind the last of them.
        """
        page = self._page(seq // PAGE_EVENTS, form)
        return page.join(seq), page.next

    async def read(self, from_seq: int, limit: int) -> list[LosslessMessage]:
        """Read the messages of events, at most so many, from a number on.

        Raises:
            UserError: the run's journal cannot be read.
        """
        await self.prepare()
        last = min(from_seq + limit, self.next_seq)
        return list(self._messages(from_seq, last))

    def _page(self, number: int, form: Format) -> Page:
        first = number * PAGE_EVENTS
        wanted = min(first + PAGE_EVENTS, self._next)
        page = self._cache.find(self._run_id, number, form)
        if page is None:
            page = Page(first)
        if page.next < wanted:
            page.extend(frame(each, form) for each in self._messages(page.next, wanted))
            self._cache.keep(self._run_id, number, form, page)
        return page

    def _messages(self, first: int, last: int) -> Iterator[LosslessMessage]:
        """Put the messages of numbers from ``first`` on together, without ``last``."""
        if first >= last:
            return
        if first == 0 and self._started is not None:
            yield started_message(self._started)
            first = 1
        end = last if self._ended is None else min(last, self._ended.seq)
        if first < end:
            yield from self._executed(first, end)
        if self._ended is not None and first <= self._ended.seq < last:
            yield self._ended

    def _executed(self, first: int, last: int) -> Iterator[LosslessMessage]:
        assert self._started is not None
        for piece in self._pieces(first):
            trades = piece.trades + count_trades(piece.rows[: max(first - piece.first, 0)])
            begin = max(first, piece.first)
            rows = piece.rows[begin - piece.first : last - piece.first]
            for seq, event in enumerate(unpack(rows), start=begin):
                yield event_message(event, self._started, seq, trades)
                trades += isinstance(event, Trade)
            if piece.first + len(piece.rows) >= last:
                return

    def _pieces(self, first: int) -> Iterable[_Recent]:
        """Rows from the piece on that holds a number: those in memory, else those of the journal."""
        if self._recent and first >= self._recent[0].first:
            return [each for each in self._recent if each.first + len(each.rows) > first]
        return self._recorded(first)

    def _recorded(self, first: int) -> Iterator[_Recent]:
        mark = self._marks[first // PAGE_EVENTS]
        trades = mark.trades
        for each in read_frames(self._folder, mark.offset):
            if isinstance(each.event, Records):
                rows = each.event.records.reshape(-1, RECORD_WIDTH)
                if each.event.seq + len(rows) > first:
                    yield _Recent(each.event.seq, rows, trades)
                trades += count_trades(rows)


def _index(log: EventLog, status: RunStatus) -> None:
    """Read a journal through, for where its events are; in a thread."""
    try:
        log._started = read_started(log._folder)
        for each in read_frames(log._folder):
            if isinstance(each.event, RunStarted):
                log._next = 1
            elif isinstance(each.event, Records):
                log._note(each.event.seq, each.event.records.reshape(-1, RECORD_WIDTH), each.offset)
    except UserError:
        # A run that never began has no journal, and one that was killed at once a broken one.
        log._started = None
    log.end(
        EndedMessage(
            backtest_id=status.backtest_id,
            seq=log._next,
            status=status.status,
            failure=status.failure,
            candles=status.candles,
            fingerprint=status.fingerprint or "",
            data_issues=status.data_issues,
            summary=_summary(log._folder),
        )
    )


def _summary(folder: Path) -> Summary | None:
    try:
        return summary_of_head(read_record(folder).head)
    except UserError:
        return None
