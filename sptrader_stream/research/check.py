"""Does a strategy look ahead? Its past is held against other runs over the same past, which must say the same.

A run is cut at many places, is given another future behind them, comes in batches of other sizes, and is repeated.
Every operand, decision and event up to the cut must be the same to the bit. What a strategy remembers of where its data
begins is told beside that: it is no mistake, but a reason to start earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import numpy as np

from sptrader_stream.errors import UserError
from sptrader_stream.research import check_findings as findings
from sptrader_stream.research.check_compare import Comparison
from sptrader_stream.research.check_findings import CheckFinding
from sptrader_stream.research.check_history import History
from sptrader_stream.research.check_passes import Opens, Setup, candle_opens, evenly, run_pass
from sptrader_stream.research.check_trials import BATCH_SIZES, Trial, cut_places, fill_timestamps, trial_count, trials
from sptrader_stream.research.check_warmup import LATER_STARTS, WarmUp, WarmUpCheck
from sptrader_stream.timeframes import format_time, format_timeframe, parse_time, parse_timeframe

DEFAULT_CUTS: Final = 24
# Candles that are checked, at most: they are kept in memory, and gone through again and again.
MOST_CANDLES: Final = 200_000
# The same where a signal of the user's own is among what is computed: Python takes its time.
MOST_CANDLES_IN_PYTHON: Final = 20_000
# How often a run that is refused is repeated: chance may well refuse the same candle twice with the same two values.
_REPETITIONS: Final = 12
# Candles of a single run that looks for the first candle at which a refused signal shows what it does.
_MOST_SINGLE: Final = 5000


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked, and what was found.

    Attributes:
        strategy: its name.
        symbols: the instruments, in order.
        timeframe: of the data; ``strategy_timeframe`` of the candles that the rules see.
        start_time, end_time: open times of the first and last candle that was looked at, RFC 3339.
        candles: how many, of all instruments.
        cuts: at how many places the candles were cut, and their future replaced.
        batch_sizes: which were tried beside that of the whole run.
        decisions, fills: how many the whole run has.
        findings: what must not be, one for each signal or part; empty for a clean strategy.
        complete: whether everything was checked; not where the run itself was refused.
        warm_up: what depends on where the data begins; None where that could not be told.
    """

    strategy: str
    symbols: tuple[str, ...]
    timeframe: str
    strategy_timeframe: str
    start_time: str
    end_time: str
    candles: int
    cuts: int = 0
    batch_sizes: tuple[int, ...] = ()
    decisions: int = 0
    fills: int = 0
    findings: tuple[CheckFinding, ...]
    complete: bool
    warm_up: WarmUp | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def check(setup: Setup, history: History, cuts: int, on_run: Callable[[int, int], None]) -> CheckReport:
    """Check a strategy over candles.

    Args:
        setup: the strategy.
        history: the candles.
        cuts: at how many places they are cut, at least one.
        on_run: told how many of the runs are done, and how many there are.

    Raises:
        UserError: the strategy fails over these candles as a plain run over them would.
    """
    report = CheckReport(
        strategy=setup.plan.name,
        symbols=tuple(each.symbol for each in setup.instruments),
        timeframe=format_timeframe(setup.timeframe),
        strategy_timeframe=format_timeframe(setup.timeframes[0]),
        start_time=format_time(int(history.times[0])),
        end_time=format_time(int(history.times[-1])),
        candles=sum(map(len, history.candles)),
        findings=(),
        complete=False,
    )
    opens = candle_opens(setup, history)
    try:
        whole = run_pass(setup, history, evenly(len(history)))
    except UserError as error:
        return msgspec.structs.replace(report, findings=_refused(setup, history, opens, error))
    places = cut_places(setup, history, whole, cuts)
    comparison = Comparison(setup, history, opens, whole)
    total = trial_count(places) + len(LATER_STARTS)
    found: list[CheckFinding] = []
    for done, trial in enumerate(trials(history, whole, places)):
        on_run(done, total)
        found += _found_by(setup, opens, comparison, trial)
    warm_up = WarmUpCheck(setup, history, opens, whole)
    for done, share in enumerate(LATER_STARTS, start=trial_count(places)):
        on_run(done, total)
        found += _start_later(setup, history, warm_up, int(len(history) * share))
    on_run(total, total)
    return msgspec.structs.replace(
        report,
        cuts=len(places),
        batch_sizes=BATCH_SIZES,
        decisions=sum(map(len, whole.decisions)),
        fills=len(fill_timestamps(whole)),
        findings=findings.strongest(found),
        complete=True,
        warm_up=warm_up.result(),
    )


def _found_by(setup: Setup, opens: Opens, comparison: Comparison, trial: Trial) -> list[CheckFinding]:
    try:
        other = run_pass(setup, trial.history, trial.ends)
    except UserError as error:
        return [findings.from_error(setup, opens, error, trial.seen)]
    differences = comparison.differences(other, trial.until)
    return [findings.from_difference(setup, trial.kind, each, trial.seen) for each in differences]


def _start_later(setup: Setup, history: History, warm_up: WarmUpCheck, start: int) -> list[CheckFinding]:
    try:
        warm_up.start_at(start)
    except UserError as error:
        later = candle_opens(setup, history.part(start, len(history)))
        seen = f"when the candles begin at {format_time(int(history.times[start]))}"
        return [findings.from_error(setup, later, error, seen)]
    return []


def _refused(setup: Setup, history: History, opens: Opens, error: UserError) -> tuple[CheckFinding, ...]:
    """What the refusal of the whole run says: of which candle, and whether it says the same again.

    Raises:
        UserError: it is no refusal but a failure.
    """
    found = findings.from_error(setup, opens, error, "in the whole run")
    if found.time is None or found.timeframe is None:
        raise error
    for _ in range(_REPETITIONS):
        if str(_error_of(setup, history, evenly(len(history)))) != str(error):
            return (findings.repeated(found),)
    # An adapter looks only here and there when candles come in large batches, and everywhere when they come singly.
    refused = parse_time(found.time) + 2 * parse_timeframe(found.timeframe)
    reached = int(np.searchsorted(history.times, refused, side="right"))
    alone = _error_of(setup, history, range(1, min(reached, _MOST_SINGLE) + 1))
    if alone is None:
        return (found,)
    return findings.strongest([found, findings.from_error(setup, opens, alone, "when candles come one at a time")])


def _error_of(setup: Setup, history: History, ends: Iterable[int]) -> UserError | None:
    try:
        run_pass(setup, history, ends)
    except UserError as error:
        return error
    return None
