"""What a check found, put into words: which signal or part, at which candle, and both values."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec

from sptrader_stream.errors import ContradictionError, SignalError, UserError
from sptrader_stream.research.check_compare import Difference
from sptrader_stream.research.check_passes import Opens, Setup
from sptrader_stream.rules.operands import IndicatorOperand, Operand, SignalOperand
from sptrader_stream.rules.wording import operand_text
from sptrader_stream.signals.registry import SIGNALS
from sptrader_stream.timeframes import format_time, format_timeframe, parse_timeframe

Kind = Literal["not_deterministic", "looks_ahead", "depends_on_batches", "failed"]
# What is random differs in every test, and what looks ahead in batches too: the first of these that is found counts.
_ORDER: Final[tuple[Kind, ...]] = ("not_deterministic", "looks_ahead", "depends_on_batches", "failed")
_VERDICTS: Final[dict[Kind, str]] = {
    "not_deterministic": "is not the same when the run is repeated",
    "looks_ahead": "depends on candles that come later",
    "depends_on_batches": "depends on how the candles come in batches, and so on others than its own and earlier ones",
    "failed": "fails",
}
_OUR_BUG: Final = "; this is not the strategy's fault but a mistake in SPTrader: please report it"


class CheckFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a strategy must not do.

    Attributes:
        kind: what is wrong.
        part: what does it.
        subject: which one, in words: a signal's output, an indicator, a candle field, the rules or the execution.
        signal, output: of a signal.
        file: of a signal of the user's own.
        symbol: the instrument, where it concerns a single one.
        timeframe: of the candle.
        candle: its index among those of its instrument and timeframe, from 0.
        time: when it opened, RFC 3339.
        whole: what the run over all candles says there.
        other: what another run over the same past says there.
        seen: which run that is.
        message: all of it in one sentence.
    """

    kind: Kind
    part: Literal["signal", "indicator", "field", "rules", "execution", "strategy"]
    subject: str
    signal: str | None = None
    output: str | None = None
    file: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    candle: int | None = None
    time: str | None = None
    whole: str | None = None
    other: str | None = None
    seen: str
    message: str


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    symbol: str | None
    timeframe: int
    candle: int
    time: int


def from_difference(setup: Setup, kind: Kind, difference: Difference, seen: str) -> CheckFinding:
    """Name what differs.

    Args:
        setup: the strategy.
        kind: what the difference shows.
        difference: the first place.
        seen: which run says something else, such as ``in batches of 7``.
    """
    instrument = difference.instrument
    place = _Place(
        symbol=None if instrument is None else setup.instruments[instrument].symbol,
        timeframe=difference.timeframe,
        candle=difference.candle,
        time=difference.time,
    )
    operand = None if difference.operand is None else setup.plan.operands[difference.operand]
    return _finding(setup, kind, operand or difference.part, place, difference.whole, difference.other, seen)


def from_error(setup: Setup, opens: Opens, error: UserError, seen: str) -> CheckFinding:
    """Read what a run was ended with: an adapter's refusal of a user's signal, or a failure.

    Args:
        setup: the strategy.
        opens: when its candles opened.
        error: what was raised.
        seen: which run it was.
    """
    if not isinstance(error, ContradictionError) or error.file is None:
        return _failure(error, seen)
    symbols = [each.symbol for each in setup.instruments]
    symbol = error.symbol or symbols[0]
    timeframe = setup.timeframes[0] if error.timeframe is None else parse_timeframe(error.timeframe)
    time = int(opens[symbols.index(symbol)][setup.timeframes.index(timeframe)][error.candle])
    place = _Place(symbol=symbol, timeframe=timeframe, candle=error.candle, time=time)
    operand = SignalOperand(Path(error.file).stem, error.output)
    said, then = _undefined(error.said), _undefined(error.then)
    if error.kind == "looks_ahead":
        return _finding(setup, error.kind, operand, place, then, said, "when no later candle is known")
    return _finding(setup, error.kind, operand, place, said, then, "when candles come one at a time")


def strongest(findings: Iterable[CheckFinding]) -> tuple[CheckFinding, ...]:
    """Keep one finding for each subject: of the most basic kind, at its first candle."""
    by_subject: dict[str, list[CheckFinding]] = {}
    for each in findings:
        by_subject.setdefault(each.subject, []).append(each)
    kept = []
    for group in by_subject.values():
        kind = min((each.kind for each in group), key=_ORDER.index)
        # Whatever shows a look ahead in batches shows it, too; what is random says nothing about other tests.
        others = group if kind == "looks_ahead" else [each for each in group if each.kind == kind]
        first = min((each for each in others if each.kind != "failed"), key=_when, default=others[0])
        kept.append(_of_kind(first, kind))
    return tuple(sorted(kept, key=lambda each: (_ORDER.index(each.kind), _when(each))))


def repeated(found: CheckFinding) -> CheckFinding:
    """The finding as one of something that is not the same when repeated."""
    return _of_kind(msgspec.structs.replace(found, seen="when it is computed again"), "not_deterministic")


def _when(found: CheckFinding) -> tuple[str, str]:
    return found.time or "", found.subject


def _failure(error: UserError, seen: str) -> CheckFinding:
    file = error.file if isinstance(error, SignalError) else None
    signal = None if file is None else Path(file).stem
    subject = "the run" if signal is None else f"signal {signal}"
    return CheckFinding(
        kind="failed",
        part="strategy" if signal is None else "signal",
        subject=subject,
        signal=signal,
        file=file,
        seen=seen,
        message=f"{subject} {_VERDICTS['failed']} {seen}: {error}",
    )


def _finding(
    setup: Setup, kind: Kind, what: Operand | Literal["rules", "execution", "operand"], place: _Place, whole: str,
    other: str, seen: str,
) -> CheckFinding:  # fmt: skip
    signal = output = file = None
    if isinstance(what, SignalOperand):
        part, signal, output = "signal", what.signal, what.output
        if setup.plan.signals_folder is not None and signal not in SIGNALS:
            file = str(Path(setup.plan.signals_folder) / f"{signal}.py")
    elif isinstance(what, str):
        part = what
    else:
        part = "indicator" if isinstance(what, IndicatorOperand) else "field"
    subject = f"the {what}" if isinstance(what, str) else operand_text(what)
    found = CheckFinding(
        kind=kind,
        part=part,  # type: ignore[arg-type]
        subject=f"signal {subject}" if part == "signal" else subject,
        signal=signal,
        output=output,
        file=file,
        symbol=place.symbol,
        timeframe=format_timeframe(place.timeframe),
        candle=place.candle,
        time=format_time(place.time),
        whole=whole,
        other=other,
        seen=seen,
        message="",
    )
    return _of_kind(found, kind)


def _of_kind(found: CheckFinding, kind: Kind) -> CheckFinding:
    """The finding as one of that kind, in words."""
    if found.kind == kind and found.message:
        return found
    name = found.subject if found.file is None else f"{found.subject} ({found.file})"
    candles = " ".join(each for each in (found.symbol, found.timeframe) if each)
    message = (
        f"{name} {_VERDICTS[kind]}: at candle {found.candle} of {candles}, {found.time}, the whole run says "
        f"{found.whole}, and {found.other} {found.seen}"
    )
    ours = "" if found.file is not None else _OUR_BUG
    return msgspec.structs.replace(found, kind=kind, message=message + ours)


def _undefined(value: str) -> str:
    return "undefined" if value == "nan" else value
