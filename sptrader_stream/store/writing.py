"""``python -m sptrader_stream.store.writing``: a process that writes the results of runs, for a server.

Making a result document is Python for the most part. In a thread of the server it would take the interpreter from the
event loop, batch for batch of every run. The process reads the folder of a run as a line of JSON and answers with a
line when the result is there; it ends with its input, so that it never outlives the server.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from sptrader_stream.decoding import json_decoder
from sptrader_stream.errors import StorageError
from sptrader_stream.store.results import Written, write_result

# Whoever waits for candles goes before whoever waits for a document.
_NICENESS: Final = 5


class WriteRequest(msgspec.Struct, frozen=True):
    """The folder of a run that is over, with its journal and head, and how many trades and halts are given back."""

    folder: str
    few: int


class WriteAnswer(msgspec.Struct, frozen=True):
    """What was seen while the result was written; or why it could not be."""

    written: Written | None
    error: str | None = None


def answer(line: bytes) -> bytes:
    """Carry one request out; answers a line."""
    request = json_decoder(WriteRequest).decode(line)
    try:
        found = WriteAnswer(write_result(Path(request.folder), request.few))
    except StorageError as error:
        found = WriteAnswer(None, str(error))
    return msgspec.json.encode(found) + b"\n"


def main() -> None:
    """Answer requests until there are no more."""
    # Ctrl-C is for the server, which still has results to be written then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(answer(line))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
