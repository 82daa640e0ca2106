"""What a server finds of earlier runs when it starts: those that ended, as they were; the others, as interrupted.

The journal is the truth: a run whose journal has its end has ended, and where the server was killed before the result
was written, it is written now.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from sptrader_stream.errors import StorageError, UserError
from sptrader_stream.events import Records, RunEnded, RunStarted
from sptrader_stream.execution.records import RECORD_WIDTH, TIME, count_trades
from sptrader_stream.server.documents import ENDED, RunStatus
from sptrader_stream.server.runs.run_file import RunFile, read_run_file, run_folders, write_run_file
from sptrader_stream.store.journal import JOURNAL_FILE, read_end, read_journal
from sptrader_stream.store.results import HEAD_FILE, complete_result
from sptrader_stream.store.runs import RunRecord, read_record
from sptrader_stream.timeframes import format_time

_MILLISECOND: Final = 1_000_000
_logger = structlog.get_logger(__name__)


def recover(backtests: Path) -> list[tuple[RunFile, Path]]:
    """Read all runs of a folder, and write down what became of those that were under way.

    Args:
        backtests: where runs have their folders.

    Returns:
        Each run that has ended, with its folder, in the order in which they were taken on. A run of the command line
        is among them once it has ended; one that cannot be read is left out and logged.
    """
    found = []
    for folder in run_folders(backtests):
        try:
            content = _read(folder)
        except UserError as error:
            _logger.warning("a run was left out: it cannot be read", folder=str(folder), error=str(error))
            continue
        if content is not None:
            found.append((content, folder))
    return sorted(found, key=lambda each: (each[0].status.created_at, each[0].status.backtest_id))


def _read(folder: Path) -> RunFile | None:
    known = read_run_file(folder)
    if known is not None and known.status.status in ENDED:
        _complete(folder)
        return known
    ended = _end(folder)
    if ended is not None and complete_result(folder):
        status = _status_of(read_record(folder), ended, None if known is None else known.status)
        content = RunFile(request=None if known is None else known.request, status=status)
    elif known is not None:
        content = RunFile(request=known.request, status=_interrupted(known.status, folder))
    else:
        # The command line may be at it right now.
        return None
    if known is not None:
        write_run_file(folder, content)
    return content


def _complete(folder: Path) -> None:
    """Write the result of a run that is known to have ended, where the server was stopped before it was there."""
    if not (folder / HEAD_FILE).is_file() or _end(folder) is None:
        return
    try:
        complete_result(folder)
    except StorageError as error:
        _logger.warning("a run stays without its result", folder=str(folder), error=str(error))


def _end(folder: Path) -> RunEnded | None:
    """The last event of a run's journal; None where it has no end, or there is no journal."""
    try:
        return read_end(folder)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        _logger.warning("a journal cannot be read to its end", folder=str(folder), error=str(error))
        return None


def _status_of(record: RunRecord, ended: RunEnded, known: RunStatus | None) -> RunStatus:
    """Tell from a run's own files how it ended."""
    head, started = record.head, record.started
    # The journal is written for the last time when the run ends.
    written = (record.folder / JOURNAL_FILE).stat().st_mtime_ns
    ended_at = format_time(written // _MILLISECOND * _MILLISECOND)
    state = ended.status
    return RunStatus(
        backtest_id=head.run_id,
        status=state,
        strategy=head.strategy,
        strategy_version=head.strategy_version,
        symbols=[market.instrument.symbol for market in started.markets],
        timeframe=head.timeframe,
        sources=list(dict.fromkeys(market.source for market in started.markets)),
        synthetic=head.synthetic,
        execution_mode="research" if known is None else known.execution_mode,
        created_at=ended_at if known is None else known.created_at,
        started_at=None if known is None else known.started_at,
        ended_at=ended_at,
        queue_position=None,
        pace="max" if known is None else known.pace,
        progress_pct=100.0 if state == "completed" else 0.0 if known is None else known.progress_pct,
        start_capital=head.start_capital,
        current_capital=head.end_capital,
        open_positions=len(head.open_positions),
        trades_count=head.total_trades,
        candles=head.timing.candles,
        total_candles=head.timing.candles if state == "completed" else None if known is None else known.total_candles,
        candles_per_second=round(head.timing.candles_per_second, 1),
        time=head.end_time,
        next_seq=ended.seq + 1,
        failure=head.failure,
        fingerprint=head.fingerprint,
        data_issues=list(head.data_issues),
    )


def _interrupted(known: RunStatus, folder: Path) -> RunStatus:
    """Tell what a run had done when the server ended."""
    trades, next_seq, time = 0, 0, None
    for event in _events(folder):
        if isinstance(event, Records):
            rows = event.records.reshape(-1, RECORD_WIDTH)
            trades += count_trades(rows)
            next_seq, time = event.seq + len(rows), int(rows[-1, TIME])
        elif isinstance(event, RunStarted):
            next_seq = 1
    return msgspec.structs.replace(
        known,
        status="interrupted",
        queue_position=None,
        trades_count=trades,
        time=known.time if time is None else format_time(time),
        # One more for the message that says so.
        next_seq=next_seq + 1,
    )


def _events(folder: Path) -> Iterable[RunStarted | Records | RunEnded]:
    try:
        yield from read_journal(folder)
    except FileNotFoundError:
        return
    except (OSError, msgspec.MsgspecError) as error:
        _logger.warning("a journal is broken behind what was read of it", folder=str(folder), error=str(error))
