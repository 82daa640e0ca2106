"""The process that writes the results of a server's runs, as the server sees it; see ``store.writing``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec
import structlog
import trio

from sptrader_stream.decoding import json_decoder
from sptrader_stream.errors import StorageError
from sptrader_stream.store.results import Written, write_result
from sptrader_stream.store.writing import WriteAnswer, WriteRequest

_COMMAND: Final = [sys.executable, "-m", "sptrader_stream.store.writing"]
_NOTHING: Final = Written([], [], [], [])
_logger = structlog.get_logger(__name__)


class _GoneError(Exception):
    """The process has ended."""


class ResultProcess:
    """Writes results one at a time, in a process that is started when the first is to be written."""

    def __init__(self) -> None:
        self._process: trio.Process | None = None
        self._one_at_a_time = trio.Lock()
        self._received = bytearray()
        self._has_left = False

    @property
    def process_id(self) -> int | None:
        """Of the process, None where there is none yet."""
        return None if self._process is None else self._process.pid

    async def write(self, folder: Path, few: int) -> Written:
        """Write the result of a run.

        Args:
            folder: the run's, with its journal and head.
            few: how many trades and halts are given back.

        Raises:
            StorageError: it cannot be written.
        """
        async with self._one_at_a_time:
            if self._has_left:
                return _NOTHING
            try:
                answer = await self._ask(WriteRequest(str(folder), few))
            except (_GoneError, OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                await self._end()
                if self._has_left:
                    return _NOTHING
                _logger.warning("the process that writes results has ended; the server writes this one itself")
                return await trio.to_thread.run_sync(write_result, folder, few)
        if answer.written is None:
            raise StorageError(answer.error or f"{folder}: the result cannot be written")
        return answer.written

    async def leave(self) -> None:
        """Write nothing any more; what is being written is given up, and made when the server starts again."""
        self._has_left = True
        with trio.CancelScope(shield=True):
            await self._end()

    async def _ask(self, request: WriteRequest) -> WriteAnswer:
        process = self._process
        if process is None:
            process = self._process = await trio.lowlevel.open_process(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        assert process.stdin is not None
        await process.stdin.send_all(msgspec.json.encode(request) + b"\n")
        return json_decoder(WriteAnswer).decode(await self._line(process))

    async def _line(self, process: trio.Process) -> bytes:
        assert process.stdout is not None
        while (end := self._received.find(b"\n")) < 0:
            piece = await process.stdout.receive_some()
            if not piece:
                raise _GoneError
            self._received += piece
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    async def _end(self) -> None:
        process, self._process = self._process, None
        self._received.clear()
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    await pipe.aclose()
            await process.wait()
