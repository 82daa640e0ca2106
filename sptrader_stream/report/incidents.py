"""What stood in the way of a recorded run: its halts, and its rejections by reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.execution.records import KIND_HALT, KIND_REJECTION, REJECTION_REASONS, Halt, kinds, reasons, unpack
from sptrader_stream.store.journal import read_rows

MOST_HALTS: Final = 200


class Incidents(msgspec.Struct, frozen=True):
    """The first halts, at most ``MOST_HALTS``, and the rejections by reason, the most frequent first."""

    halts: list[Halt]
    rejections: dict[str, int]


def read_incidents(folder: Path) -> Incidents:
    """Look a run's journal through for halts and rejections."""
    halts: list[Halt] = []
    rejections: Counter[str] = Counter()
    for rows in read_rows(folder):
        kind = kinds(rows)
        for reason in reasons(rows[kind == KIND_REJECTION]).tolist():
            rejections[REJECTION_REASONS[reason]] += 1
        if len(halts) < MOST_HALTS:
            found = unpack(rows[kind == KIND_HALT])
            halts += [each for each in found if isinstance(each, Halt)]
    return Incidents(halts[:MOST_HALTS], dict(rejections.most_common()))
