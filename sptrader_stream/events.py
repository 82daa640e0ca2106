"""All messages of a run, grouped by who sends them.

Every event is a frozen, tagged msgspec Struct, encoded once to MessagePack. Batches carry typed numpy columns as
extension types, which decode without a copy; columns named together are equally long unless said otherwise.
Times are int64 nanoseconds since 1970 UTC, prices ticks, quantities lots, money 10^-8 of the account currency.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

import msgspec
import numpy as np

from sptrader_stream.columns import Codes, Floats, Ints, Masks
from sptrader_stream.decoding import msgpack_decoder
from sptrader_stream.instruments import Instrument

Event = TypeVar("Event")

# candle_feed


class Candles(msgspec.Struct, frozen=True, tag="candles", array_like=True):
    """A batch of candles: for each instrument of the run, in order, a block of rows, one block behind the other.

    All blocks cover the same span of time, so that no timestamp is in two batches; a block may be empty.

    Attributes:
        first: how many candles came before, of all instruments.
        ends: where each block ends; the first starts at 0.
        time, open, high, low, close: the columns.
        volume: in the sources' units.
        spread: ticks, -1 where a source has none; None where no source has any.
    """

    first: int
    ends: list[int]
    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    spread: Ints | None = None


# signal_engine


class InstrumentSignals(msgspec.Struct, frozen=True, array_like=True):
    """What the signals say of one instrument's block of a batch.

    A *moment* is a place between or at the rows of the block: ``2 * row + 1`` is the close of a row, ``2 * row`` is
    just before it, when a candle closes whose span ended without a row of its own.

    Attributes:
        columns: one for each operand of the strategy's plan, in its order, as long as its timeframe has candles that
            closed in the block. A float64 column is undefined where it is NaN; an int8 column holds codes of the
            operand's choices, 0 for none.
        closes: by timeframe of the plan, the strategy's own first, the moments at which candles closed; empty where
            the plan has no timeframe but that of the data.
    """

    columns: list[Floats | Codes]
    closes: list[Ints]


class Signals(msgspec.Struct, frozen=True, tag="signals", array_like=True):
    """What the signals say of a batch, by instrument.

    ``generated`` counts the signals in the batch: candles at which a configured signal said other than none.
    """

    first: int
    generated: int
    instruments: list[InstrumentSignals]


# rule_matcher


class Decisions(msgspec.Struct, frozen=True, tag="decisions", array_like=True):
    """The moments at which a rule is met, rising, the instruments' one behind the other.

    Attributes:
        first: see ``Candles``.
        generated: handed on from the signals.
        ends: where each instrument's decisions end.
        moments: see ``InstrumentSignals``.
        entries, exits: bit r for entry rule r, and for exit rule r.
        atr: the average true range then, 10^-4 ticks, -1 where it is undefined; None where the strategy has no use
            for it.
        closes: the moments at which candles of the strategy's timeframe closed; None where each row closes one.
        closes_ends: where each instrument's closes end; empty without ``closes``.
    """

    first: int
    generated: int
    ends: list[int]
    moments: Ints
    entries: Masks
    exits: Masks
    atr: Ints | None
    closes: Ints | None
    closes_ends: list[int]


# position_manager


class Executions(msgspec.Struct, frozen=True, tag="executions", array_like=True):
    """What a batch did to the portfolio.

    Attributes:
        first: see ``Candles``.
        candles: how many the batch had, of all instruments.
        generated: handed on from the signals.
        time: the batch's timestamps, each once.
        equity: after everything that happened at the timestamp.
        open_positions: how many were open then.
        records: the lossless events in order, RECORD_WIDTH int64 a row (see ``execution.records``).
        settles: whether this is what closing at the end of the run did: the timestamp is the last one, once more.
    """

    first: int
    candles: int
    generated: int
    time: Ints
    equity: Ints
    open_positions: Masks
    records: Ints
    settles: bool = False


# metrics


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """Where a run stands; only the newest matters. ``candles`` are those of all instruments."""

    candles: int
    time: int
    equity: int
    open_positions: int
    trades: int


class Reports(msgspec.Struct, frozen=True, tag="reports", array_like=True):
    """What a batch adds to the run's log: its records, its equity by timestamp, and where the run stands."""

    first: int
    generated: int
    time: Ints
    equity: Ints
    records: Ints
    progress: Progress


