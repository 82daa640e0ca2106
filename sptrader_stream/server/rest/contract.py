"""What the REST side needs of the server that it is a part of."""

from __future__ import annotations

from typing import Annotated, Protocol, TypeAlias

from litestar.params import Dependency

from sptrader_stream.server.library import CandleLibrary
from sptrader_stream.server.runs.registry import Registry
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.workspace import Workspace


class Service(Protocol):
    """The server, as far as REST is concerned."""

    @property
    def settings(self) -> ServerSettings:
        """How the server behaves."""
        ...

    @property
    def workspace(self) -> Workspace:
        """The folder that the server works in."""
        ...

    @property
    def registry(self) -> Registry:
        """All runs."""
        ...

    @property
    def library(self) -> CandleLibrary:
        """The files of candles that the server has."""
        ...

    def report_error(self, error: Exception) -> str:
        """Log a mistake of ours; answers the incident's id."""
        ...

    @property
    def is_closing(self) -> bool:
        """Whether the server is being stopped."""
        ...


Served: TypeAlias = Annotated[Service, Dependency(skip_validation=True)]
