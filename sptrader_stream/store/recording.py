"""The recording of a run: sequence, journal, equity on disk and fingerprint; the recorder's synchronous core."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType

import msgspec

from sptrader_stream.events import (
    DataIssue,
    Failure,
    Progress,
    Provenance,
    Records,
    Reports,
    RunEnded,
    RunStarted,
    RunStatus,
    encode,
)
from sptrader_stream.execution.records import RECORD_WIDTH
from sptrader_stream.store.equity import EquityWriter
from sptrader_stream.store.journal import JournalWriter


class Recording:
    """Writes one run's log into its folder, which must hold no other run.

    Attributes:
        progress: where the run stood at the last report; None before the first.
        generated: how many signals were generated so far.
        first_time: open time of the first candle, None before it.
    """

    def __init__(self, folder: Path, started: RunStarted) -> None:
        self._journal = JournalWriter(folder)
        self._equity = EquityWriter(folder)
        self._digest = hashlib.sha256()
        self._seq = 1
        self.progress: Progress | None = None
        self.generated = 0
        self.first_time: int | None = None
        self._journal.append(encode(started))

    def add(self, report: Reports) -> bytes | None:
        """Record a batch; answers the frame of its lossless events, None where there were none."""
        self._equity.append(report.time, report.equity)
        frame = None
        if len(report.records):
            frame = encode(Records(self._seq, report.records))
            self._journal.append(frame)
            self._digest.update(report.records.data)
            self._seq += len(report.records) // RECORD_WIDTH
        # After the writing, so that a batch that could not be written does not count.
        if self.first_time is None:
            self.first_time = int(report.time[0])
        self.progress = report.progress
        self.generated += report.generated
        return frame

    def end(
        self,
        status: RunStatus,
        failure: Failure | None,
        issues: tuple[DataIssue, ...],
        equity_checksum: int,
        provenance: tuple[Provenance, ...] = (),
    ) -> RunEnded:
        """Write the last event; its fingerprint covers every event and every candle's equity, not the provenance."""
        ended = RunEnded(
            seq=self._seq,
            status=status,
            failure=failure,
            candles=0 if self.progress is None else self.progress.candles,
            issues=issues,
            equity_checksum=equity_checksum,
            fingerprint="",
        )
        self._digest.update(encode(ended))
        ended = msgspec.structs.replace(ended, fingerprint=self._digest.hexdigest(), provenance=provenance)
        self._journal.append(encode(ended))
        return ended

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._journal.__exit__(kind, error, traceback)
        self._equity.__exit__(kind, error, traceback)
