"""What can be watched: a run that tells what happens to it, and can be steered."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from sptrader_stream.server.messages import ServerMessage, SteeringCommand


class Followed(Protocol):
    """A run, wherever it is."""

    @property
    def ends_unwatched(self) -> bool:
        """Whether the run is cancelled by whoever leaves it: nobody else has it."""
        ...

    @property
    def run_id(self) -> str:
        """The run's id."""
        ...

    def messages(self) -> AbstractAsyncContextManager[trio.MemoryReceiveChannel[ServerMessage]]:
        """Tell everything from the run's first event on; ends behind its last."""
        ...

    async def steer(self, command: SteeringCommand) -> None:
        """Carry a command out.

        Raises:
            UserError: it cannot be, as where the run is over.
        """
        ...
