"""Bringing the ticks of a file into the catalog, with their exact prices."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from sptrader_stream.catalog.importing import Imported, Keeping, origin_of
from sptrader_stream.catalog.month_files import file_checksum
from sptrader_stream.catalog.rows import ASK, BID, VOLUME, Rows
from sptrader_stream.catalog.writing import open_series
from sptrader_stream.columns import Floats, Ints
from sptrader_stream.errors import DataError
from sptrader_stream.events import DataIssue
from sptrader_stream.instruments import Instrument
from sptrader_stream.sources.checks import PLACES
from sptrader_stream.sources.contract import RULES, DataPolicy, IssueKind
from sptrader_stream.sources.price_checks import whole_ticks
from sptrader_stream.sources.ticks import TickFile, Ticks
from sptrader_stream.timeframes import TICK, format_time

_PRECISION: Final[IssueKind] = "precision"


def import_ticks(keeping: Keeping, ticks: TickFile, instrument: Instrument, file: Path) -> Imported:
    """Bring the ticks of a file into the catalog; all of them or none.

    Args:
        keeping: how; its policy says what is done about prices that are finer than the instrument's.
        ticks: of the file.
        instrument: what they are of.
        file: where it is, for its checksum.

    Raises:
        DataError: the file cannot be read on, a tick is none, a finding blocks, or ticks contradict those there.
        StorageError: another program is writing to the series, or the disk is full.
    """
    with ThreadPoolExecutor(1) as pool, open_series(keeping.catalog, instrument, TICK) as writer:
        checksum = pool.submit(file_checksum, file)
        exact = _Exact(ticks, instrument, writer.precision, keeping.policy)
        origin = origin_of(ticks.info, keeping.now)
        written = writer.write(exact.rows(), origin, replace=keeping.replace, sha256=checksum.result)
    return Imported(TICK, written, exact.issues())


class _Exact:
    """Turns prices into whole ticks of a series, and notes those that are none.

    Args:
        ticks: of a file.
        instrument: what they are of.
        precision: decimal places of the series' prices.
        policy: what is done about prices that are finer.
    """

    def __init__(self, ticks: TickFile, instrument: Instrument, precision: int, policy: DataPolicy) -> None:
        self._ticks = ticks
        self._symbol = instrument.symbol
        self._precision = precision
        self._own = instrument.price_precision
        self._policy = policy[_PRECISION]
        self._count = 0
        self._places: list[str] = []

    def rows(self) -> Iterator[Rows]:
        """Read the file.

        Raises:
            DataError: it cannot be read on, a price is too large or nothing, or one is finer than the series' where
                that blocks, or where the instrument has such prices.
        """
        for each in self._ticks.ticks():
            bid, finer_bids = self._whole(each, each.bid)
            ask, finer_asks = self._whole(each, each.ask)
            finer = np.union1d(finer_bids, finer_asks)
            if len(finer):
                self._note(each, finer, each.bid if len(finer_bids) and finer[0] == finer_bids[0] else each.ask)
            yield Rows(each.time, {BID: bid, ASK: ask, VOLUME: each.volume})

    def issues(self) -> tuple[DataIssue, ...]:
        """Give the findings so far."""
        if not self._count:
            return ()
        have = "tick has" if self._count == 1 else "ticks have"
        message = f"{self._count:,} {have} prices finer than {self._precision} "
        return (
            DataIssue(
                kind=_PRECISION,
                policy=self._policy,
                symbol=self._symbol,
                count=self._count,
                places=tuple(self._places),
                message=f"{message}decimal places: {RULES[_PRECISION].kept}",
            ),
        )

    def _whole(self, ticks: Ticks, prices: Floats) -> tuple[Ints, Ints]:
        """Give prices as whole ticks, and the indexes of those that are finer."""
        whole, finer = np.empty(len(prices), np.int64), np.empty(len(prices), np.int64)
        count = whole_ticks(prices, 10.0**self._precision, whole, finer)
        if count < 0:
            raise self._refused(ticks, prices, -1 - count, "is too large for exact arithmetic")
        nothing = whole <= 0
        if nothing.any():
            why = f"is nothing in {self._precision} decimal places: take it out of the file"
            raise self._refused(ticks, prices, int(nothing.argmax()), why)
        return whole, finer[:count]

    def _note(self, ticks: Ticks, finer: Ints, prices: Floats) -> None:
        """Note ticks with finer prices, or refuse the first of them, of which ``prices`` has one."""
        first = int(finer[0])
        if self._precision < self._own:
            why = f"has more than the {self._precision} decimal places that the prices of the series have: remove the "
            raise self._refused(ticks, prices, first, f"{why}series' folder and import all of it again")
        if self._policy == "block":
            why = f"is finer than {self._precision} decimal places. Correct the file, or change `precision` in "
            raise self._refused(ticks, prices, first, f"{why}config/data_policy.yaml to have such prices rounded")
        self._count += len(finer)
        for index in finer[: PLACES - len(self._places)].tolist():
            self._places.append(self._ticks.place(ticks.row + index))

    def _refused(self, ticks: Ticks, prices: Floats, index: int, why: str) -> DataError:
        return DataError(
            f"{self._ticks.info.name}, {self._ticks.place(ticks.row + index)}: the price {float(prices[index])!r} of "
            f"the tick of {format_time(int(ticks.time[index]))} {why}"
        )
