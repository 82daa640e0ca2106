"""The candles that a server has in its folders: which there are, and which of them a run or a reader gets.

Each folder is a catalog, and may have files whose names say what they hold (``EURUSD-1m.parquet``). They are looked for
anew each time, so that what is put there is found at once. All of it reads files: it is for threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from sptrader_stream.candles import CandleColumns
from sptrader_stream.catalog.finding import Holding, find_holding, list_holdings, served_timeframes
from sptrader_stream.catalog.manifest import read_manifest
from sptrader_stream.errors import UserError
from sptrader_stream.instruments import Instrument, load_instruments, normalise_symbol
from sptrader_stream.opening import open_source, stamp
from sptrader_stream.server.request_errors import InvalidRequestError, UnknownSymbolError
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.sources.contract import RESEARCH
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.workspace import Workspace


class Coverage(msgspec.Struct, frozen=True):
    """What a holding has: open times of its first and last candle, nanoseconds since 1970, and how many there are."""

    earliest: int
    latest: int
    candles: int


class CandleLibrary:
    """The candles of a workspace.

    Args:
        workspace: whose data folders and instruments they are.
        settings: name the folders.
    """

    def __init__(self, workspace: Workspace, settings: ServerSettings) -> None:
        self._folders = [workspace.folder / each for each in settings.data_folders]
        self._instruments_file = workspace.config_file("instruments.yaml")
        # Read again where the file has changed: each request asks.
        self._declared: tuple[tuple[int, int], dict[str, Instrument]] | None = None
        self._coverage: dict[tuple[Path, tuple[int, int]], Coverage] = {}

    def instruments(self) -> dict[str, Instrument]:
        """The instruments that are declared, by symbol.

        Raises:
            ConfigError: their file is wrong.
        """
        found = self._instruments_file.stat()
        if self._declared is None or self._declared[0] != (found.st_size, found.st_mtime_ns):
            self._declared = (found.st_size, found.st_mtime_ns), load_instruments(self._instruments_file)
        return self._declared[1]

    def holdings(self) -> list[Holding]:
        """All candles, by symbol and from the finest timeframe on."""
        return list_holdings(self._folders)

    def named(self, name: str) -> Path:
        """Find a file by its name in the data folders; nothing leads out of them.

        Raises:
            InvalidRequestError: there is none; names those that there are.
        """
        for folder in self._folders:
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.name == name and path.is_file():
                    return path
        known = ", ".join(each.path.name for each in self.holdings() if each.path.is_file()) or "none"
        raise InvalidRequestError(f"this server has no file of candles {name!r}; it has: {known}")

    def find(self, symbol: str, timeframe: str | None, *, finest: bool = False) -> Holding | None:
        """Find the candles that serve a run, see :func:`finding.find_holding`."""
        return find_holding(self._folders, symbol, timeframe, finest=finest)

    def timeframes(self, symbol: str, wanted: Sequence[str]) -> list[str]:
        """Tell in which timeframes there are candles of a symbol, see :func:`finding.served_timeframes`."""
        return served_timeframes(self._folders, symbol, wanted)

    def coverage(self, holding: Holding) -> Coverage:
        """Tell what candles there are; a file is read through once, and again when it has changed.

        Raises:
            UserError: they cannot be read.
        """
        manifest = read_manifest(holding.path)
        if manifest is not None and manifest.span is not None and not manifest.has_ticks:
            return Coverage(*manifest.span, manifest.rows)
        key = (holding.path, stamp(holding.path))
        if key not in self._coverage:
            earliest = latest = count = 0
            for chunk in self._market(holding, holding.timeframe, None, None).candles(RESEARCH):
                earliest = earliest if count else int(chunk.time[0])
                latest, count = int(chunk.time[-1]), count + len(chunk)
            self._coverage[key] = Coverage(earliest, latest, count)
        return self._coverage[key]

    def candles(
        self, symbol: str, timeframe: str, start: int | None, end: int | None
    ) -> tuple[Instrument, Iterator[CandleColumns]]:
        """Read candles of any timeframe that there is, or that whole candles make up.

        Args:
            symbol: as the user writes it.
            timeframe: as in ``1h``.
            start, end: open times, nanoseconds since 1970, inclusive; None for all there is.

        Returns:
            The instrument, and its candles, in order; only those whose span is over.

        Raises:
            UnknownSymbolError: the symbol is not there in a fitting timeframe.
        """
        holding = self.find(normalise_symbol(symbol), timeframe)
        if holding is None:
            raise UnknownSymbolError(f"this server has no candles of {symbol} that make up {timeframe}")
        market = self._market(holding, timeframe, start, end)
        return market.instrument, _read(market)

    def _market(self, holding: Holding, timeframe: str, start: int | None, end: int | None) -> MarketSpec:
        instrument = self.instruments().get(holding.symbol)
        if instrument is None:
            raise UnknownSymbolError(f"{holding.symbol} is not declared in {self._instruments_file}")
        source = open_source(str(holding.path), instrument, timeframe=timeframe, start=start, end=end)
        return MarketSpec(instrument, source, start, end)


def _read(market: MarketSpec) -> Iterator[CandleColumns]:
    try:
        yield from market.candles(RESEARCH)
    except UserError:
        # A range without candles is empty here, not an error.
        if market.start is None and market.end is None:
            raise
