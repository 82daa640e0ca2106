"""All messages of a run, grouped by who sends them.

Every event is a frozen, tagged msgspec Struct, encoded once to MessagePack. Batches carry typed numpy columns as
extension types, which decode without a copy; the columns of a batch are equally long unless said otherwise.
Times are int64 nanoseconds since 1970 UTC, prices ticks, quantities lots, money 10^-8 of the account currency.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

import msgspec
import numpy as np

from sptrader_stream.columns import Codes, Floats, Ints, Masks

Event = TypeVar("Event")

# candle_feed


class Candles(msgspec.Struct, frozen=True, tag="candles", array_like=True):
    """A batch of candles of one instrument; ``first`` is the index of its first candle in the run."""

    first: int
    instrument: int
    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    spread: Ints | None = None


# signal_engine


class Signals(msgspec.Struct, frozen=True, tag="signals", array_like=True):
    """What the signals say of a batch: one column for each operand of the strategy's plan, in its order.

    A float64 column is undefined where it is NaN; an int8 column holds codes of the operand's choices, 0 for none.

    ``generated`` counts the signals in the batch: candles at which a configured signal said other than none.
    """

    first: int
    instrument: int
    generated: int
    columns: list[Floats | Codes]


# rule_matcher


class Decisions(msgspec.Struct, frozen=True, tag="decisions", array_like=True):
    """Which rules are met at each candle: bit r of ``entries`` for entry rule r, bit r of ``exits`` for exit rule r.

    None stands for a column of zeros: no rule of that kind is met in the batch. ``generated`` is handed on from the
    signals.
    """

    first: int
    instrument: int
    generated: int
    entries: Masks | None
    exits: Masks | None


# position_manager


class Executions(msgspec.Struct, frozen=True, tag="executions", array_like=True):
    """What a batch did to the portfolio.

    ``records`` holds the lossless events in order, RECORD_WIDTH int64 a row (see ``execution.records``);
    ``equity`` and ``open_positions`` (int8) have one value per candle, after everything that happened at it;
    ``generated`` is handed on from the signals.
    """

    first: int
    generated: int
    time: Ints
    equity: Ints
    open_positions: Codes
    records: Ints


# metrics


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """Where a run stands; only the newest matters."""

    candles: int
    time: int
    equity: int
    open_positions: int
    trades: int


class Reports(msgspec.Struct, frozen=True, tag="reports", array_like=True):
    """What a batch adds to the run's log: its records, its equity by candle, and where the run stands."""

    first: int
    generated: int
    time: Ints
    equity: Ints
    records: Ints
    progress: Progress


# recorder


class RunStarted(msgspec.Struct, frozen=True, kw_only=True, tag="run_started"):
    """The first event of a run's log: what was asked for.

    Attributes:
        run_id: names the run and its folder.
        strategy, strategy_version, strategy_digest: which strategy, with the checksum of its text and overrides.
        parameters: the parameters in use.
        symbol, timeframe: what was traded.
        source: the path of the candles as the user gave it, or ``synthetic``.
        synthetic: whether the candles are made up.
        start_capital: money (10^-8).
        price_precision, quantity_precision: decimal places of prices and quantities.
        entry_rules: the names of the entry rules, by index.
    """

    run_id: str
    strategy: str
    strategy_version: str
    strategy_digest: str
    parameters: dict[str, str]
    symbol: str
    timeframe: str
    source: str
    synthetic: bool
    start_capital: int
    price_precision: int
    quantity_precision: int
    entry_rules: list[str]


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
    """

    seq: int
    status: RunStatus
    failure: Failure | None
    candles: int
    issues: tuple[DataIssue, ...]
    equity_checksum: int
    fingerprint: str


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
    """Make a decoder for frames of one type of event, or of a union of them."""
    return msgspec.msgpack.Decoder(event, ext_hook=_decode_column)
