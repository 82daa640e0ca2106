"""Results of a server's runs on their way into the database, one after another, while everything else goes on.

A result in the database is a copy of what the run's folder holds. One that cannot be stored is told in the log, and
``sptrader db store`` stores it later.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog
import trio

from sptrader_stream.errors import UserError

# Runs whose results wait; a database that is so far behind is not there.
_MOST_WAITING: Final = 1_000
_logger = structlog.get_logger(__name__)


class ResultStore:
    """Stores results in a database.

    Args:
        url: as ``DATABASE_URL`` has it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._sender, self._receiver = trio.open_memory_channel[Path](_MOST_WAITING)

    async def check(self) -> None:
        """Make sure that results can be stored.

        Raises:
            ConfigError: the database cannot be reached, or has not the schema of this program.
        """
        from sptrader_stream.database.schema import check_database

        await trio.to_thread.run_sync(check_database, self._url)

    def put(self, folder: Path) -> None:
        """Have the result of a run stored."""
        try:
            self._sender.send_nowait(folder)
        except trio.WouldBlock:
            _not_stored(folder, f"{_MOST_WAITING} others wait for the database")

    async def run(self) -> None:
        """Store what comes, until cancelled; what is being stored then is stored whole or not at all."""
        from sptrader_stream.database.results import store_run

        try:
            async for folder in self._receiver:
                try:
                    await trio.to_thread.run_sync(store_run, self._url, folder, abandon_on_cancel=True)
                except UserError as error:
                    _not_stored(folder, str(error))
                except Exception as error:
                    # A mistake of ours; no other run has anything to do with it.
                    _not_stored(folder, str(error), error)
        finally:
            waiting = self._receiver.statistics().current_buffer_used
            if waiting:
                _logger.warning("results were not stored in the database: the server was stopped", runs=waiting)


def _not_stored(folder: Path, reason: str, mistake: Exception | None = None) -> None:
    _logger.error(
        "a result was not stored in the database: `sptrader db store` does it later",
        folder=str(folder),
        error=reason,
        exc_info=mistake,
    )