# recorder


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument of a run, and where its candles came from.

    Attributes:
        instrument: as it was declared.
        source: the path of the candles as the user gave it, or what the source is called.
        path: the same, absolute; ``database`` for those of the database, empty for synthetic ones.
        size, modified: of the file, or of a series' manifest, bytes and nanoseconds since 1970, to tell whether it is
            still the same; else 0.
        start, end: the range asked for, nanoseconds since 1970, inclusive; None for all there is.
        timezone: given for the times of a file; None for none.
    """

    instrument: Instrument
    source: str
    path: str
    size: int
    modified: int
    start: int | None
    end: int | None
    timezone: str | None = None


class RunStarted(msgspec.Struct, frozen=True, kw_only=True, tag="run_started"):
    """The first event of a run's log: what was asked for, and all that is needed to do it again.

    Attributes:
        run_id: names the run and its folder.
        strategy, strategy_version, strategy_digest: which strategy, with the checksum of its text and overrides.
        strategy_file, strategy_text: where it was read from, and what it said.
        overrides: parameters given for this run.
        parameters: all parameters in use.
        signals_folder: where the user's own signals are, absolute; None for none.
        markets: what was traded.
        timeframe: of the data.
        strategy_timeframe: of the candles that the strategy's rules see.
        start_capital: money (10^-8).
        entry_rules, exit_rules: the rules' names, by index.
        execution_mode: research, paper or live.
        data_policy: what was to be done about findings in the candles.
    """

    run_id: str
    strategy: str
    strategy_version: str
    strategy_digest: str
    strategy_file: str
    strategy_text: str
    overrides: dict[str, str]
    parameters: dict[str, str]
    signals_folder: str | None
    markets: list[Market]
    timeframe: str
    strategy_timeframe: str
    start_capital: int
    entry_rules: list[str]
    exit_rules: list[str]
    data_policy: dict[str, Literal["allow", "warn", "block"]]
    execution_mode: str = "research"


class Records(msgspec.Struct, frozen=True, tag="records"):
    """Lossless events of execution, in order; the first has the sequence number ``seq``, each further one more."""

    seq: int
    records: Ints


class DataIssue(msgspec.Struct, frozen=True, tag="data_issue"):
    """One kind of finding about the candles of a source.

    Attributes:
        kind: which rule of the data contract it concerns.
        policy: what was done about it.
        symbol: the instrument.
        count: how many candles show it.
        places: open times of the first few, RFC 3339.
        message: the finding in words.
    """

    kind: str
    policy: Literal["allow", "warn", "block"]
    symbol: str
    count: int
    places: tuple[str, ...]
    message: str


RunStatus = Literal["completed", "cancelled", "failed"]


class Failure(msgspec.Struct, frozen=True):
    """Why a run failed: the actor, the candle (index, -1 before the first) and the cause in words."""

    actor: str
    candle: int
    cause: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where the candles of one instrument came from, and which they were.

    Attributes:
        symbol: the instrument.
        kind, source, trust, retrieved_at: see ``SourceInfo``.
        start, end: open times of the first and last candle, nanoseconds since 1970; None where there was none.
        candles: how many.
        checksum: of the candles, the same wherever they come from, see ``sources.digest``; empty where there was none.
    """

    symbol: str
    kind: str
    source: str
    trust: str
    retrieved_at: int | None
    start: int | None
    end: int | None
    candles: int
    checksum: str


class RunEnded(msgspec.Struct, frozen=True, kw_only=True, tag="run_ended"):
    """The last event of a run's log.

    Attributes:
        seq: its sequence number.
        status: how the run ended.
        failure: why, where it failed.
        candles: how many were processed.
        issues: what was found about the candles.
        equity_checksum: depends on every candle's equity, in order.
        fingerprint: SHA-256 over everything that happened, the same for every batch size, pause and pace.
        provenance: where the candles came from, by instrument; no part of the fingerprint.
    """

    seq: int
    status: RunStatus
    failure: Failure | None
    candles: int
    issues: tuple[DataIssue, ...]
    equity_checksum: int
    fingerprint: str
    provenance: tuple[Provenance, ...] = ()


LogEvent = RunStarted | Records | Progress | RunEnded

_CODES: Final[dict[np.dtype[Any], int]] = {
    np.dtype(np.int64): 1,
    np.dtype(np.float64): 2,
    np.dtype(np.uint32): 3,
    np.dtype(np.int8): 4,
    np.dtype(np.bool_): 5,
}
_DTYPES: Final[dict[int, np.dtype[Any]]] = {code: dtype for dtype, code in _CODES.items()}


def _encode_column(column: object) -> msgspec.msgpack.Ext:
    if not isinstance(column, np.ndarray):
        raise NotImplementedError(f"events carry numpy columns, not {type(column).__name__}")
    return msgspec.msgpack.Ext(_CODES[column.dtype], column.data)


def _decode_column(code: int, data: memoryview) -> Any:
    return np.frombuffer(data, _DTYPES[code]) if data else np.empty(0, _DTYPES[code])


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_encode_column)
encode: Final = _ENCODER.encode


def decoder(event: type[Event]) -> msgspec.msgpack.Decoder[Event]:
    """Give the decoder for frames of one type of event, or of a union of them."""
    return msgpack_decoder(event, _decode_column)
