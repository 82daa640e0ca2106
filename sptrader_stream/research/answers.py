"""The answer to why a run traded or did not, from what it recorded to a document: for the command line and REST."""

from __future__ import annotations

import msgspec

from sptrader_stream.errors import UserError
from sptrader_stream.instruments import normalise_symbol
from sptrader_stream.research.near import Nearest
from sptrader_stream.research.why import RunToExplain, Why, explain_candle, nearest_candles
from sptrader_stream.rules.settings import execution_settings
from sptrader_stream.store.journal import read_events
from sptrader_stream.store.remake import CandlesAgain, Remade, remake
from sptrader_stream.store.runs import RunRecord
from sptrader_stream.timeframes import parse_timeframe


class NearestOf(msgspec.Struct, frozen=True):
    """The candles of an instrument at which an entry rule came closest, the nearest first."""

    symbol: str
    nearest: list[Nearest]


class WhyAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be said of a run.

    Attributes:
        run: its id.
        notes: what may be different from what the run saw, in words.
        candles: by instrument, where a time was asked for.
        near: by instrument, where the nearest candles were asked for.
    """

    run: str
    notes: tuple[str, ...]
    candles: list[Why] | None = None
    near: list[NearestOf] | None = None


def explain_run(
    record: RunRecord, *, at: int | None = None, near: int | None = None, symbol: str | None = None
) -> WhyAnswer:
    """Explain a candle of a run, or list the candles at which an entry rule came closest.

    Args:
        record: the run.
        at: the time of the candle, nanoseconds since 1970; None where the nearest are asked for.
        near: how many of these.
        symbol: of the instrument; None for all of the run's.

    Raises:
        UserError: there is nothing at that time or of that symbol, or the run's candles cannot be read again.
    """
    remade = remake(record.started)
    opened = _open(record, remade)
    numbers = _numbers(opened, symbol, record.folder.name)
    run = record.folder.name
    candles = {number: CandlesAgain(record, remade, number) for number in numbers}
    if at is not None:
        # They are not read to the end, so that only what the file's size and time tell is known of them.
        notes = tuple(filter(None, (remade.notes[number] for number in numbers)))
        return WhyAnswer(
            run=run,
            notes=notes,
            candles=[explain_candle(opened, number, again.chunks(), at) for number, again in candles.items()],
        )
    nearest = [
        NearestOf(opened.instruments[number].symbol, nearest_candles(opened, number, again.chunks(), near or 1))
        for number, again in candles.items()
    ]
    notes = tuple(filter(None, (again.difference() for again in candles.values())))
    return WhyAnswer(run=run, notes=notes, near=nearest)


def _open(record: RunRecord, remade: Remade) -> RunToExplain:
    if record.period is None:
        raise UserError(f"{record.folder.name} saw no candle: there is nothing to explain")
    instruments = [market.instrument for market in remade.markets]
    timeframe = parse_timeframe(record.started.timeframe)
    return RunToExplain(
        plan=remade.strategy,
        instruments=instruments,
        settings=execution_settings(remade.strategy, instruments, timeframe, remade.capital),
        period=record.period,
        events=lambda: read_events(record.folder),
    )


def _numbers(run: RunToExplain, symbol: str | None, name: str) -> list[int]:
    symbols = [each.symbol for each in run.instruments]
    if symbol is None:
        return list(range(len(symbols)))
    plain = normalise_symbol(symbol)
    if plain not in symbols:
        raise UserError(f"{symbol}: {name} has no such instrument; it traded {', '.join(symbols)}")
    return [symbols.index(plain)]
