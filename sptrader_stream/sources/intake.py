"""The intake: raw candles in, candles that keep the data contract out, findings collected on the way.

Where a coarser timeframe is wanted than the source has, its candles are built from those that passed.

Everything that a finding depends on is carried from chunk to chunk, so that candles and findings are the same however
a source is cut into chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from sptrader_stream.candles import ReadyCandles, part_of
from sptrader_stream.columns import Floats, Ints
from sptrader_stream.errors import DataError
from sptrader_stream.events import DataIssue
from sptrader_stream.instruments import Instrument, TradingHours
from sptrader_stream.resampling import builder_of
from sptrader_stream.sources import checks
from sptrader_stream.sources.contract import GAP, KINDS, PRECISION, RESEARCH, RULES, DataPolicy
from sptrader_stream.sources.exact_checks import check_exact
from sptrader_stream.sources.price_checks import check_prices
from sptrader_stream.sources.source import NO_TIME, CandleSource, Chunk, ExactCandles, RawCandles
from sptrader_stream.timeframes import DAY, HOUR, MINUTE, format_time, format_timeframe, parse_timeframe

_EVENING: Final = 20 * HOUR

# In threes: a closure starts at the first or later, before the second, and has ended at the third. Forex: from Friday
# evening, over Saturday, to the end of Sunday. US shares: from the close (20:00 UTC in summer) to the open (14:30 UTC
# in winter) of the next weekday.
CLOSURES: Final[dict[TradingHours, tuple[int, ...]]] = {
    "always": (),
    "forex": (4 * DAY + _EVENING, 6 * DAY + 21 * HOUR, 7 * DAY),
    "us_shares": tuple(
        each
        for day in range(5)
        for each in (
            day * DAY + _EVENING,
            (day + 1 if day < 4 else 7) * DAY + 14 * HOUR + 30 * MINUTE,
            (day + 1 if day < 4 else 7) * DAY + 14 * HOUR + 30 * MINUTE,
        )
    ),
}
_NO_PRICES: Final = np.empty(0, np.float64)
_NO_TICKS: Final = np.empty(0, np.int64)


class Intake:
    """Holds the candles of one source against the data contract.

    Attributes:
        failure: the finding that blocks, once there is one; nothing is accepted after it.
    """

    def __init__(self, source: CandleSource, instrument: Instrument, policy: DataPolicy = RESEARCH) -> None:
        self.failure: DataError | None = None
        self._source = source
        self._policy = policy
        self._precision = instrument.price_precision
        self._scale = 10.0**instrument.price_precision
        info = source.info
        self._timeframe = parse_timeframe(info.built_from or info.timeframe)
        self._builder = builder_of(self._timeframe, parse_timeframe(info.timeframe), instrument.session)
        self._closures = closures_of(instrument.trading_hours, self._timeframe)
        self._blocks = np.array([policy[kind] == "block" for kind in KINDS], np.int64)
        self._counts = np.zeros(len(KINDS), np.int64)
        self._places = np.zeros(len(KINDS) * checks.PLACES, np.int64)
        self._times: dict[int, int] = {}
        self._state = np.zeros(checks.STATE_LENGTH, np.int64)
        self._state[checks.PREVIOUS] = NO_TIME
        self._state[checks.BLOCKED_KIND] = checks.NOT_BLOCKED

    def accept(self, raw: Chunk) -> ReadyCandles:
        """Check and convert the next candles of the source.

        Args:
            raw: what ``CandleSource.chunks`` gave; candles that keep the contract already pass as they are.

        Returns:
            The candles that are kept, or those built from them that closed; where a finding blocks, of those before
            it, and ``failure`` says which.

        Raises:
            DataError: an earlier finding blocked.
        """
        if self.failure is not None:
            raise self.failure
        ready = raw if isinstance(raw, ReadyCandles) else self._checked(raw)
        return ready if self._builder is None else self._builder.process(ready)

    def issues(self) -> tuple[DataIssue, ...]:
        """Give the findings so far, one for each kind that was found, in the order of ``contract.KINDS``."""
        return tuple(self._issue(code) for code in range(len(KINDS)) if self._counts[code])

    def _checked(self, raw: RawCandles | ExactCandles) -> ReadyCandles:
        """Give the candles of a chunk that are kept; sets ``failure`` where one blocks."""
        found = self._state[checks.FOUND]
        if isinstance(raw, RawCandles):
            ready = self._from_prices(raw)
        elif raw.precision == self._precision:
            ready = self._from_exact(raw)
        else:
            ready = self._from_prices(raw.in_prices())
        if self._state[checks.FOUND] != found:
            self._remember_times(raw)
        if self._state[checks.BLOCKED_KIND] != checks.NOT_BLOCKED:
            self.failure = self._blocked(raw.in_prices() if isinstance(raw, ExactCandles) else raw)
        return ready

    def _from_prices(self, raw: RawCandles) -> ReadyCandles:
        rows = len(raw.time)
        ready = _empty(rows, raw.spread is not None)
        kept = check_prices(
            raw.time, raw.open, raw.high, raw.low, raw.close, raw.volume,
            _NO_PRICES if raw.spread is None else raw.spread,
            ready.time, ready.open, ready.high, ready.low, ready.close, ready.volume,
            _NO_TICKS if ready.spread is None else ready.spread,
            self._scale, self._timeframe, raw.row,
            self._closures, self._blocks, self._counts, self._places, self._state,
        )  # fmt: skip
        return ready if kept == rows else part_of(ready, 0, kept)

    def _from_exact(self, raw: ExactCandles) -> ReadyCandles:
        """Pass a chunk on as it is, but for what is left out: copying would cost more than the checks."""
        rows = len(raw.time)
        keep = np.empty(rows, np.int64)
        kept = check_exact(
            raw.time, raw.open, raw.high, raw.low, raw.close, raw.volume,
            _NO_TICKS if raw.spread is None else raw.spread,
            keep, self._timeframe, raw.row,
            self._closures, self._blocks, self._counts, self._places, self._state,
        )  # fmt: skip
        chosen: slice | Ints = slice(None) if kept == rows else keep[:kept]
        volume = raw.volume[chosen]
        return ReadyCandles(
            time=raw.time[chosen],
            open=raw.open[chosen],
            high=raw.high[chosen],
            low=raw.low[chosen],
            close=raw.close[chosen],
            volume=np.nan_to_num(volume) if self._state[checks.NO_VOLUME] else volume,
            spread=None if raw.spread is None else raw.spread[chosen],
        )

    def _remember_times(self, raw: RawCandles | ExactCandles) -> None:
        """Keep the open times of the places that lie in this chunk."""
        for code, count in enumerate(self._counts.tolist()):
            for row in self._places[code * checks.PLACES :][: min(count, checks.PLACES)].tolist():
                if raw.row <= row < raw.row + len(raw.time):
                    self._times[row] = int(raw.time[row - raw.row])

    def _issue(self, code: int) -> DataIssue:
        kind, count = KINDS[code], int(self._counts[code])
        rows = self._places[code * checks.PLACES :][: min(count, checks.PLACES)].tolist()
        policy = self._policy[kind]
        message = f"{count} {'candle has' if count == 1 else 'candles have'} {RULES[kind].shows}"
        if code == GAP:
            message = self._gaps(count)
        if code == PRECISION:
            message += f" of {self._precision} decimal places"
        outcome = "the run ended there" if policy == "block" else RULES[kind].kept
        return DataIssue(
            kind=kind,
            policy=policy,
            symbol=self._source.info.symbol,
            count=count,
            places=tuple(self._place(row) for row in rows),
            message=f"{message}: {outcome}",
        )

    def _gaps(self, count: int) -> str:
        missing = int(self._state[checks.MISSING])
        gaps = f"{count} {'gap' if count == 1 else 'gaps'}"
        # The gap at which a run is ended is not measured.
        return f"{gaps}, {missing} {'candle' if missing == 1 else 'candles'} missing in all" if missing else gaps

    def _place(self, row: int) -> str:
        time = self._times[row]
        return self._source.place(row) if time == NO_TIME else format_time(time)

    def _blocked(self, raw: RawCandles) -> DataError:
        kind = KINDS[int(self._state[checks.BLOCKED_KIND])]
        row = int(self._state[checks.BLOCKED_ROW])
        index = row - raw.row
        columns = ("open", "high", "low", "close", "volume", "spread")
        values = [f"{name} {float(getattr(raw, name)[index])!r}" for name in columns if getattr(raw, name) is not None]
        time = int(raw.time[index])
        when = "no time" if time == NO_TIME else format_time(time)
        previous = int(self._state[checks.PREVIOUS])
        before = (
            ""
            if previous in (NO_TIME, time) and kind != "duplicate"
            else f"; the candle before it is at {format_time(previous)}"
        )
        rule = RULES[kind]
        outcome = "keep such candles" if rule.kept == "kept" else "have such prices rounded"
        outcome = "leave such candles out" if rule.kept == "left out" else outcome
        return DataError(
            f"{self._source.info.name}, {self._source.place(row)} ({when}): {kind}: {rule.shows} "
            f"({', '.join(values)}; timeframe {format_timeframe(self._timeframe)}{before}). "
            f"Correct the file, or change `{kind}` in config/data_policy.yaml to {outcome}."
        )


def ready_chunks(source: CandleSource, intake: Intake) -> Iterator[ReadyCandles]:
    """Read a source through its intake; empty chunks are skipped.

    Raises:
        DataError: the source cannot be read on, or a finding blocks; everything before it was given.
    """
    for raw in source.chunks():
        ready = intake.accept(raw)
        if len(ready):
            yield ready
        if intake.failure is not None:
            raise intake.failure


def closures_of(hours: TradingHours, timeframe: int) -> Ints:
    """Give ``CLOSURES`` as ``checks.is_closure`` wants them."""
    closures = np.array(CLOSURES[hours], np.int64).reshape(-1, 3)
    ends = closures[:, 2:]
    return np.hstack([closures[:, :2], ends + -ends % timeframe, ends]).ravel()


def _empty(rows: int, with_spread: bool) -> ReadyCandles:
    def ints() -> Ints:
        return np.empty(rows, np.int64)

    volume: Floats = np.empty(rows, np.float64)
    return ReadyCandles(
        time=ints(),
        open=ints(),
        high=ints(),
        low=ints(),
        close=ints(),
        volume=volume,
        spread=ints() if with_spread else None,
    )
