"""A run that a server has, to be watched."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import trio

from sptrader_stream.client import Client, following
from sptrader_stream.server.messages import ServerMessage, SteeringCommand


class RemoteRun:
    """A run of a server; see ``Followed``.

    Attributes:
        run_id: the run's id.
        ends_unwatched: never.
    """

    ends_unwatched = False

    def __init__(self, client: Client, run_id: str) -> None:
        self.run_id = run_id
        self._client = client

    def messages(self) -> AbstractAsyncContextManager[trio.MemoryReceiveChannel[ServerMessage]]:
        """Tell everything from the run's first event on."""
        return following(self._client.url, self.run_id)

    async def steer(self, command: SteeringCommand) -> None:
        """Carry a command out."""
        await self._client.steer(command)
